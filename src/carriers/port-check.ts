/**
 * Finds out whether a client that connected to the node accepts connections too, by one that is closed as soon as it is
 * open. Without the outcome, other clients would get its address, and dial it without result: libtorrent then ends the connection
 * that such a client opens to it meanwhile, in every second case, and does not open another one for a minute.
 */
import type { ClientSocket, Dial } from '../observers/client-socket.ts'

/** Two retransmissions of the SYN, after 1 s and 3 s. */
const CHECK_MS_MAX = 3_500

export class PortCheck {
  readonly #socket: ClientSocket
  readonly #startedMs: number
  readonly #onOutcome: (isOpen: boolean) => void

  constructor(
    dial: Dial,
    client: Parameters<Dial>[0],
    { nowMs, onOutcome }: { readonly nowMs: number; readonly onOutcome: (isOpen: boolean) => void },
  ) {
    this.#startedMs = nowMs
    this.#onOutcome = onOutcome
    this.#socket = dial(client, {
      onOpen: () => this.#end(true),
      onData: () => {},
      // `local` is a failure of this machine, which reveals nothing; the client remains unreachable until it is dialled.
      onEnd: () => this.#end(false),
    })
  }

  /** Called a few times a second. */
  tick(nowMs: number): void {
    if (nowMs - this.#startedMs >= CHECK_MS_MAX) this.#end(false)
  }

  stop(): void {
    this.#socket.destroy()
  }

  #end(isOpen: boolean): void {
    this.#socket.destroy()
    this.#onOutcome(isOpen)
  }
}
