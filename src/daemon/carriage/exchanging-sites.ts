/**
 * Sites of one node for all sites whose leechers do not exchange pieces: gateways fetch for them.
 *
 * The carrier of such a site is in another one, or in none. It gives each piece to one host, because a piece that it gives to
 * a second one crosses the link of the site again. Leechers of rtorrent do not learn of each other's pieces
 * (`handout/bitfield-only-clients.ts`), so each of them would need the whole content over the link (measured: 3.6 copies for
 * four hosts).
 *
 * One client of another kind is enough for the pieces to spread, and the hosts of a rollout do not announce all at once. A site
 * is therefore decided after a while, and keeps its gateway until it has no leecher left: a carrier that took over would
 * fetch what the gateway fetches already.
 */
import { infoHashKey } from '../../core/info-hash.ts'
import { take } from '../../handout/pick.ts'
import type { SwarmTable } from '../../swarm/swarm-table.ts'
import { clientProfileOfCode } from '../../tracker/client-profile.ts'

/** Until then the leechers receive nothing. Beyond it, most hosts of a rollout that begin together have announced. */
const UNDECIDED_MS = 500

/** `none`: the site has no leecher of the torrent. */
export type LeecherExchange = 'none' | 'exchange' | 'bitfield-only'

export interface ExchangingSitesInit {
  readonly nowMs: () => number
  readonly leechersOf: (infoHash: Buffer, site: string) => LeecherExchange
  /** The leechers of the torrent move between the observers and the carriers. */
  readonly onMoved: (infoHash: Buffer) => void
}

interface SiteOfTorrent {
  readonly infoHash: Buffer
  readonly sinceMs: number
  isDirect: boolean
}

export class ExchangingSites {
  readonly #init: ExchangingSitesInit
  /** Those whose leechers do not exchange pieces, by torrent and name. */
  readonly #sites = new Map<string, Map<string, SiteOfTorrent>>()
  /** Torrents whose leechers move with the next tick. */
  readonly #moved = new Map<string, Buffer>()

  constructor(init: ExchangingSitesInit) {
    this.#init = init
  }

  /** undefined: the leechers exchange pieces, or there is none. */
  transportOf(infoHash: Buffer, site: string): 'undecided' | 'direct' | undefined {
    const key = infoHashKey(infoHash)
    const known = this.#sites.get(key)?.get(site)
    const leechers = this.#init.leechersOf(infoHash, site)
    if (leechers === 'none' || (leechers === 'exchange' && known?.isDirect !== true)) {
      if (known !== undefined) this.#forget(key, site, known)
      return undefined
    }
    const state = known ?? this.#begin(infoHash, site)
    if (this.#init.nowMs() - state.sinceMs >= UNDECIDED_MS) state.isDirect = true
    return state.isDirect ? 'direct' : 'undecided'
  }

  /** Called about twice a second. */
  tick(): void {
    this.#review()
    for (const infoHash of this.#moved.values()) this.#init.onMoved(infoHash)
    this.#moved.clear()
  }

  #begin(infoHash: Buffer, site: string): SiteOfTorrent {
    const key = infoHashKey(infoHash)
    const state = { infoHash: Buffer.from(infoHash), sinceMs: this.#init.nowMs(), isDirect: false }
    const sites = this.#sites.get(key) ?? new Map<string, SiteOfTorrent>()
    this.#sites.set(key, sites.set(site, state))
    this.#moved.set(key, state.infoHash)
    return state
  }

  /** Forgets the sites that have no leecher left, or others. */
  #review(): void {
    for (const sites of this.#sites.values())
      for (const [site, { infoHash }] of sites) this.transportOf(infoHash, site)
  }

  #forget(key: string, site: string, { infoHash }: SiteOfTorrent): void {
    const sites = this.#sites.get(key)
    sites?.delete(site)
    if (sites?.size === 0) this.#sites.delete(key)
    this.#moved.set(key, infoHash)
  }
}

/** From the peer ids of the leechers; a client without one counts as exchanging. */
export function leecherExchange(
  table: SwarmTable,
  infoHash: Buffer,
  siteIndex: number,
  nowMs: number,
): LeecherExchange {
  const { rows, clientCodes } = table
  const site = table.swarm(infoHash)?.site(siteIndex)
  if (site === undefined) return 'none'
  const lists = site.listsOf('leecher')
  const isLive = (row: number) => !rows.isExpired(row, nowMs)
  const exchanges = (row: number) => {
    const code = clientCodes.get(row)
    return isLive(row) && (code === undefined || !clientProfileOfCode(code).isBitfieldOnly)
  }
  if (take(rows, lists, 1, exchanges).length > 0) return 'exchange'
  return take(rows, lists, 1, isLive).length > 0 ? 'bitfield-only' : 'none'
}
