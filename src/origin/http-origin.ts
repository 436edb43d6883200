/**
 * Opens the object behind an HTTP URL as an origin (RFC 9110: ranges §14, preconditions §13).
 *
 * Each request carries a precondition, and each response is compared with the properties at opening as well, because
 * many servers ignore preconditions. A server without byte ranges is rejected, unless everything is read once and in
 * order: a web seed needs ranges, and so does resuming after a broken connection.
 */
import { Readable } from 'node:stream'
import { decodePercent } from '../core/url-credentials.ts'
import {
  changedError,
  isSameContent,
  type ObjectProperties,
  preconditionOf,
  readProperties,
  tagOf,
} from './http-object.ts'
import { type HttpResponse, HttpSource } from './http-source.ts'
import type { ByteRange, OpenOptions, Origin, OriginFile } from './origin.ts'
import { OriginError } from './origin-error.ts'
import { readRange, withRetries } from './read-range.ts'
import { SequentialReader } from './sequential-reader.ts'

/** The URL may contain a user name and password. */
export async function openHttpOrigin(
  reference: string,
  { environment, signal, redirects, isReadOnce = false }: OpenOptions,
): Promise<Origin> {
  const source = new HttpSource(reference, environment, redirects)
  try {
    const properties = await probe(source, signal)
    if (properties.hasRanges) return new HttpOrigin(source, properties)
    if (!isReadOnce) throw withoutRanges(source.label)
    return new HttpOriginWithoutRanges(source, properties)
  } catch (error) {
    await source.close()
    throw error
  }
}

class HttpOrigin implements Origin {
  readonly kind = 'http'
  readonly reference: string
  readonly name: string
  readonly isFolder = false
  readonly files: readonly OriginFile[]
  readonly #source: HttpSource
  readonly #opened: ObjectProperties
  /** No response had another ETag so far. */
  #isEtagStable = true

  constructor(source: HttpSource, opened: ObjectProperties) {
    this.#source = source
    this.#opened = opened
    this.reference = source.label
    this.name = nameOf(new URL(source.label))
    this.files = [{ path: [], sizeBytes: opened.sizeBytes, tag: tagOf(opened) }]
  }

  read(_fileIndex: number, range: ByteRange, signal: AbortSignal): Readable {
    const { label } = this.#source
    const open = async (part: ByteRange, inner: AbortSignal) => (await this.openPart(part, inner)).body
    return Readable.from(readRange(open, range, { label, signal }), { objectMode: false })
  }

  async verifyUnchanged(_fileIndex: number, signal: AbortSignal): Promise<void> {
    const current = await withRetries(signal, (inner) => probe(this.#source, inner))
    this.#compare(this.#source.label, current)
  }

  async close(): Promise<void> {
    await this.#source.close()
  }

  /** Requests a range, or everything, and verifies that the response is of the content at opening. */
  protected async openPart(range: ByteRange | undefined, signal: AbortSignal): Promise<HttpResponse> {
    const response = await this.#send(range, signal)
    try {
      // 412: the precondition failed. 416: the object became shorter.
      if (response.statusCode === 412 || response.statusCode === 416) throw changedError(response.label)
      const received = readProperties(response)
      if (range !== undefined && !received.hasRanges) throw withoutRanges(response.label)
      this.#compare(this.#source.label, received)
      if (range !== undefined && received.startByte !== range.startByte)
        throw new OriginError(
          'unusable',
          `${response.label}: the server returns a different range than requested`,
        )
      return response
    } catch (error) {
      discard(response)
      throw error
    }
  }

  /** A mirror with another ETag fails If-Match, so the request is repeated without it and the response compared. */
  async #send(range: ByteRange | undefined, signal: AbortSignal): Promise<HttpResponse> {
    const precondition = preconditionOf(this.#opened, this.#isEtagStable)
    const response = await this.#source.send(range, precondition, signal)
    if (response.statusCode !== 412 || precondition['if-match'] === undefined) return response
    discard(response)
    return this.#source.send(range, preconditionOf(this.#opened, false), signal)
  }

  #compare(label: string, received: ObjectProperties): void {
    if (!isSameContent(this.#opened, received)) throw changedError(label, this.#opened, received)
    if (received.etag !== this.#opened.etag) this.#isEtagStable = false
  }
}

class HttpOriginWithoutRanges extends HttpOrigin {
  readonly isReadOnce = true
  readonly #reader: SequentialReader

  constructor(source: HttpSource, opened: ObjectProperties) {
    super(source, opened)
    this.#reader = new SequentialReader(
      source.label,
      async (signal) => (await this.openPart(undefined, signal)).body,
    )
  }

  override read(_fileIndex: number, range: ByteRange, signal: AbortSignal): Readable {
    return Readable.from(this.#reader.read(range, signal), { objectMode: false })
  }
}

/** Requests the first byte: the response has the size and identity of the object, and shows whether there are ranges. */
async function probe(source: HttpSource, signal: AbortSignal): Promise<ObjectProperties> {
  const response = await source.send({ startByte: 0, endByte: 1 }, {}, signal)
  try {
    const properties = readProperties(response)
    if (properties.etag === undefined && properties.lastModified === undefined) {
      throw new OriginError(
        'unusable',
        `${response.label}: the server sends neither ETag nor Last-Modified, so a change could not be detected; ` +
          'download the file and publish that',
      )
    }
    return properties
  } finally {
    discard(response)
  }
}

/** An unread response would keep its connection occupied. */
function discard({ body }: HttpResponse): void {
  body.on('error', () => undefined).destroy()
}

function withoutRanges(label: string): OriginError {
  return new OriginError(
    'unusable',
    `${label}: the server does not serve byte ranges; download the file and publish that`,
  )
}

function nameOf({ pathname, hostname }: URL): string {
  return decodePercent(pathname.split('/').findLast((part) => part !== '') ?? hostname)
}
