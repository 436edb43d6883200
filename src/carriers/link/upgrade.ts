/**
 * Opens the connection between two carriers: an HTTP/1.1 request with `Upgrade: siteswarm-carry` to the admin listener of a
 * node, with the bearer token of the federation, or the certificate of the site. After the response 101, both directions are frames. Proxies that pass on
 * WebSockets pass this on too, TLS included.
 */
import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Duplex } from 'node:stream'
import { certifiedSite, type SiteCredentials, siteRequestOptions } from '../../core/site-credentials.ts'
import { isSameToken, readBearerToken } from '../../core/bearer-token.ts'

const CARRY_PATH = '/federation/v1/carry'
const PROTOCOL = 'siteswarm-carry'
/** A node that does not respond by then is skipped for another one of its site. */
const RESPONSE_MS_MAX = 3_000

export interface Upgraded {
  readonly stream: Duplex
  /** Bytes that arrived with the response. */
  readonly head: Buffer
}

/** Rejects with an `Error` whose message names the cause. `url`: of the admin listener of a node. */
export function requestUpgrade(url: string, credentials: SiteCredentials, site: string): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    const target = new URL(CARRY_PATH.slice(1), url.endsWith('/') ? url : `${url}/`)
    const send = target.protocol === 'https:' ? requestHttps : requestHttp
    const options = siteRequestOptions(credentials, site)
    const request = send(target, {
      ...options,
      headers: { ...options.headers, connection: 'Upgrade', upgrade: PROTOCOL },
      agent: false,
    })
    const deadline = setTimeout(() => request.destroy(new Error('no response in time')), RESPONSE_MS_MAX)
    request.on('error', (error) => {
      clearTimeout(deadline)
      reject(error)
    })
    request.on('response', (response) => {
      clearTimeout(deadline)
      response.destroy()
      reject(new Error(`response ${response.statusCode ?? 0} instead of 101`))
    })
    request.on('upgrade', (response, stream, head) => {
      clearTimeout(deadline)
      if (response.headers.upgrade === PROTOCOL) return resolve({ stream, head })
      stream.destroy()
      reject(new Error(`the node changed to ${response.headers.upgrade ?? 'another protocol'}`))
    })
    request.end()
  })
}

const RESPONSES = {
  401: 'HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
  404: 'HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
  101: `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${PROTOCOL}\r\n\r\n`,
} as const

/**
 * Responds to an upgrade request. `onAccepted`: both directions are frames from now on; `site` is that of the certificate,
 * which the other node may not leave. Compares in constant time.
 */
export function acceptUpgrade(
  request: IncomingMessage,
  stream: Duplex,
  { token, isFederated }: { readonly token: string | undefined; readonly isFederated: boolean },
  onAccepted: (site: string | undefined) => void,
): void {
  stream.on('error', () => stream.destroy())
  const path = new URL(request.url ?? '/', 'http://node').pathname
  const isCarry = path === CARRY_PATH && request.headers.upgrade === PROTOCOL && isFederated
  const sent = readBearerToken(request.headers.authorization) ?? ''
  const site = certifiedSite(stream)
  const isAdmitted = site !== undefined || (token !== undefined && isSameToken(sent, token))
  const status = !isCarry ? 404 : isAdmitted ? 101 : 401
  // A socket is passed to another process only after everything that was written to it is sent.
  if (status === 101) stream.write(RESPONSES[status], () => onAccepted(site))
  else stream.end(RESPONSES[status])
}
