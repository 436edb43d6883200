/**
 * Sites with gateways (`carry: direct`) to which nodes relay a torrent for a while, as carriers do, because their clients
 * announce again only after minutes:
 *
 * | | from | until |
 * |---|---|---|
 * | a site lost its gateway | seeds of other sites | a client of the site announces and has an upstream |
 * | a host gets no last piece beside a seed of its site | seeds of its site | the host is complete |
 *
 * The second is the minute for which libtorrent does not reconnect (docs/clients.md).
 *
 * Read from the table and the client counts of other sites alone, so that all processes and nodes come to the same result. Where
 * each site has nodes, that of the lost site links its leechers, and those of the others link their seeds.
 */
import type { Clock } from '../../core/clock.ts'
import { infoHashKey } from '../../core/info-hash.ts'
import { hasCopy, hasNewFinisher } from '../../handout/site-state.ts'
import type { Gateway } from '../../swarm/gateway.ts'
import { flags } from '../../swarm/peer-rows.ts'
import type { SiteSwarm, Swarm } from '../../swarm/swarm.ts'
import type { SwarmTable } from '../../swarm/swarm-table.ts'
import { LastPieces } from './last-pieces.ts'

export interface RelayedSitesInit {
  readonly table: SwarmTable
  readonly clock: Clock
  /** Indexes of the sites with gateways. */
  readonly relayable: () => ReadonlySet<number>
  /** Leechers of a site that has nodes of its own, of which the table holds few peers; undefined for any other. */
  readonly remoteLeechers: (infoHash: Buffer, siteIndex: number) => number | undefined
}

/**
 * A site is without a gateway for a moment where the one of another site completes, until that is known as a seed (measured:
 * 0.3 s). Clients that move for so short a time break connections for nothing.
 */
const LOST_MS = 1_000

/** Indexes of sites. */
interface RelayedTorrent {
  /** Without a gateway. */
  readonly lost: ReadonlySet<number>
  /** With a host that gets no last piece. */
  readonly stuck: ReadonlySet<number>
}

export class RelayedSites {
  readonly #init: RelayedSitesInit
  readonly #lastPieces: LastPieces
  readonly #torrents = new Map<string, RelayedTorrent>()
  /** Sites without a gateway, by torrent, and since when. */
  readonly #losses = new Map<string, { readonly infoHash: Buffer; readonly sinceMs: Map<number, number> }>()

  constructor(init: RelayedSitesInit) {
    this.#init = init
    this.#lastPieces = new LastPieces(init)
  }

  /** A torrent is relayed. */
  get isActive(): boolean {
    return this.#torrents.size > 0
  }

  /** These rows changed. Returns the torrents whose relayed clients may have changed. */
  note(rows: Iterable<number>): Buffer[] {
    const { table, relayable } = this.#init
    const torrents = new Map<string, Buffer>()
    for (const row of rows) {
      if (!table.rows.isLive(row)) {
        this.#lastPieces.forget(row)
        continue
      }
      const { infoHash } = table.swarmOf(row)
      torrents.set(infoHashKey(infoHash), infoHash)
      if (relayable().has(table.siteIndexOf(row))) this.#lastPieces.note(row)
      else this.#lastPieces.forget(row)
    }
    return [...torrents.values()]
  }

  /** Time has passed. Returns the same as `note`. */
  tick(): Buffer[] {
    const isDue = (sinceMs: number) => this.#init.clock.nowMs() - sinceMs >= LOST_MS
    const due = [...this.#losses]
      .filter(([key, { sinceMs }]) =>
        [...sinceMs].some(([site, ms]) => isDue(ms) && this.#torrents.get(key)?.lost.has(site) !== true),
      )
      .map(([, { infoHash }]) => infoHash)
    return [...this.#lastPieces.tick(), ...due]
  }

  /** Reads the state of a torrent. Returns true if its relayed clients changed. */
  update(infoHash: Buffer): boolean {
    const key = infoHashKey(infoHash)
    const before = this.#torrents.get(key)
    const swarm = this.#init.table.swarm(infoHash)
    const relayable = this.#init.relayable()
    const sites = (swarm?.sites ?? []).filter(({ site }) => relayable.has(site))
    const lost = this.#lasting(
      infoHash,
      sites.filter((site) => swarm !== undefined && this.#lostGateway(swarm, site)),
    )
    const stuck = sites.filter((site) => site.trustedSeeds > 0 && this.#lastPieces.isStuckIn(infoHash, site))
    const after = { lost: indexesOf(lost), stuck: indexesOf(stuck) }
    if (lost.length + stuck.length === 0) this.#torrents.delete(key)
    else this.#torrents.set(key, after)
    return !isSame(before?.lost ?? NONE, after.lost) || !isSame(before?.stuck ?? NONE, after.stuck)
  }

  /** True for a client to which the node relays, and for a seed from which it fetches. */
  includes(row: number): boolean {
    if (!this.isActive) return false
    const { table } = this.#init
    const relayed = this.#torrents.get(infoHashKey(table.swarmOf(row).infoHash))
    if (relayed === undefined) return false
    const site = table.siteIndexOf(row)
    if (relayed.lost.has(site)) return true
    if (table.roleOf(row) === 'seed') return relayed.lost.size > 0 || relayed.stuck.has(site)
    return relayed.stuck.has(site) && this.#lastPieces.isStuck(row)
  }

  /** Of these sites, those that have been without a gateway for `LOST_MS`. */
  #lasting(infoHash: Buffer, sites: readonly SiteSwarm[]): SiteSwarm[] {
    const key = infoHashKey(infoHash)
    const nowMs = this.#init.clock.nowMs()
    const before = this.#losses.get(key)?.sinceMs
    const sinceMs = new Map(sites.map(({ site }) => [site, before?.get(site) ?? nowMs]))
    if (sites.length === 0) this.#losses.delete(key)
    else this.#losses.set(key, { infoHash: Buffer.from(infoHash), sinceMs })
    return sites.filter(({ site }) => nowMs - (sinceMs.get(site) ?? nowMs) >= LOST_MS)
  }

  /** The site had a gateway, and no client of it fetches from a site that has the content. */
  #lostGateway(swarm: Swarm, site: SiteSwarm): boolean {
    const { table, clock, remoteLeechers } = this.#init
    if (site.gatewayHostsEver === 0 || hasCopy(swarm, site)) return false
    if ((remoteLeechers(swarm.infoHash, site.site) ?? site.leechers) === 0) return false
    const nowMs = clock.nowMs()
    if (hasNewFinisher(table, site, nowMs)) return false
    const fetches = site.gateways.some(
      (gateway) =>
        !table.rows.isExpired(gateway.row, nowMs) && (isNew(gateway) || this.#delivers(gateway.upstreamRow)),
    )
    return !fetches && swarm.sites.some((other) => other !== site && other.trustedSeeds > 0)
  }

  /** A leecher that has stopped being a gateway was lost, or never progressed. */
  #delivers(upstreamRow: number): boolean {
    return upstreamRow >= 0 && this.#init.table.rows.has(upstreamRow, flags.seed | flags.gateway)
  }
}

/** Its upstream is about to be chosen, as soon as other sites have sent their sources. */
const isNew = ({ isTentative, upstreamRow, upstreamAnnouncedAtMs }: Gateway) =>
  isTentative || (upstreamRow < 0 && upstreamAnnouncedAtMs === 0)

const NONE: ReadonlySet<number> = new Set()

const indexesOf = (sites: readonly SiteSwarm[]): ReadonlySet<number> => new Set(sites.map(({ site }) => site))

const isSame = (a: ReadonlySet<number>, b: ReadonlySet<number>) =>
  a.size === b.size && [...a].every((each) => b.has(each))
