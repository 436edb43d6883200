/** Forwards connections to a port of loopback, and counts the bytes of the responses. */
import { type AddressInfo, connect, createServer } from 'node:net'
import { onTestFinished } from 'vitest'

export async function aCountingProxy(port: number): Promise<{ readonly port: number; bytes: number }> {
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    upstream.on('data', (chunk: Buffer) => (proxy.bytes += chunk.length))
    client.pipe(upstream).pipe(client)
    for (const socket of [client, upstream])
      socket.on('error', () => {
        client.destroy()
        upstream.destroy()
      })
    client.on('close', () => upstream.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const proxy = { port: (server.address() as AddressInfo).port, bytes: 0 }
  return proxy
}
