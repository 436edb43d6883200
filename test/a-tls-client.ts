/** A client of a listener with TLS, byte for byte: one connection that is kept, over which HTTP requests are sent. */
import { connect as connectTcp } from 'node:net'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'

export interface TlsClient {
  readonly socket: TLSSocket
  /** The serial number of the server's certificate. */
  readonly serial: string
  /** The whole response to a GET, whose body has a length. */
  get(target: string): Promise<string>
}

/** `first`: bytes before the handshake, such as a PROXY header. Rejects if the handshake fails. */
export async function aTlsClient(
  url: string,
  options: ConnectionOptions & { readonly from?: string; readonly first?: string | Buffer },
): Promise<TlsClient> {
  const { hostname: host, port } = new URL(url)
  const { from, first, ...secure } = options
  const plain = connectTcp({
    host,
    port: Number(port),
    ...(from === undefined ? {} : { localAddress: from }),
  })
  onTestFinished(() => void plain.destroy())
  await once(plain, 'connect')
  if (first !== undefined) plain.write(first)
  const socket = connect({ ...secure, socket: plain, host })
  await once(socket, 'secureConnect')
  return {
    socket,
    serial: socket.getPeerCertificate().serialNumber,
    get: (target) => respond(socket, target),
  }
}

function respond(socket: TLSSocket, target: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const leave = () => {
      socket.off('data', receive)
      socket.off('close', closed)
    }
    const receive = (chunk: Buffer) => {
      received += chunk.toString('latin1')
      const end = received.indexOf('\r\n\r\n')
      const length = /^content-length: *(\d+)/im.exec(received)?.[1]
      if (end < 0 || length === undefined || received.length < end + 4 + Number(length)) return
      leave()
      resolve(received)
    }
    const closed = () => reject(new Error(`the connection closed after ${JSON.stringify(received)}`))
    socket.on('data', receive)
    socket.on('close', closed)
    socket.write(`GET ${target} HTTP/1.1\r\nHost: a-node\r\n\r\n`)
  })
}

export function announceTarget(port: number, peer = `-XX0000-${port}`): string {
  return `/announce?info_hash=${'%ab'.repeat(20)}&peer_id=${peer.padEnd(20, '.')}&port=${port}&left=1000&compact=1`
}
