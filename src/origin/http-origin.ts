/**
 * Opens the object behind an HTTP URL as an origin (RFC 9110: ranges §14, preconditions §13).
 *
 * Its ETag identifies the content, or its date and size if the server sends no ETag. Each request carries the
 * identity as a precondition, and each response is compared as well, because many servers ignore preconditions. A
 * server without byte ranges is rejected, unless everything is read once and in order: a web seed needs ranges, and
 * so does resuming after a broken connection.
 */
import { Readable } from 'node:stream'
import { Agent, type Dispatcher, interceptors, request } from 'undici'
import { SequentialReader } from './sequential-reader.ts'
import type { OpenOptions } from './open-origin.ts'
import type { ByteRange, Origin, OriginFile } from './origin.ts'
import { OriginError } from './origin-error.ts'
import { readRange, withRetries } from './read-range.ts'

/** The URL may contain a user name and password. They are sent to the host of the URL only. */
export async function openHttpOrigin(
  reference: string,
  { signal, isReadOnce = false }: Pick<OpenOptions, 'signal' | 'isReadOnce'>,
): Promise<Origin> {
  const target = readTarget(reference)
  const agent = new Agent({
    connections: CONNECTIONS_MAX,
    connect: { timeout: CONNECT_DEADLINE_MS },
    headersTimeout: HEADERS_DEADLINE_MS,
  })
  const source = {
    ...target,
    agent,
    // The interceptor drops the credentials when a redirect leads to another host.
    dispatcher: agent.compose(interceptors.redirect({ maxRedirections: REDIRECTS_MAX })),
  }
  try {
    const properties = await probe(source, signal)
    if (properties.hasRanges) return new HttpOrigin(source, properties)
    if (!isReadOnce) throw withoutRanges(source)
    return new HttpOriginWithoutRanges(source, properties)
  } catch (error) {
    await agent.destroy()
    throw error
  }
}

interface Source {
  readonly url: string
  /** The URL without user, password and query, safe for messages. */
  readonly label: string
  readonly authorization: string | undefined
  readonly agent: Agent
  readonly dispatcher: Dispatcher
}

interface ObjectProperties {
  readonly hasRanges: boolean
  /** First byte of the range in the response. */
  readonly startByte: number
  readonly sizeBytes: number
  readonly etag: string | undefined
  readonly lastModified: string | undefined
}

class HttpOrigin implements Origin {
  readonly kind = 'http'
  readonly reference: string
  readonly name: string
  readonly isFolder = false
  readonly files: readonly OriginFile[]
  readonly #source: Source
  readonly #properties: ObjectProperties

  constructor(source: Source, properties: ObjectProperties) {
    this.#source = source
    this.#properties = properties
    this.reference = source.label
    this.name = nameOf(new URL(source.label))
    this.files = [{ path: [], sizeBytes: properties.sizeBytes, tag: tagOf(properties) }]
  }

  read(_fileIndex: number, range: ByteRange, signal: AbortSignal): Readable {
    const { label } = this.#source
    const open = (part: ByteRange, inner: AbortSignal) => this.#openRange(part, inner)
    return Readable.from(readRange(open, range, { label, signal }), { objectMode: false })
  }

  async verifyUnchanged(_fileIndex: number, signal: AbortSignal): Promise<void> {
    const current = await withRetries(signal, (inner) => probe(this.#source, inner))
    if (tagOf(current) !== tagOf(this.#properties)) throw changed(this.#source)
  }

  async close(): Promise<void> {
    await this.#source.agent.destroy()
  }

  async #openRange(range: ByteRange, signal: AbortSignal): Promise<Readable> {
    const response = await send(this.#source, range, preconditionOf(this.#properties), signal)
    try {
      // The object became shorter or was replaced.
      if (response.statusCode === 412 || response.statusCode === 416) throw changed(this.#source)
      const received = readProperties(this.#source, response)
      if (!received.hasRanges) throw withoutRanges(this.#source)
      if (tagOf(received) !== tagOf(this.#properties)) throw changed(this.#source)
      if (received.startByte !== range.startByte) {
        throw new OriginError(
          'unusable',
          `${this.#source.label}: the server returns a different range than requested`,
        )
      }
      return response.body
    } catch (error) {
      discard(response)
      throw error
    }
  }
}

class HttpOriginWithoutRanges extends HttpOrigin {
  readonly isReadOnce = true
  readonly #reader: SequentialReader

  constructor(source: Source, properties: ObjectProperties) {
    super(source, properties)
    this.#reader = new SequentialReader(source.label, async (signal) => {
      const response = await send(source, undefined, preconditionOf(properties), signal)
      try {
        if (response.statusCode === 412) throw changed(source)
        if (tagOf(readProperties(source, response)) !== tagOf(properties)) throw changed(source)
        return response.body
      } catch (error) {
        discard(response)
        throw error
      }
    })
  }

  override read(_fileIndex: number, range: ByteRange, signal: AbortSignal): Readable {
    return Readable.from(this.#reader.read(range, signal), { objectMode: false })
  }
}

/** Requests the first byte: the response contains the size and identity of the object, and shows whether the server supports ranges. */
async function probe(source: Source, signal: AbortSignal): Promise<ObjectProperties> {
  const response = await send(source, { startByte: 0, endByte: 1 }, {}, signal)
  try {
    const properties = readProperties(source, response)
    if (properties.etag === undefined && properties.lastModified === undefined) {
      throw new OriginError(
        'unusable',
        `${source.label}: the server sends neither ETag nor Last-Modified, so a change could not be detected; download the file and publish that`,
      )
    }
    return properties
  } finally {
    discard(response)
  }
}

async function send(
  { url, label, authorization, dispatcher }: Source,
  range: ByteRange | undefined,
  precondition: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  try {
    return await request(url, {
      dispatcher,
      signal,
      headers: {
        'user-agent': 'siteswarm',
        // A content encoding would change the bytes and the ranges.
        'accept-encoding': 'identity',
        ...(range === undefined ? {} : { range: `bytes=${range.startByte}-${range.endByte - 1}` }),
        ...(authorization === undefined ? {} : { authorization }),
        ...precondition,
      },
    })
  } catch (error) {
    const { code, name, message } = error as NodeJS.ErrnoException
    // undici reports a redirect loop only in the message.
    if (/redirect loop/i.test(message)) throw tooManyRedirects(label)
    throw new OriginError('unreachable', `${label}: no response (${code ?? name}); is the server running?`)
  }
}

/** Throws for every status except 206 and, from a server without ranges, 200. */
function readProperties(
  { label }: Source,
  { statusCode, headers }: Dispatcher.ResponseData,
): ObjectProperties {
  const header = (name: string) => {
    const value = headers[name]
    return typeof value === 'string' ? value : undefined
  }
  // The first byte of an empty object is an unsatisfiable range.
  if (statusCode === 416 || (statusCode === 200 && header('content-length') === '0')) {
    throw new OriginError('unusable', `${label} is empty; there is nothing to distribute`)
  }
  if (statusCode !== 200 && statusCode !== 206) throw refused(label, statusCode)
  const hasRanges = statusCode === 206
  const range = hasRanges
    ? /^bytes (\d+)-\d+\/(\d+)$/i.exec(header('content-range') ?? '')
    : /^()(\d+)$/.exec(header('content-length') ?? '')
  if (range === null) {
    throw new OriginError(
      'unusable',
      `${label}: the server sends no size; download the file and publish that`,
    )
  }
  const encoding = header('content-encoding') ?? 'identity'
  if (encoding !== 'identity') {
    throw new OriginError(
      'unusable',
      `${label}: the server sends it with Content-Encoding ${encoding}, although identity was requested; download the file and publish that`,
    )
  }
  return {
    hasRanges,
    startByte: Number(range[1]),
    sizeBytes: Number(range[2]),
    etag: header('etag'),
    lastModified: header('last-modified'),
  }
}

function tooManyRedirects(label: string): OriginError {
  return new OriginError(
    'unusable',
    `${label}: redirect loop, or more than ${REDIRECTS_MAX} redirects; check the URL`,
  )
}

function refused(label: string, statusCode: number): OriginError {
  if (REDIRECT_STATUSES.includes(statusCode)) return tooManyRedirects(label)
  if (statusCode === 404 || statusCode === 410) {
    return new OriginError('missing', `${label}: not found (${statusCode}); check the URL`)
  }
  if (statusCode === 401 || statusCode === 403) {
    return new OriginError(
      'forbidden',
      `${label}: permission denied (${statusCode}); the URL may contain a user and password`,
    )
  }
  if (statusCode === 429 || statusCode >= 500) {
    return new OriginError('unreachable', `${label}: server error (${statusCode}); try again later`)
  }
  return new OriginError('unusable', `${label}: the server returned ${statusCode} instead of the content`)
}

function withoutRanges({ label }: Source): OriginError {
  return new OriginError(
    'unusable',
    `${label}: the server does not serve byte ranges; download the file and publish that`,
  )
}

function changed({ label }: Source): OriginError {
  return new OriginError('changed', `${label} changed while it was being read; try again when it is complete`)
}

function tagOf({ etag, lastModified, sizeBytes }: ObjectProperties): string {
  return `${etag ?? lastModified}-${sizeBytes}`
}

/** A weak ETag never matches If-Match (RFC 9110 §13.1.1). Dates have a resolution of one second. */
function preconditionOf({ etag, lastModified }: ObjectProperties): Readonly<Record<string, string>> {
  if (etag?.startsWith('"') === true) return { 'if-match': etag }
  return lastModified === undefined ? {} : { 'if-unmodified-since': lastModified }
}

/** An unread response would keep its connection occupied. */
function discard({ body }: Dispatcher.ResponseData): void {
  body.on('error', () => undefined).destroy()
}

function readTarget(reference: string): Pick<Source, 'url' | 'label' | 'authorization'> {
  if (!URL.canParse(reference)) {
    // The message does not repeat the URL: it may contain a password.
    throw new OriginError('unusable', 'the URL of the source is not valid; check its spelling')
  }
  const url = new URL(reference)
  const { username, password } = url
  const authorization =
    username === '' && password === ''
      ? undefined
      : `Basic ${Buffer.from(`${decode(username)}:${decode(password)}`).toString('base64')}`
  url.username = ''
  url.password = ''
  url.hash = ''
  const label = new URL(url)
  label.search = ''
  return { url: url.href, label: label.href, authorization }
}

function nameOf({ pathname, hostname }: URL): string {
  return decode(pathname.split('/').findLast((part) => part !== '') ?? hostname)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // Not percent-encoded UTF-8: taken literally.
    return text
  }
}

/** The ranges that are read ahead, plus concurrent requests of web seed clients. */
const CONNECTIONS_MAX = 32
const CONNECT_DEADLINE_MS = 10_000
/** Object stores that fetch from an archive or another region first respond slowly. */
const HEADERS_DEADLINE_MS = 30_000
/** Real chains have one or two redirects; the limit ends loops. */
const REDIRECTS_MAX = 5
const REDIRECT_STATUSES: readonly number[] = [301, 302, 303, 307, 308]
