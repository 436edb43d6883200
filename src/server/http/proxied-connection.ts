/**
 * The header of the PROXY protocol on a new connection of a trusted proxy. The address of the header takes the place of
 * the socket's address for everything behind: limits, forwarding headers, and the place in the topology.
 *
 * Such a connection may also begin without a header, with HTTP or TLS: its requests then need a forwarding header
 * (`client-address.ts`), and are rejected without one. The caller closes connections that send nothing.
 */
import type { Socket } from 'node:net'
import type { Address } from '../../core/address.ts'
import { readProxyHeader } from '../../wire/proxy/proxy-header.ts'

export interface ProxiedConnectionEvents {
  /** `client`: undefined without a header, or where the header has no client. Bytes behind the header are unread. */
  readonly onRead: (client: Address | undefined) => void
  readonly onInvalid: (reason: string) => void
}

const NO_BYTES = Buffer.alloc(0)

export function readProxiedConnection(socket: Socket, { onRead, onInvalid }: ProxiedConnectionEvents): void {
  let received: Buffer = NO_BYTES
  const leave = () => {
    socket.off('data', receive)
    socket.off('end', end)
    socket.off('error', ignore)
    socket.pause()
  }
  const receive = (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    const read = readProxyHeader(received)
    if (read.kind === 'incomplete') return
    leave()
    if (read.kind === 'invalid') return onInvalid(read.reason)
    const rest = read.kind === 'read' ? received.subarray(read.bytes) : received
    if (rest.length > 0) socket.unshift(rest)
    onRead(read.kind === 'read' ? read.client : undefined)
  }
  const end = () => void socket.destroy()
  socket.on('data', receive)
  socket.on('end', end)
  socket.on('error', ignore)
}

/** `close` follows. */
function ignore(): void {}

const clients = new WeakMap<Socket, string>()

/** For limits and rules, the stream is one of this client from now on. */
export function setClient(stream: Socket, client: Address): void {
  clients.set(stream, client.toString())
}

/** Of the client in a PROXY header, or of the socket. undefined once the connection is closed. */
export function remoteAddressOf(stream: Socket): string | undefined {
  const { remoteAddress } = stream
  return remoteAddress === undefined ? undefined : (clients.get(stream) ?? remoteAddress)
}
