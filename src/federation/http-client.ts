/**
 * Requests to a node of another site, over HTTP or HTTPS as its URL says. What answers is believed to be that site
 * because it is there and, with HTTPS, because its certificate says so; it believes us because of the token.
 */
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'

/** A node that does not answer by then is left for another one. */
const ANSWER_MS_MAX = 3_000
const TORRENT_MS_MAX = 60_000

export interface Asked {
  /** Of the node's admin listener. */
  readonly url: string
  readonly path: string
  readonly token: string
  readonly signal: AbortSignal
}

/** Rejects with an `Error` whose message names what is wrong. The body is for the caller to read. */
export function askSite({ url, path, token, signal }: Asked): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const target = new URL(path.slice(1), url.endsWith('/') ? url : `${url}/`)
    const ask = target.protocol === 'https:' ? requestHttps : requestHttp
    const asked: ClientRequest = ask(target, {
      headers: { authorization: `Bearer ${token}` },
      signal,
      // A stream is for ever, and a torrent is rare.
      agent: false,
    })
    const deadline = setTimeout(() => asked.destroy(new Error('no answer in time')), ANSWER_MS_MAX)
    asked.on('error', (error) => {
      clearTimeout(deadline)
      reject(error)
    })
    asked.on('response', (response) => {
      clearTimeout(deadline)
      // Also when nobody reads it any more.
      response.on('error', () => {})
      if (response.statusCode === 200) return resolve(response)
      response.destroy()
      reject(new Error(`answered ${response.statusCode ?? 0}`))
    })
    asked.end()
  })
}

/** A whole answer. */
export async function fetchFromSite(asked: Omit<Asked, 'signal'>, bytesMax: number): Promise<Buffer> {
  const response = await askSite({ ...asked, signal: AbortSignal.timeout(TORRENT_MS_MAX) })
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
