/**
 * One object behind an HTTP URL as a source of content (RFC 9110: ranges §14, preconditions §13).
 *
 * It is the same as long as its ETag is, or its date and size where there is no ETag. Each request carries that as a
 * precondition, and each answer is compared all the same, because many servers ignore preconditions. A server
 * without ranges is refused when it is opened, unless everything is read once and in order: a web seed needs them,
 * and so does going on after a broken line.
 */
import { Readable } from 'node:stream'
import { Agent, type Dispatcher, interceptors, request } from 'undici'
import { InOrder } from './in-order.ts'
import type { OpenOptions } from './open-origin.ts'
import type { ByteRange, Origin, OriginFile } from './origin.ts'
import { OriginError } from './origin-error.ts'
import { readRange, withPatience } from './read-range.ts'

/** User name and password may stand in the URL; they are sent to its host and to nobody else. */
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
    // It drops the credentials when a redirection leads to another host.
    dispatcher: agent.compose(interceptors.redirect({ maxRedirections: REDIRECTIONS_MAX })),
  }
  try {
    const opened = await describe(source, signal)
    if (opened.hasRanges) return new HttpOrigin(source, opened)
    if (!isReadOnce) throw withoutRanges(source)
    return new HttpOriginWithoutRanges(source, opened)
  } catch (error) {
    await agent.destroy()
    throw error
  }
}

interface Source {
  readonly url: string
  /** The URL as it may be shown: without user, password and query. */
  readonly label: string
  readonly authorization: string | undefined
  readonly agent: Agent
  readonly dispatcher: Dispatcher
}

interface Description {
  readonly hasRanges: boolean
  /** Where the part begins that came with it. */
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
  readonly #opened: Description

  constructor(source: Source, opened: Description) {
    this.#source = source
    this.#opened = opened
    this.reference = source.label
    this.name = nameOf(new URL(source.label))
    this.files = [{ path: [], sizeBytes: opened.sizeBytes, tag: tagOf(opened) }]
  }

  read(_fileIndex: number, range: ByteRange, signal: AbortSignal): Readable {
    const { label } = this.#source
    const open = (part: ByteRange, inner: AbortSignal) => this.#openRange(part, inner)
    return Readable.from(readRange(open, range, { label, signal }), { objectMode: false })
  }

  async verifyUnchanged(_fileIndex: number, signal: AbortSignal): Promise<void> {
    const now = await withPatience(signal, (inner) => describe(this.#source, inner))
    if (tagOf(now) !== tagOf(this.#opened)) throw changed(this.#source)
  }

  async close(): Promise<void> {
    await this.#source.agent.destroy()
  }

  async #openRange(range: ByteRange, signal: AbortSignal): Promise<Readable> {
    const answer = await ask(this.#source, range, preconditionOf(this.#opened), signal)
    try {
      // It has become shorter, or something else.
      if (answer.statusCode === 412 || answer.statusCode === 416) throw changed(this.#source)
      const seen = readDescription(this.#source, answer)
      if (!seen.hasRanges) throw withoutRanges(this.#source)
      if (tagOf(seen) !== tagOf(this.#opened)) throw changed(this.#source)
      if (seen.startByte !== range.startByte) {
        throw new OriginError(
          'unusable',
          `${this.#source.label}: the server sends other ranges than asked for`,
        )
      }
      return answer.body
    } catch (error) {
      discard(answer)
      throw error
    }
  }
}

class HttpOriginWithoutRanges extends HttpOrigin {
  readonly isReadOnce = true
  readonly #inOrder: InOrder

  constructor(source: Source, opened: Description) {
    super(source, opened)
    this.#inOrder = new InOrder(source.label, async (signal) => {
      const answer = await ask(source, undefined, preconditionOf(opened), signal)
      try {
        if (answer.statusCode === 412) throw changed(source)
        if (tagOf(readDescription(source, answer)) !== tagOf(opened)) throw changed(source)
        return answer.body
      } catch (error) {
        discard(answer)
        throw error
      }
    })
  }

  override read(_fileIndex: number, range: ByteRange, signal: AbortSignal): Readable {
    return Readable.from(this.#inOrder.read(range, signal), { objectMode: false })
  }
}

/** Asks for the first byte: that tells the size, what identifies the content, and whether there are ranges. */
async function describe(source: Source, signal: AbortSignal): Promise<Description> {
  const answer = await ask(source, { startByte: 0, endByte: 1 }, {}, signal)
  try {
    const description = readDescription(source, answer)
    if (description.etag === undefined && description.lastModified === undefined) {
      throw new OriginError(
        'unusable',
        `${source.label}: sends neither ETag nor Last-Modified, so nobody would notice a change; download it first`,
      )
    }
    return description
  } finally {
    discard(answer)
  }
}

async function ask(
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
        // Compressed on the way it would be other bytes, and have other ranges.
        'accept-encoding': 'identity',
        ...(range === undefined ? {} : { range: `bytes=${range.startByte}-${range.endByte - 1}` }),
        ...(authorization === undefined ? {} : { authorization }),
        ...precondition,
      },
    })
  } catch (error) {
    const { code, name, message } = error as NodeJS.ErrnoException
    // undici tells a circle by its words alone.
    if (/redirect loop/i.test(message)) throw redirectedTooOften(label)
    throw new OriginError('unreachable', `${label}: no answer (${code ?? name}); is the server up?`)
  }
}

/** Throws for every status but 206, and 200 where there are no ranges. */
function readDescription({ label }: Source, { statusCode, headers }: Dispatcher.ResponseData): Description {
  const header = (name: string) => {
    const value = headers[name]
    return typeof value === 'string' ? value : undefined
  }
  // The first byte of an empty object is no range that can be satisfied.
  if (statusCode === 416 || (statusCode === 200 && header('content-length') === '0')) {
    throw new OriginError('unusable', `${label} is empty; there is nothing to distribute`)
  }
  if (statusCode !== 200 && statusCode !== 206) throw refused(label, statusCode)
  const hasRanges = statusCode === 206
  const range = hasRanges
    ? /^bytes (\d+)-\d+\/(\d+)$/i.exec(header('content-range') ?? '')
    : /^()(\d+)$/.exec(header('content-length') ?? '')
  if (range === null) {
    throw new OriginError('unusable', `${label}: the server does not say how large it is; download it first`)
  }
  const encoding = header('content-encoding') ?? 'identity'
  if (encoding !== 'identity') {
    throw new OriginError('unusable', `${label}: the server insists on sending it as ${encoding}`)
  }
  return {
    hasRanges,
    startByte: Number(range[1]),
    sizeBytes: Number(range[2]),
    etag: header('etag'),
    lastModified: header('last-modified'),
  }
}

function redirectedTooOften(label: string): OriginError {
  return new OriginError(
    'unusable',
    `${label}: leads in a circle, or through more than ${REDIRECTIONS_MAX} other URLs; check the URL`,
  )
}

function refused(label: string, statusCode: number): OriginError {
  if (REDIRECTIONS.includes(statusCode)) return redirectedTooOften(label)
  if (statusCode === 404 || statusCode === 410) {
    return new OriginError('missing', `${label}: there is nothing (${statusCode}); check the URL`)
  }
  if (statusCode === 401 || statusCode === 403) {
    return new OriginError(
      'forbidden',
      `${label}: permission denied (${statusCode}); user and password may stand in the URL`,
    )
  }
  if (statusCode === 429 || statusCode >= 500) {
    return new OriginError('unreachable', `${label}: the server is in trouble (${statusCode}); try later`)
  }
  return new OriginError('unusable', `${label}: the server answered ${statusCode} instead of the content`)
}

function withoutRanges({ label }: Source): OriginError {
  return new OriginError(
    'unusable',
    `${label}: the server does not serve byte ranges; download the file and publish that`,
  )
}

function changed({ label }: Source): OriginError {
  return new OriginError('changed', `${label} was changed while it was read; begin again when it is complete`)
}

function tagOf({ etag, lastModified, sizeBytes }: Description): string {
  return `${etag ?? lastModified}-${sizeBytes}`
}

/** A weak ETag matches nothing (RFC 9110 §13.1.1), and a date is compared by the second. */
function preconditionOf({ etag, lastModified }: Description): Readonly<Record<string, string>> {
  if (etag?.startsWith('"') === true) return { 'if-match': etag }
  return lastModified === undefined ? {} : { 'if-unmodified-since': lastModified }
}

/** An answer that nobody reads would hold its connection. */
function discard({ body }: Dispatcher.ResponseData): void {
  body.on('error', () => undefined).destroy()
}

function readTarget(reference: string): Pick<Source, 'url' | 'label' | 'authorization'> {
  if (!URL.canParse(reference)) {
    // Not shown: it may hold a password.
    throw new OriginError('unusable', 'the URL of the source cannot be read; check its spelling')
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
    // Not percent-encoded UTF-8: it is what it looks like.
    return text
  }
}

/** As many ranges as are read ahead, and some for a proxy's clients. */
const CONNECTIONS_MAX = 32
const CONNECT_DEADLINE_MS = 10_000
/** Object stores that fetch from an archive or another region first take their time. */
const HEADERS_DEADLINE_MS = 30_000
/** As browsers count: nobody needs three, and a circle ends. */
const REDIRECTIONS_MAX = 5
const REDIRECTIONS: readonly number[] = [301, 302, 303, 307, 308]
