/**
 * A connected stream of Node, plain or TLS, as the socket of a connection between carriers.
 */
import type { Duplex } from 'node:stream'
import { batchedWrites } from '../../observers/batched-writes.ts'
import type { ClientSocket, SocketEvents } from '../../observers/client-socket.ts'

/** `head`: bytes that arrived with the HTTP response. */
export function openStream(
  stream: Duplex,
  head: Buffer,
  events: Pick<SocketEvents, 'onData' | 'onDrain' | 'onEnd'>,
): ClientSocket {
  // After the return: the receiver may write to the socket.
  if (head.length > 0) stream.unshift(head)
  stream.on('data', (chunk: Buffer) => events.onData(chunk))
  stream.on('drain', () => events.onDrain?.())
  stream.on('error', () => {})
  stream.on('close', () => events.onEnd('closed'))
  stream.on('end', () => stream.destroy())
  return {
    write: batchedWrites(stream),
    get unsentBytes() {
      return stream.writableLength
    },
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    destroy: () => {
      stream.removeAllListeners()
      // A stream that is destroyed while it writes may still emit an error.
      stream.on('error', () => {})
      stream.destroy()
    },
  }
}
