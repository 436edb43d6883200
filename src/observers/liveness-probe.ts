/**
 * Finds out whether the host of a held client still exists, by a second, short connection that is closed as soon as it is
 * accepted.
 *
 * A client that is killed closes its connections, and the redial is refused: that takes milliseconds. A host whose link
 * is cut answers nothing at all, and its connection looks like one of a client that has nothing to report. Ways to tell
 * them apart:
 *
 * - A keep-alive message that is not acknowledged ends the connection after the retransmission time-out of the kernel:
 *   15 minutes by default. Node.js sets no TCP_USER_TIMEOUT.
 * - TCP keep-alive: Node.js sets the idle time only. Ten probes at intervals of one second follow, 11 s at least. The
 *   socket has it for clients without this probe.
 * - The handshake of a second connection is answered by the kernel of the host within a millisecond, also where the
 *   client is busy. No answer within two seconds includes one retransmission of the SYN (after 1 s).
 *
 * Therefore a vital client (gateway or source) that has sent nothing for three seconds is probed this way. Two silent
 * probes of two seconds in succession mean that the host is gone: 3 + 2 + 2 = 7 s after its last sign of life. The
 * client sees a connection without a handshake, which costs it one accept.
 */
import type { ClientSocket, Dial } from './client-socket.ts'
import type { ClientAddress } from './observation.ts'

export const SILENT_BEFORE_PROBE_MS = 3_000
export const PROBE_TIMEOUT_MS = 2_000
export const SILENT_DIALS = 2

export type ProbeOutcome = 'alive' | 'refused' | 'silent'

export interface ProbeInit {
  readonly client: ClientAddress
  readonly dial: Dial
  readonly nowMs: () => number
  readonly onOutcome: (outcome: ProbeOutcome) => void
}

export class LivenessProbe {
  readonly #init: ProbeInit
  #socket: ClientSocket | undefined
  #startedMs = 0
  #silences = 0
  /** The last time at which the host answered. */
  #answeredMs: number

  constructor(init: ProbeInit) {
    this.#init = init
    this.#answeredMs = init.nowMs()
  }

  get isDialling(): boolean {
    return this.#socket !== undefined
  }

  /** Time of the next `advance`, if the client sends nothing after `receivedMs`. */
  dueMs(receivedMs: number): number {
    return this.#socket === undefined
      ? Math.max(receivedMs, this.#answeredMs) + SILENT_BEFORE_PROBE_MS
      : this.#startedMs + PROBE_TIMEOUT_MS
  }

  /** Starts a dial, or ends one that has had no answer. */
  advance(): void {
    if (this.#socket !== undefined) {
      this.stop()
      this.#silences++
      if (this.#silences >= SILENT_DIALS) return this.#init.onOutcome('silent')
    }
    this.#start()
  }

  stop(): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }

  #start(): void {
    this.#startedMs = this.#init.nowMs()
    this.#socket = this.#init.dial(this.#init.client, {
      onOpen: () => this.#answer('alive'),
      onData: () => {},
      // Other ends are failures of this machine: the next probe follows after the next three seconds.
      onEnd: (end) => this.#answer(end === 'refused' ? 'refused' : 'alive'),
    })
  }

  #answer(outcome: ProbeOutcome): void {
    this.stop()
    this.#silences = 0
    this.#answeredMs = this.#init.nowMs()
    this.#init.onOutcome(outcome)
  }
}
