/**
 * The holders of one torrent in one site, and the choice among them.
 *
 * The order of the kinds keeps the traffic that costs most lowest: a piece that has not been fetched yet comes from a
 * source of the site; one that was fetched before, and is not cached any more, from a host of the site that has it. The
 * carrier of another site is asked only for pieces that no client of this site has. A kind whose holders have the piece
 * and have choked the node is waited for before the next kind is asked.
 */
import type { Holder, HolderKind } from './holder.ts'

/** Two unchoke rounds of most clients last longer; a free upload slot is given at once. */
export const CHOKED_WAIT_MS = 5_000
/** A piece that hosts of the site have is not fetched from elsewhere before two unchoke rounds. */
const FETCHED_WAIT_MS = 30_000
/** Ready hosts that are compared for one block. */
const COMPARED_MAX = 16

/** A holder and its requests, as the router keeps them. */
export interface HolderLoad {
  readonly holder: Holder
  readonly outstanding: number
  /** Engine time until which the holder is not asked, because it did not answer. */
  readonly avoidedUntilMs: number
  /** It is asked only where no other holder has the piece. */
  readonly isLast: boolean
}

export interface Wish {
  readonly piece: number
  readonly wasFetched: boolean
  /** Since when the block waits for a holder. */
  readonly waitedMs: number
  readonly nowMs: number
}

/** `busy`: a holder is ready and has no free request. `choked`: holders have the piece and do not answer. */
export type Choice<Load> = Load | 'busy' | 'choked' | 'none'

const FIRST: readonly HolderKind[] = ['source', 'host', 'site']
const AGAIN: readonly HolderKind[] = ['host', 'source', 'site']

export class Holders<Load extends HolderLoad> {
  readonly #loads: Record<HolderKind, Load[]> = { source: [], host: [], site: [] }
  #turn = 0

  add(load: Load): void {
    this.#loads[load.holder.kind].push(load)
  }

  remove(load: Load): void {
    const loads = this.#loads[load.holder.kind]
    const at = loads.indexOf(load)
    const last = loads.pop()
    if (at >= 0 && last !== undefined && at < loads.length) loads[at] = last
  }

  choose(wish: Wish): Choice<Load> {
    const { wasFetched, waitedMs } = wish
    for (const kind of wasFetched ? AGAIN : FIRST) {
      const choice = this.#chooseOf(this.#loads[kind], wish)
      if (choice === 'none') continue
      const waitMs = wasFetched && kind === 'host' ? FETCHED_WAIT_MS : CHOKED_WAIT_MS
      if (choice !== 'choked' || waitedMs < waitMs) return choice
    }
    return this.#chooseLast(wish)
  }

  #chooseLast(wish: Wish): Choice<Load> {
    for (const kind of FIRST) {
      const choice = this.#chooseOf(this.#loads[kind], wish, true)
      if (choice !== 'none') return choice
    }
    return 'none'
  }

  /** Holders that have the piece and do not answer, for the node to show interest in them. */
  *choked(piece: number): Iterable<Holder> {
    for (const kind of AGAIN)
      for (const { holder } of this.#loads[kind]) if (!holder.isReady && holder.has(piece)) yield holder
  }

  /** The ready holder with the fewest outstanding requests. The search begins at another holder each time. */
  #chooseOf(loads: readonly Load[], { piece, nowMs }: Wish, isLast = false): Choice<Load> {
    let best: Load | undefined
    let result: 'busy' | 'choked' | 'none' = 'none'
    let compared = 0
    this.#turn++
    for (let at = 0; at < loads.length && compared < COMPARED_MAX; at++) {
      const load = loads[(at + this.#turn) % loads.length] as Load
      if (load.isLast !== isLast || !load.holder.has(piece)) continue
      if (!load.holder.isReady || load.avoidedUntilMs > nowMs) {
        if (result === 'none') result = 'choked'
        continue
      }
      compared++
      if (load.outstanding >= load.holder.outstandingMax) result = 'busy'
      else if (best === undefined || load.outstanding < best.outstanding) best = load
    }
    return best ?? result
  }
}
