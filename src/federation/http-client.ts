/**
 * Requests to a node of a remote site, over HTTP or HTTPS. The node is trusted by the URL of the topology, with HTTPS also
 * by its certificate; it trusts this node by the token or by the
 * certificate of its site.
 */
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { type SiteCredentials, siteRequestOptions } from '../core/site-credentials.ts'

/** Without an answer by then, the next node of the site is tried. */
const RESPONSE_DEADLINE_MS = 3_000
const TORRENT_DEADLINE_MS = 60_000

export interface SiteRequest {
  /** Of the node's admin listener. */
  readonly url: string
  readonly path: string
  /** The site of the node. */
  readonly site: string
  readonly credentials: SiteCredentials
  readonly signal: AbortSignal
}

/** Rejects with an `Error` whose message explains the problem. The caller reads the body. */
export function requestSite({ url, path, site, credentials, signal }: SiteRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const target = new URL(path.slice(1), url.endsWith('/') ? url : `${url}/`)
    const open = target.protocol === 'https:' ? requestHttps : requestHttp
    const request: ClientRequest = open(target, {
      ...siteRequestOptions(credentials, site),
      signal,
      // Streams are long-lived and torrent fetches are rare, so pooling is pointless.
      agent: false,
    })
    const deadline = setTimeout(() => request.destroy(new Error('no answer in time')), RESPONSE_DEADLINE_MS)
    request.on('error', (error) => {
      clearTimeout(deadline)
      reject(error)
    })
    request.on('response', (response) => {
      clearTimeout(deadline)
      // An error after the last read must not end the process.
      response.on('error', () => {})
      if (response.statusCode === 200) return resolve(response)
      response.destroy()
      reject(new Error(`answered ${response.statusCode ?? 0}`))
    })
    request.end()
  })
}

/** The complete body of a response. */
export async function fetchFromSite(request: Omit<SiteRequest, 'signal'>, bytesMax: number): Promise<Buffer> {
  const response = await requestSite({ ...request, signal: AbortSignal.timeout(TORRENT_DEADLINE_MS) })
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of response as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes > bytesMax) {
      response.destroy()
      throw new Error(`more than ${bytesMax} bytes`)
    }
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}
