/**
 * Open connections of a listener. Closes those without traffic: clients that keep a connection and send no next announce,
 * and clients that do not read the response.
 *
 * A scan a few times per timeout replaces Node's timers, which cost every request two timers (`keepAliveTimeout` and
 * `timeout`): 5 to 10 % of an announce, measured in bench/http-announces.ts.
 */
import type { Socket } from 'node:net'

interface Traffic {
  /** Bytes in both directions at the last scan. */
  bytes: number
  /** Scans since they changed. */
  silentScans: number
}

/** A silent connection is closed after 1 to 1.2 times the timeout. */
const SCANS_PER_TIMEOUT = 5

export class IdleConnections {
  readonly #open = new Map<Socket, Traffic>()
  #timer: NodeJS.Timeout | undefined

  get count(): number {
    return this.#open.size
  }

  add(socket: Socket): void {
    this.#open.set(socket, { bytes: 0, silentScans: 0 })
    socket.once('close', () => this.#open.delete(socket))
  }

  startClosingSilent(timeoutMs: number): void {
    this.#timer = setInterval(() => this.#closeSilent(), timeoutMs / SCANS_PER_TIMEOUT)
  }

  stopClosingSilent(): void {
    clearInterval(this.#timer)
  }

  #closeSilent(): void {
    for (const [socket, traffic] of this.#open) {
      const bytes = socket.bytesRead + socket.bytesWritten
      if (bytes !== traffic.bytes) {
        traffic.bytes = bytes
        traffic.silentScans = 0
      } else if (++traffic.silentScans > SCANS_PER_TIMEOUT) {
        socket.destroy()
      }
    }
  }
}
