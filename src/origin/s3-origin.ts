/**
 * Opens an object of an S3 bucket as an origin, or all objects below a prefix as a folder. Works with every
 * S3-compatible store.
 *
 * ETag and size identify an object. Each request carries the ETag in If-Match, and each response is compared as well,
 * because some stores ignore it. Credentials come from the sources that the AWS tools use: AWS_ACCESS_KEY_ID and the
 * related variables, ~/.aws, or the role of the machine. They never leave the client object.
 *
 * The SDK loads a megabyte of code: this file is imported only for an s3:// source.
 */
import { Readable } from 'node:stream'
import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { redactUrl } from '../core/url-credentials.ts'
import { sortedObjects } from './object-keys.ts'
import type { ByteRange, OpenOptions, Origin, OriginFile } from './origin.ts'
import { OriginError } from './origin-error.ts'
import { openDispatcher } from './proxy-dispatcher.ts'
import { readRange, withRetries } from './read-range.ts'
import { toOriginError } from './s3-errors.ts'
import { s3RequestHandler } from './s3-requests.ts'
import { readS3Settings, type S3Settings } from './s3-settings.ts'

/** `reference`: `s3://bucket/key`; `s3://bucket/prefix/` or `s3://bucket` for a folder. */
export async function openS3Origin(reference: string, options: OpenOptions): Promise<Origin> {
  const [, bucket = '', key = ''] = /^s3:\/\/([a-z0-9][a-z0-9._-]*)(?:\/(.*))?$/is.exec(reference) ?? []
  if (bucket === '') {
    throw new OriginError('unusable', `${redactUrl(reference)}: write an S3 source as s3://bucket/key`)
  }
  // On Node 20 the SDK writes ten lines to standard error that address the developers of this program, not its users.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
  const settings = readS3Settings(options.environment)
  const store: Store = { client: openClient(settings), bucket, settings }
  try {
    if (key !== '' && !key.endsWith('/')) {
      const { sizeBytes, tag } = await describeObject(store, key, options.signal)
      return new S3Origin(store, { prefix: key, isFolder: false, files: [{ path: [], sizeBytes, tag }] })
    }
    return new S3Origin(store, {
      prefix: key,
      isFolder: true,
      files: sortedObjects(await list(store, key, options.signal), labelOf(store, key)),
    })
  } catch (error) {
    store.client.destroy()
    throw error
  }
}

interface Store {
  readonly client: S3Client
  readonly bucket: string
  readonly settings: S3Settings
}

interface Content {
  /** The key of the object, or the common prefix of all keys. */
  readonly prefix: string
  readonly isFolder: boolean
  readonly files: readonly OriginFile[]
}

function openClient({ endpoint, region, credentials, environment }: S3Settings): S3Client {
  return new S3Client({
    ...(region === undefined ? {} : { region }),
    // A bucket in the host name needs a DNS entry per bucket, which self-hosted stores rarely have.
    ...(endpoint === undefined ? {} : { endpoint: endpoint.url, forcePathStyle: true }),
    ...(credentials === undefined ? {} : { credentials }),
    followRegionRedirects: true,
    // Checksums cover whole objects: useless for ranges, and older stores do not support them.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: s3RequestHandler(openDispatcher(environment, CONNECTIONS_MAX)),
  })
}

class S3Origin implements Origin {
  readonly kind = 's3'
  readonly reference: string
  readonly name: string
  readonly isFolder: boolean
  readonly files: readonly OriginFile[]
  readonly #store: Store
  readonly #prefix: string

  constructor(store: Store, { prefix, isFolder, files }: Content) {
    this.#store = store
    this.#prefix = prefix
    this.isFolder = isFolder
    this.files = files
    this.reference = labelOf(store, prefix)
    this.name = prefix.split('/').findLast((part) => part !== '') ?? store.bucket
  }

  read(fileIndex: number, range: ByteRange, signal: AbortSignal): Readable {
    const file = this.files[fileIndex] as OriginFile
    const key = this.#keyOf(file)
    const label = labelOf(this.#store, key)
    const open = (part: ByteRange, inner: AbortSignal) => openRange(this.#store, { key, file, part }, inner)
    return Readable.from(readRange(open, range, { label, signal }), { objectMode: false })
  }

  async verifyUnchanged(fileIndex: number, signal: AbortSignal): Promise<void> {
    const file = this.files[fileIndex] as OriginFile
    const key = this.#keyOf(file)
    const current = await withRetries(signal, (inner) => describeObject(this.#store, key, inner))
    if (current.tag !== file.tag || current.sizeBytes !== file.sizeBytes)
      throw changed(labelOf(this.#store, key))
  }

  async close(): Promise<void> {
    this.#store.client.destroy()
  }

  #keyOf({ path }: OriginFile): string {
    return this.#prefix + path.join('/')
  }
}

async function openRange(
  store: Store,
  request: { readonly key: string; readonly file: OriginFile; readonly part: ByteRange },
  abortSignal: AbortSignal,
): Promise<Readable> {
  const { key, file, part } = request
  const label = labelOf(store, key)
  const command = new GetObjectCommand({
    Bucket: store.bucket,
    Key: key,
    Range: `bytes=${part.startByte}-${part.endByte - 1}`,
    IfMatch: file.tag,
  })
  const { Body, ETag, ContentRange } = await withS3Errors(store, label, () =>
    store.client.send(command, { abortSignal }),
  )
  const body = Body as Readable
  if (ETag === file.tag && ContentRange?.startsWith(`bytes ${part.startByte}-`) === true) return body
  body.on('error', () => undefined).destroy()
  throw ETag === file.tag
    ? new OriginError('unusable', `${label}: the store returns a different range than requested`)
    : changed(label)
}

/** A response to HEAD has no body and therefore no error code: if HEAD fails, a GET finds the reason. */
async function describeObject(
  store: Store,
  key: string,
  abortSignal: AbortSignal,
): Promise<Pick<OriginFile, 'sizeBytes' | 'tag'>> {
  const { client, bucket } = store
  const label = labelOf(store, key)
  const object = { Bucket: bucket, Key: key }
  const head = await client.send(new HeadObjectCommand(object), { abortSignal }).catch(async () => {
    const get = new GetObjectCommand({ ...object, Range: 'bytes=0-0' })
    const { Body } = await withS3Errors(store, label, () => client.send(get, { abortSignal }))
    ;(Body as Readable).on('error', () => undefined).destroy()
    throw new OriginError('unusable', `${label}: the store allows GET but refuses HEAD; allow both`)
  })
  const { ETag, ContentLength } = head
  if (ETag === undefined || ContentLength === undefined) {
    throw new OriginError(
      'unusable',
      `${label}: the store sends no ETag or size, so a change could not be detected`,
    )
  }
  return { sizeBytes: ContentLength, tag: ETag }
}

async function list(store: Store, prefix: string, abortSignal: AbortSignal) {
  const { client, bucket } = store
  const objects: OriginFile[] = []
  let token: string | undefined
  do {
    const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token })
    const page = await withS3Errors(store, labelOf(store, prefix), () =>
      client.send(command, { abortSignal }),
    )
    for (const { Key = '', ETag = '', Size = 0 } of page.Contents ?? []) {
      // Web consoles represent folders as empty objects whose key ends in a slash.
      if (!Key.endsWith('/'))
        objects.push({ path: Key.slice(prefix.length).split('/'), sizeBytes: Size, tag: ETag })
    }
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined
  } while (token !== undefined)
  return objects
}

async function withS3Errors<Result>(
  { settings }: Store,
  label: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw toOriginError(label, error, settings)
  }
}

function changed(label: string): OriginError {
  return new OriginError('changed', `${label} changed while it was being read; try again when it is complete`)
}

function labelOf({ bucket }: Pick<Store, 'bucket'>, key: string): string {
  return `s3://${bucket}/${key}`
}

/** The ranges that are read ahead, plus concurrent requests of web seed clients. */
const CONNECTIONS_MAX = 32
