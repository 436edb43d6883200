/**
 * The open connections of a listener, and the end of those on which nothing happens any more: clients that keep a
 * connection for a next announce that never comes, and clients that ask but never read the answer.
 *
 * Looked through a few times per timeout instead of with Node's timers per connection, which cost every request
 * two timers (`keepAliveTimeout` and `timeout`): 5 to 10 % of a whole announce, measured in bench/http-announces.ts.
 */
import type { Socket } from 'node:net'

interface Traffic {
  /** Bytes of both directions at the last look. */
  bytes: number
  /** Looks since they changed. */
  silentLooks: number
}

/** A silent connection lives for one to one and a fifth of the timeout. */
const LOOKS_PER_TIMEOUT = 5

export class IdleConnections {
  readonly #open = new Map<Socket, Traffic>()
  #timer: NodeJS.Timeout | undefined

  get count(): number {
    return this.#open.size
  }

  add(socket: Socket): void {
    this.#open.set(socket, { bytes: 0, silentLooks: 0 })
    socket.once('close', () => this.#open.delete(socket))
  }

  startClosingSilent(timeoutMs: number): void {
    this.#timer = setInterval(() => this.#closeSilent(), timeoutMs / LOOKS_PER_TIMEOUT)
  }

  stopClosingSilent(): void {
    clearInterval(this.#timer)
  }

  #closeSilent(): void {
    for (const [socket, traffic] of this.#open) {
      const bytes = socket.bytesRead + socket.bytesWritten
      if (bytes !== traffic.bytes) {
        traffic.bytes = bytes
        traffic.silentLooks = 0
      } else if (++traffic.silentLooks > LOOKS_PER_TIMEOUT) {
        socket.destroy()
      }
    }
  }
}
