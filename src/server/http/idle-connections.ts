/**
 * Open connections of a listener. Closes those without traffic: clients that connect and send no whole request, that keep a
 * connection and send no next announce, and that do not read the response.
 *
 * A scan a few times per timeout replaces Node's timers, which cost every request two timers (`keepAliveTimeout` and
 * `timeout`): 5 to 10 % of an announce, measured in bench/http-announces.ts.
 */
import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { elapsedMs } from '../../core/clock.ts'

interface Traffic {
  /** Bytes in both directions at the last scan. */
  bytes: number
  /** Scans since they changed. */
  silentScans: number
}

/** A silent connection is closed after 1 to 1.2 times the timeout. */
const SCANS_PER_TIMEOUT = 5

/** Closed in one turn of the event loop. Ten thousand of a flood, which opened together and therefore end together, would be one. */
const CLOSED_PER_TURN = 100

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
      setInterval(() => void closeInTurns(this.#silent()), limits.silentTimeoutMs / SCANS_PER_TIMEOUT),
      setInterval(() => void closeInTurns(this.#unusedSince(limits.headersTimeoutMs)), limits.timeoutCheckMs),
    ]
  }

  stopClosing(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }

  closeAll(): void {
    for (const socket of this.#open.keys()) socket.destroy()
  }

  #unusedSince(timeoutMs: number): Socket[] {
    const late: Socket[] = []
    const nowMs = elapsedMs()
    for (const [socket, sinceMs] of this.#unused) {
      if (nowMs - sinceMs < timeoutMs) break
      late.push(socket)
    }
    return late
  }

  #silent(): Socket[] {
    const silent: Socket[] = []
    for (const [socket, traffic] of this.#open) {
      const bytes = socket.bytesRead + socket.bytesWritten
      if (bytes !== traffic.bytes) {
        traffic.bytes = bytes
        traffic.silentScans = 0
      } else if (++traffic.silentScans > SCANS_PER_TIMEOUT) {
        silent.push(socket)
      }
    }
    return silent
  }
}

async function closeInTurns(sockets: readonly Socket[]): Promise<void> {
  for (const [index, socket] of sockets.entries()) {
    if (index % CLOSED_PER_TURN === CLOSED_PER_TURN - 1) await nextTurn()
    socket.destroy()
  }
}
