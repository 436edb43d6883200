/**
 * Hosts that are nearly complete, and those of them that get nothing: of a site in which two or three libtorrent hosts
 * know each other, one waits a minute for its last piece when another one completes.
 */
import type { Clock } from '../../core/clock.ts'
import { infoHashKey } from '../../core/info-hash.ts'
import type { SiteSwarm } from '../../swarm/swarm.ts'
import type { SwarmTable } from '../../swarm/swarm-table.ts'

/** The neighbour that completes is dropped only by a host that has nearly everything, which bounds what the node relays. */
const NEARLY_COMPLETE_SHARE = 0.95
/** Longer than a last piece takes from a neighbour. */
const STUCK_AFTER_MS = 3_000

interface NearlyComplete {
  share: number
  /** Time of its last piece. */
  sinceMs: number
  isStuck: boolean
}

export class LastPieces {
  readonly #table: SwarmTable
  readonly #clock: Clock
  /** By row. */
  readonly #hosts = new Map<number, NearlyComplete>()

  constructor({ table, clock }: { readonly table: SwarmTable; readonly clock: Clock }) {
    this.#table = table
    this.#clock = clock
  }

  /** The row of a live peer changed. */
  note(row: number): void {
    const share = this.#shareOf(row)
    if (share === undefined) return this.forget(row)
    const known = this.#hosts.get(row)
    const nowMs = this.#clock.nowMs()
    if (known === undefined) this.#hosts.set(row, { share, sinceMs: nowMs, isStuck: false })
    else if (known.share !== share) {
      known.share = share
      known.sinceMs = nowMs
    }
  }

  forget(row: number): void {
    this.#hosts.delete(row)
  }

  /** Returns the torrents of the hosts that are stuck from now on. */
  tick(): Buffer[] {
    const nowMs = this.#clock.nowMs()
    const torrents: Buffer[] = []
    for (const [row, host] of this.#hosts) {
      if (host.isStuck || nowMs - host.sinceMs < STUCK_AFTER_MS) continue
      host.isStuck = true
      if (this.#table.rows.isLive(row)) torrents.push(this.#table.swarmOf(row).infoHash)
    }
    return torrents
  }

  isStuck(row: number): boolean {
    return this.#hosts.get(row)?.isStuck === true
  }

  isStuckIn(infoHash: Buffer, { site }: SiteSwarm): boolean {
    const key = infoHashKey(infoHash)
    for (const [row, { isStuck }] of this.#hosts)
      if (
        isStuck &&
        this.#table.rows.isLive(row) &&
        this.#table.siteIndexOf(row) === site &&
        infoHashKey(this.#table.swarmOf(row).infoHash) === key
      )
        return true
    return false
  }

  /** undefined for a peer that is not a nearly complete leecher. */
  #shareOf(row: number): number | undefined {
    if (this.#table.roleOf(row) !== 'leecher') return undefined
    const share = this.#table.observed.get(row, this.#clock.nowMs())?.share
    return share !== undefined && share >= NEARLY_COMPLETE_SHARE ? share : undefined
  }
}
