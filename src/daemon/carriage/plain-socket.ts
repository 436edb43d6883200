/**
 * A plain socket for the stream of a TLS connection. The process of the carriers takes over accepted sockets, and the keys
 * of a TLS connection cannot be passed on: this process decrypts, and relays the bytes over loopback.
 */
import { type AddressInfo, connect, createServer, type Server, Socket } from 'node:net'
import { type Duplex, pipeline } from 'node:stream'
import { TLSSocket } from 'node:tls'

/** Calls `take` with a socket that another process may take. Closes the connection where none can be made. */
export async function passOn(stream: Duplex, take: (socket: Socket) => void): Promise<void> {
  if (stream instanceof Socket && !(stream instanceof TLSSocket)) return take(stream)
  try {
    take(await plainSocketOf(stream))
  } catch {
    // Without a free port, for example. The stream is closed, and the other node dials again.
  }
}

/** The end that another process may take; nothing has been read from it. Destroys `stream` if it rejects. */
async function plainSocketOf(stream: Duplex): Promise<Socket> {
  const server = createServer({ pauseOnConnect: true, noDelay: true })
  try {
    const { near, far } = await connectedPair(server)
    pipeline(stream, near, () => stream.destroy())
    pipeline(near, stream, () => near.destroy())
    return far
  } catch (error) {
    stream.destroy()
    throw error
  } finally {
    server.close()
  }
}

/** Another program of the machine may connect too; the port of `near` tells the two apart. */
function connectedPair(server: Server): Promise<{ readonly near: Socket; readonly far: Socket }> {
  return new Promise((resolve, reject) => {
    const accepted: Socket[] = []
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      const near = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, noDelay: true })
      const pair = () => {
        const far = accepted.find((socket) => socket.remotePort === near.localPort)
        if (far === undefined || near.connecting) return
        near.off('error', reject)
        for (const other of accepted) if (other !== far) other.destroy()
        resolve({ near, far })
      }
      near.once('error', reject)
      near.once('connect', pair)
      server.on('connection', (socket: Socket) => {
        accepted.push(socket)
        pair()
      })
    })
  })
}
