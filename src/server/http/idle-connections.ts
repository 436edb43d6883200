/**
 * Open connections of a listener. Closes those without traffic: clients that connect and send no whole request, that keep a
 * connection and send no next announce, and that do not read the response.
 *
 * A scan a few times per timeout replaces Node's timers, which cost every request two timers (`keepAliveTimeout` and
 * `timeout`): 5 to 10 % of an announce, measured in bench/http-announces.ts.
 */
import type { Socket } from 'node:net'
import { elapsedMs } from '../../core/clock.ts'

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
  /** Without a whole request so far, and the time of their connection; oldest first. */
  readonly #unused = new Map<Socket, number>()
  #timers: NodeJS.Timeout[] = []

  get count(): number {
    return this.#open.size
  }

  add(socket: Socket): void {
    this.#open.set(socket, { bytes: 0, silentScans: 0 })
    this.#unused.set(socket, elapsedMs())
    socket.once('close', () => {
      this.#open.delete(socket)
      this.#unused.delete(socket)
    })
  }

  /** The connection has sent a whole request. */
  markUsed(socket: Socket): void {
    this.#unused.delete(socket)
  }

  startClosing(limits: {
    readonly silentTimeoutMs: number
    readonly headersTimeoutMs: number
    readonly timeoutCheckMs: number
  }): void {
    this.#timers = [
      setInterval(() => this.#closeSilent(), limits.silentTimeoutMs / SCANS_PER_TIMEOUT),
      setInterval(() => this.#closeUnused(limits.headersTimeoutMs), limits.timeoutCheckMs),
    ]
  }

  stopClosing(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }

  closeAll(): void {
    for (const socket of this.#open.keys()) socket.destroy()
  }

  #closeUnused(timeoutMs: number): void {
    const nowMs = elapsedMs()
    for (const [socket, sinceMs] of this.#unused) {
      if (nowMs - sinceMs < timeoutMs) return
      socket.destroy()
    }
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
