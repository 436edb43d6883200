/** Starts an HTTP proxy: absolute URLs for http://, CONNECT for https://, and optionally a user and password. */
import { createServer, type IncomingMessage, request as sendRequest } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface ForwardProxy {
  /** Without credentials. */
  readonly url: string
  readonly port: number
  /** `GET http://host/path` or `CONNECT host:port`, in order. */
  readonly requests: string[]
  /** Status for every request, instead of forwarding it. */
  refuseWith: number | undefined
}

/** Stops when the test ends. `credentials`: `user:password`. */
export async function aForwardProxy(credentials?: string): Promise<ForwardProxy> {
  const expected =
    credentials === undefined ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`
  const requests: string[] = []
  const refusal = ({ method, url, headers }: IncomingMessage) => {
    requests.push(`${method} ${url}`)
    if (expected !== undefined && headers['proxy-authorization'] !== expected) return 407
    return proxy.refuseWith
  }
  const server = createServer((request, response) => {
    const status = refusal(request)
    if (status !== undefined) {
      response.writeHead(status).end()
      return
    }
    const { 'proxy-authorization': _, ...headers } = request.headers
    const forwarded = sendRequest(request.url ?? '', { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    forwarded.on('error', () => response.destroy())
    response.on('close', () => forwarded.destroy())
    request.pipe(forwarded)
  })
  const tunnels = new Set<Socket>()
  server.on('connect', (request: IncomingMessage, client: Socket) => {
    client.on('error', () => undefined)
    const status = refusal(request)
    if (status !== undefined) {
      client.end(`HTTP/1.1 ${status} Refused\r\n\r\n`)
      return
    }
    const { hostname, port } = new URL(`http://${request.url}`)
    const upstream = connect(Number(port), hostname, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.pipe(client).pipe(upstream)
    })
    upstream.on('error', () => client.destroy())
    client.on('close', () => upstream.destroy())
    tunnels.add(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    for (const tunnel of tunnels) tunnel.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  const proxy: ForwardProxy = { url: `http://127.0.0.1:${port}`, port, requests, refuseWith: undefined }
  return proxy
}
