/**
 * Clients of a site that show all pieces and deliver none: seeds without content, or with a link that is cut.
 *
 * Threat: one host of a site shows a whole bitfield and never unchokes the node. Its site would wait for it, and the sites
 * that fetch from that one too. While a site needs blocks and nothing in it moves, its complete clients that have
 * delivered nothing for some seconds count as sources no longer: the site fetches from another site, and they are asked
 * last. The first block that one of them delivers makes it a source again.
 */
import type { CarriedClient } from './carried-client.ts'

/** Longer than the wait for an upload slot (`CHOKED_WAIT_MS`). */
const WITHHELD_MS = 6_000

export class WithholdingClients {
  /** Since when nothing has moved although blocks are needed. */
  #sinceMs: number

  readonly #nowMs: () => number
  /** The client is asked last, or as any other one again. */
  readonly #setLast: (client: CarriedClient, isLast: boolean) => void

  constructor(nowMs: () => number, setLast: (client: CarriedClient, isLast: boolean) => void) {
    this.#nowMs = nowMs
    this.#setLast = setLast
    this.#sinceMs = nowMs()
  }

  /** A block arrived, or a host gained a piece. */
  moved(): void {
    this.#sinceMs = this.#nowMs()
  }

  delivered(client: CarriedClient): void {
    if (client.isWithholding) this.#mark(client, false)
  }

  /** Called a few times a second. */
  tick(isNeeded: boolean, clients: Iterable<CarriedClient>): void {
    if (!isNeeded) this.moved()
    if (this.#nowMs() - this.#sinceMs < WITHHELD_MS) return
    for (const client of clients) if (client.isComplete && !client.isWithholding) this.#mark(client, true)
  }

  #mark(client: CarriedClient, isWithholding: boolean): void {
    client.isWithholding = isWithholding
    this.#setLast(client, isWithholding)
  }
}
