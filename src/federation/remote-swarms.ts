/**
 * What each other site said last of each torrent: its clients, and the leases of its gateways. One object for each
 * torrent and site, changed in place: the full state of five sites is half a million of them, and collecting what a
 * map of values leaves behind was a quarter of the time that reading it took (bench/federation.ts).
 *
 * Nothing here holds on to the batch it came in: of a site that means ill, those would be gigabytes.
 */
import type { HeldLease } from './site-updates.ts'
import type { SiteCountsRecord } from '../replication/records.ts'

/** Torrents of one site: twice what is asked of five sites together. Some hundred megabytes, at the very worst. */
const TORRENTS_MAX = 200_000

export interface RemoteSite {
  readonly name: string
  index: number
  isLive: boolean
  behindMs: number
  /** Counts its streams, so that what an earlier one said is told from what this one says. */
  stream: number
  torrents: number
}

/** How many clients a site has in a torrent, and how much they still lack. */
export type SiteCounts = Omit<SiteCountsRecord, 'infoHash'>

export const NO_LEASES: readonly HeldLease[] = []

export class RemoteSwarm implements SiteCounts {
  readonly site: RemoteSite
  stream = 0
  seeds = 0
  leechers = 0
  partial = 0
  leftKib = 0
  downloaded = 0
  leases = NO_LEASES
  /** It said before that it had a gateway. */
  hadLeases = false

  constructor(site: RemoteSite) {
    this.site = site
  }

  replace(counts: SiteCounts, leases: readonly HeldLease[]): void {
    this.stream = this.site.stream
    this.seeds = counts.seeds
    this.leechers = counts.leechers
    this.partial = counts.partial
    this.leftKib = counts.leftKib
    this.downloaded = counts.downloaded
    this.hadLeases = this.leases.length > 0
    this.leases = leases
  }
}

const NOTHING: readonly RemoteSwarm[] = []

/** By `infoHashKey`. */
export class RemoteSwarms {
  readonly #byTorrent = new Map<string, readonly RemoteSwarm[]>()

  of(torrent: string): readonly RemoteSwarm[] {
    return this.#byTorrent.get(torrent) ?? NOTHING
  }

  torrents(): IterableIterator<[string, readonly RemoteSwarm[]]> {
    return this.#byTorrent.entries()
  }

  /** All that is said of the torrent now; undefined where the site has too many already. */
  replace(
    torrent: string,
    site: RemoteSite,
    counts: SiteCounts,
    leases: readonly HeldLease[],
  ): readonly RemoteSwarm[] | undefined {
    let all = this.of(torrent)
    let said = ofSite(all, site)
    if (said === undefined) {
      if (site.torrents >= TORRENTS_MAX) return undefined
      site.torrents++
      said = new RemoteSwarm(site)
      // A new array: one that grows reserves room for seventeen.
      all = [...all, said]
      this.#byTorrent.set(torrent, all)
    }
    said.replace(counts, leases)
    return all
  }

  /** False where the site said nothing of it. */
  remove(torrent: string, site: RemoteSite): boolean {
    const all = this.of(torrent)
    const others = all.filter((each) => each.site !== site)
    if (others.length === all.length) return false
    site.torrents--
    if (others.length === 0) this.#byTorrent.delete(torrent)
    else this.#byTorrent.set(torrent, others)
    return true
  }
}

function ofSite(all: readonly RemoteSwarm[], site: RemoteSite): RemoteSwarm | undefined {
  for (const said of all) if (said.site === site) return said
  return undefined
}
