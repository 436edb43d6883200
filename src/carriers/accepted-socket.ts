/**
 * An accepted socket of Node as a connection of a client, and the listener of them.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { parseAddress } from '../core/address.ts'
import { batchedWrites } from '../observers/batched-writes.ts'
import type { IncomingSocket, PeerListener, StreamEvents } from './peer-listener.ts'

/** The kernel checks an idle connection after this time. */
const TCP_KEEP_ALIVE_MS = 15_000

/** Connections that the kernel accepts before the process does. */
const BACKLOG = 511

export function listenForPeers(listener: PeerListener, host: string, port: number): Promise<Server> {
  const server = createServer(
    { noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS },
    (socket) => {
      const address = parseAddress(socket.remoteAddress ?? '')
      socket.on('error', () => {})
      if (address === undefined) socket.destroy()
      else listener.accept(incomingOf(socket, address))
    },
  )
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: BACKLOG }, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}

function incomingOf(socket: Socket, address: IncomingSocket['address']): IncomingSocket {
  let events: StreamEvents | undefined
  socket.on('data', (chunk: Buffer) => events?.onData(chunk))
  socket.on('drain', () => events?.onDrain?.())
  socket.on('close', () => events?.onEnd('closed'))
  return {
    address,
    attach: (to) => {
      events = to
      return {
        write: batchedWrites(socket),
        get unsentBytes() {
          return socket.writableLength
        },
        pause: () => void socket.pause(),
        resume: () => void socket.resume(),
        destroy: () => {
          events = undefined
          socket.destroy()
        },
      }
    },
  }
}
