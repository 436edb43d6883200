/**
 * An object of an S3 bucket, or all objects below a prefix as a folder; any store that speaks S3.
 *
 * An object is the same as long as its ETag and size are. Each request says so with If-Match, and each answer is
 * compared all the same: some stores ignore it. Credentials come from where the AWS tools find them: the variables
 * AWS_ACCESS_KEY_ID and so on, ~/.aws, or the machine's role. They never leave the client object.
 *
 * The SDK loads a megabyte of code: this file is imported only when somebody names an s3:// source.
 */
import { Readable } from 'node:stream'
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3'
import { sortedObjects } from './object-keys.ts'
import type { OpenOptions } from './open-origin.ts'
import type { ByteRange, Origin, OriginFile } from './origin.ts'
import { OriginError } from './origin-error.ts'
import { readRange, withPatience } from './read-range.ts'
import { explainS3Error } from './s3-trouble.ts'

/** `reference`: `s3://bucket/key`; `s3://bucket/prefix/` or `s3://bucket` for a folder. */
export async function openS3Origin(reference: string, options: OpenOptions): Promise<Origin> {
  const [, bucket = '', key = ''] = /^s3:\/\/([a-z0-9][a-z0-9._-]*)(?:\/(.*))?$/is.exec(reference) ?? []
  if (bucket === '') {
    throw new OriginError('unusable', `${reference}: an S3 source is written s3://bucket/key`)
  }
  // On Node 20 the SDK writes ten lines to standard error, advice for the developers of this program and not for its users.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
  const store: Store = { client: new S3Client(configure(options.environment)), bucket }
  try {
    if (key !== '' && !key.endsWith('/')) {
      const { sizeBytes, tag } = await look(store, key, options.signal)
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
}

interface Content {
  /** The key itself, or what the keys of all files begin with. */
  readonly prefix: string
  readonly isFolder: boolean
  readonly files: readonly OriginFile[]
}

function configure(environment: OpenOptions['environment']): S3ClientConfig {
  const endpoint = environment['AWS_ENDPOINT_URL_S3'] ?? environment['AWS_ENDPOINT_URL']
  const accessKeyId = environment['AWS_ACCESS_KEY_ID']
  const secretAccessKey = environment['AWS_SECRET_ACCESS_KEY']
  const sessionToken = environment['AWS_SESSION_TOKEN']
  // Stores other than Amazon's seldom look at the region, but nothing can be signed without one.
  const region =
    environment['AWS_REGION'] ??
    environment['AWS_DEFAULT_REGION'] ??
    (endpoint === undefined ? undefined : 'us-east-1')
  return {
    ...(region === undefined ? {} : { region }),
    // A bucket as part of the host name needs a DNS entry that stores of one's own rarely have.
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : {
          credentials: {
            accessKeyId,
            secretAccessKey,
            ...(sessionToken === undefined ? {} : { sessionToken }),
          },
        }),
    followRegionRedirects: true,
    // Checksums are over whole objects: of no use to ranges, and unknown to older stores.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECT_DEADLINE_MS },
  }
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
    const now = await withPatience(signal, (inner) => look(this.#store, key, inner))
    if (now.tag !== file.tag || now.sizeBytes !== file.sizeBytes) throw changed(labelOf(this.#store, key))
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
  wanted: { readonly key: string; readonly file: OriginFile; readonly part: ByteRange },
  abortSignal: AbortSignal,
): Promise<Readable> {
  const { key, file, part } = wanted
  const label = labelOf(store, key)
  const command = new GetObjectCommand({
    Bucket: store.bucket,
    Key: key,
    Range: `bytes=${part.startByte}-${part.endByte - 1}`,
    IfMatch: file.tag,
  })
  const { Body, ETag, ContentRange } = await explained(label, () =>
    store.client.send(command, { abortSignal }),
  )
  const body = Body as Readable
  if (ETag === file.tag && ContentRange?.startsWith(`bytes ${part.startByte}-`) === true) return body
  body.on('error', () => undefined).destroy()
  throw ETag === file.tag
    ? new OriginError('unusable', `${label}: the store sends other ranges than asked for`)
    : changed(label)
}

/** An answer to HEAD has no body and so no reason: where it is refused, a GET is asked why. */
async function look(
  { client, bucket }: Store,
  key: string,
  abortSignal: AbortSignal,
): Promise<Pick<OriginFile, 'sizeBytes' | 'tag'>> {
  const label = labelOf({ bucket }, key)
  const object = { Bucket: bucket, Key: key }
  const head = await client.send(new HeadObjectCommand(object), { abortSignal }).catch(async () => {
    const get = new GetObjectCommand({ ...object, Range: 'bytes=0-0' })
    const { Body } = await explained(label, () => client.send(get, { abortSignal }))
    ;(Body as Readable).on('error', () => undefined).destroy()
    throw new OriginError('unusable', `${label}: the store answers GET and refuses HEAD; allow both`)
  })
  const { ETag, ContentLength } = head
  if (ETag === undefined || ContentLength === undefined) {
    throw new OriginError(
      'unusable',
      `${label}: the store tells no ETag or size, so a change would go unnoticed`,
    )
  }
  return { sizeBytes: ContentLength, tag: ETag }
}

async function list({ client, bucket }: Store, prefix: string, abortSignal: AbortSignal) {
  const objects: OriginFile[] = []
  let token: string | undefined
  do {
    const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token })
    const page = await explained(labelOf({ bucket }, prefix), () => client.send(command, { abortSignal }))
    for (const { Key = '', ETag = '', Size = 0 } of page.Contents ?? []) {
      // Consoles make folders as empty objects whose key ends in a slash.
      if (!Key.endsWith('/'))
        objects.push({ path: Key.slice(prefix.length).split('/'), sizeBytes: Size, tag: ETag })
    }
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined
  } while (token !== undefined)
  return objects
}

async function explained<Result>(label: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw explainS3Error(label, error)
  }
}

function changed(label: string): OriginError {
  return new OriginError('changed', `${label} was changed while it was read; begin again when it is complete`)
}

function labelOf({ bucket }: Pick<Store, 'bucket'>, key: string): string {
  return `s3://${bucket}/${key}`
}

const CONNECT_DEADLINE_MS = 10_000
