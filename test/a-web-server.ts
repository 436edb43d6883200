/** Starts a web server with one object. A test can change the object and the behaviour of the server. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface WebServer {
  /** Without a trailing slash. */
  readonly url: string
  content: Buffer
  /** Sent with every response. */
  headers: Readonly<Record<string, string>>
  /** May respond instead of the server; returns true if it did. */
  interfere: (request: IncomingMessage, response: ServerResponse) => boolean
  readonly requests: IncomingMessage[]
  close(): Promise<void>
}

/**
 * Serves `content` at every path, with ranges. Preconditions are ignored, as by many servers. `tls`: key and
 * certificate of an HTTPS server.
 */
export async function aWebServer(
  content: Buffer,
  tls?: { readonly key: Buffer; readonly cert: Buffer },
): Promise<WebServer> {
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    server.requests.push(request)
    if (server.interfere(request, response)) return
    for (const [name, value] of Object.entries(server.headers)) response.setHeader(name, value)
    const [, first = '', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
    const size = server.content.length
    if (first === '') response.end(server.content)
    else if (Number(first) >= size) response.writeHead(416, { 'content-range': `bytes */${size}` }).end()
    else {
      const end = Math.min(last === '' ? size : Number(last) + 1, size)
      response.writeHead(206, {
        'content-range': `bytes ${first}-${end - 1}/${size}`,
        'content-length': end - Number(first),
      })
      response.end(server.content.subarray(Number(first), end))
    }
  }
  const http = tls === undefined ? createServer(answer) : createTlsServer(tls, answer)
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const server: WebServer = {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(http.address() as AddressInfo).port}`,
    content,
    headers: { etag: '"one"' },
    interfere: () => false,
    requests: [],
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve())
        http.closeAllConnections()
      }),
  }
  return server
}
