/**
 * One HTTP request to a tracker, as a client makes it, and the complete response.
 *
 * On `node:http` and not on `fetch`: it keeps the bytes of the query unchanged, can use one of several local addresses, and
 * reports the received bytes when they are not HTTP.
 */
import { type IncomingMessage, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { elapsedMs } from '../core/clock.ts'

export interface TrackerRequest {
  readonly url: URL
  /** Local address of the connection; the system's choice where undefined. */
  readonly from: string | undefined
  readonly version: string
  readonly signal: AbortSignal
}

export interface TrackerResponse {
  /** URL of the response, after redirects. */
  readonly url: string
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  readonly elapsedMs: number
}

/** The tracker did not respond. The message has the reason. */
export class TrackerUnreachable extends Error {}

/** The deadline of WebTorrent and anacrolix. */
const DEADLINE_MS = 15_000

/** The limit of libtorrent and rtorrent. */
const REDIRECTS_MAX = 5

/** The limit of rtorrent 0.16; libtorrent stops at 835,584 bytes. */
const BODY_BYTES_MAX = 1_048_576

/** Rejects with `TrackerUnreachable`. */
export async function requestTracker(request: TrackerRequest): Promise<TrackerResponse> {
  const startMs = elapsedMs()
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(DEADLINE_MS)])
  let url = request.url
  for (let redirects = 0; ; redirects++) {
    const response = await requestOnce({ ...request, url, signal })
    const location = response.message.headers.location
    const status = response.message.statusCode ?? 0
    if (location === undefined || status < 300 || status > 399) {
      const { body, message } = response
      return { url: url.href, status, headers: message.headers, body, elapsedMs: elapsedMs() - startMs }
    }
    if (redirects === REDIRECTS_MAX) {
      throw new TrackerUnreachable(`more than ${REDIRECTS_MAX} redirects, the last of them to ${location}`)
    }
    url = redirectTarget(location, url)
  }
}

function redirectTarget(location: string, from: URL): URL {
  if (!URL.canParse(location, from.href))
    throw new TrackerUnreachable(`a redirect to ${location}, which is not a URL`)
  const url = new URL(location, from.href)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new TrackerUnreachable(`a redirect to ${url.href}; clients follow http and https only`)
  }
  return url
}

function requestOnce(
  request: TrackerRequest,
): Promise<{ readonly message: IncomingMessage; readonly body: Buffer }> {
  const { url, from, version, signal } = request
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(new TrackerUnreachable(explainUnreachable(error, request)))
    const outgoing = send(
      url,
      {
        agent: false,
        signal,
        headers: { 'User-Agent': `siteswarm/${version}`, Connection: 'close' },
        ...(from === undefined ? {} : { localAddress: from }),
      },
      (message) => {
        const chunks: Buffer[] = []
        let bytes = 0
        message.on('data', (chunk: Buffer) => {
          chunks.push(chunk)
          bytes += chunk.length
          if (bytes > BODY_BYTES_MAX) message.destroy(new Error(`it sends more than ${BODY_BYTES_MAX} bytes`))
        })
        message.on('end', () => resolve({ message, body: Buffer.concat(chunks) }))
        message.on('error', fail)
      },
    )
    outgoing.on('error', fail)
    outgoing.end()
  })
}

/** The reason of a missing response, for people. */
export function explainUnreachable(
  error: Error,
  { from, signal }: Pick<TrackerRequest, 'from' | 'signal'>,
): string {
  if (signal.aborted) {
    const isLate = (signal.reason as Error | undefined)?.name === 'TimeoutError'
    return isLate ? `no response within ${DEADLINE_MS / 1000} s` : 'interrupted'
  }
  const { code = '' } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ECONNREFUSED':
      return 'connection refused; no program listens there'
    case 'ECONNRESET':
      return 'it closed the connection without a response'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its host name has no address'
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no route to it'
    case 'EADDRNOTAVAIL':
      return from === undefined ? error.message : `this machine does not have the address ${from}`
    default:
      return code.startsWith('HPE_') ? `its response is not HTTP (${error.message})` : error.message
  }
}
