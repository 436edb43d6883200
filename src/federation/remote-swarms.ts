/**
 * Latest update of each torrent from each remote site: its clients, and the leases of its gateways. One object for each
 * torrent and site, changed in place: the full state of five sites is half a million of them, and with a map of immutable
 * values, garbage collection took a quarter of the time to read it (bench/federation.ts).
 *
 * No object refers to the batch it was read from: a malicious site could pin gigabytes.
 */
import type { HeldLease } from './site-updates.ts'
import type { SiteCountsRecord } from '../replication/records.ts'

/** Torrents of one site: twice the total that five sites are designed for. At most some hundred megabytes. */
const TORRENTS_MAX = 200_000

export interface RemoteSite {
  readonly name: string
  index: number
  isLive: boolean
  behindMs: number
  /** Number of its streams, which distinguishes updates of an earlier stream from those of the current one. */
  stream: number
  torrents: number
}

/** Number of clients of a site in a torrent, and the bytes that they lack. */
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
  /** Its previous update contained a lease. */
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

  /** Returns the updates of all sites for the torrent; undefined where the site has too many torrents already. */
  replace(
    torrent: string,
    site: RemoteSite,
    counts: SiteCounts,
    leases: readonly HeldLease[],
  ): readonly RemoteSwarm[] | undefined {
    let all = this.of(torrent)
    let swarm = ofSite(all, site)
    if (swarm === undefined) {
      if (site.torrents >= TORRENTS_MAX) return undefined
      site.torrents++
      swarm = new RemoteSwarm(site)
      // A new array: one that grows reserves room for seventeen.
      all = [...all, swarm]
      this.#byTorrent.set(torrent, all)
    }
    swarm.replace(counts, leases)
    return all
  }

  /** False where the site did not have it. */
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
  for (const swarm of all) if (swarm.site === site) return swarm
  return undefined
}
