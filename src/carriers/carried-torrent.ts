/**
 * One torrent in all sites that this process carries it for, and the choice of the site that each of them fetches from.
 */
import { createHash } from 'node:crypto'
import type { CarrierCounters } from './carrier-counters.ts'
import type { CarrierView, UpstreamConnection } from './carrier-view.ts'
import { LocalRelay } from './local-relay.ts'
import { chooseUpstream, type Cost, planTree } from './site-order.ts'
import type { TorrentCarrier } from './torrent-carrier.ts'

/** The states of sites that begin at the same time arrive within this time. */
const CONVERGENCE_MS = 400
/** The planned upstream has its own upstream by then, and pieces to deliver. */
const UPSTREAM_WAIT_MS = 1_500

interface LocalSite {
  readonly carrier: TorrentCarrier
  readonly view: CarrierView
  /** Set before the site first fetches, and kept while it fetches. */
  rank: number | undefined
  /** Since when the site needs an upstream and has none. */
  waitsSinceMs: number | undefined
  upstream: { readonly view: CarrierView; readonly connection: UpstreamConnection } | undefined
  /** Sites that sent wrong data of this torrent. */
  readonly banned: Set<string>
}

export class CarriedTorrent {
  readonly #infoHash: Buffer
  readonly #counters: CarrierCounters
  readonly #nowMs: () => number
  readonly #makeCarrier: (site: string) => TorrentCarrier
  readonly #sites = new Map<string, LocalSite>()
  readonly #remotes = new Map<string, CarrierView>()

  constructor({
    infoHash,
    counters,
    nowMs,
    makeCarrier,
  }: {
    readonly infoHash: Buffer
    readonly counters: CarrierCounters
    readonly nowMs: () => number
    readonly makeCarrier: (site: string) => TorrentCarrier
  }) {
    this.#infoHash = infoHash
    this.#counters = counters
    this.#nowMs = nowMs
    this.#makeCarrier = makeCarrier
  }

  /** The carrier for a site, which begins with its first client. */
  carrier(site: string): TorrentCarrier {
    const known = this.#sites.get(site)
    if (known !== undefined) return known.carrier
    const carrier = this.#makeCarrier(site)
    const local: LocalSite = {
      carrier,
      view: this.#localView(carrier),
      rank: undefined,
      waitsSinceMs: undefined,
      upstream: undefined,
      banned: new Set(),
    }
    this.#sites.set(site, local)
    return carrier
  }

  get carriers(): Iterable<TorrentCarrier> {
    return [...this.#sites.values()].map(({ carrier }) => carrier)
  }

  /** The carrier of a site, with its view for other nodes. */
  published(site: string): { readonly carrier: TorrentCarrier; readonly view: CarrierView } | undefined {
    return this.#sites.get(site)
  }

  /** The carrier of a site on another node. */
  addRemote(view: CarrierView): void {
    this.#remotes.set(view.site, view)
  }

  removeRemote(site: string): void {
    const view = this.#remotes.get(site)
    if (view === undefined) return
    this.#remotes.delete(site)
    for (const local of this.#sites.values()) if (local.upstream?.view === view) this.#detach(local)
  }

  /** The upstream of this site sent wrong data. */
  dropUpstream(site: string): void {
    const local = this.#sites.get(site)
    if (local?.upstream === undefined) return
    local.banned.add(local.upstream.view.site)
    this.#detach(local)
  }

  /** Called a few times a second. */
  tick(cost: Cost): void {
    for (const local of this.#sites.values()) {
      local.carrier.tick()
      this.#chooseUpstream(local, cost)
    }
  }

  stop(): void {
    for (const local of this.#sites.values()) {
      this.#detach(local)
      local.carrier.stop()
    }
    this.#sites.clear()
  }

  #chooseUpstream(local: LocalSite, cost: Cost): void {
    const { carrier } = local
    if (carrier.hasSource) {
      local.rank = 0
      return this.#detach(local)
    }
    const isNeeded = carrier.needsPieces || carrier.downstreams > 0
    const current = local.upstream?.view
    const isGood =
      current !== undefined && !current.path.includes(carrier.site) && current.availablePieces > 0
    if (isGood && isNeeded) return
    this.#detach(local)
    if (!isNeeded) {
      local.rank = undefined
      local.waitsSinceMs = undefined
      return
    }
    const others = [...this.#views()].filter(
      ({ site, path }) => site !== carrier.site && !path.includes(carrier.site) && !local.banned.has(site),
    )
    const chosen = this.#join(local, others, cost)
    if (chosen !== undefined) this.#attach(local, chosen)
  }

  /** Sets the rank of the site, and returns its upstream once the sites that begin with it see each other. */
  #join(local: LocalSite, others: readonly CarrierView[], cost: Cost): CarrierView | undefined {
    const { site } = local.view
    const nowMs = this.#nowMs()
    local.waitsSinceMs ??= nowMs
    const waitedMs = nowMs - local.waitsSinceMs
    const members = others.filter(({ hasSource, rank }) => hasSource || rank !== undefined)
    const planned = planTree([local.view, ...members], { cost, tieOf: (name) => this.#tieOf(name) }).get(site)
    local.rank = planned?.rank
    if (waitedMs < CONVERGENCE_MS) return undefined
    const target = members.find((view) => view.site === planned?.upstream)
    if (target !== undefined && target.availablePieces > 0) return target
    if (target !== undefined && waitedMs < UPSTREAM_WAIT_MS) return undefined
    // Behind all sites that fetch already.
    const ranks = members.flatMap(({ rank, path }) =>
      rank !== undefined && path.length > 1 ? [rank + 1] : [],
    )
    local.rank = Math.max(local.rank ?? 1, ...ranks)
    const candidates = others.map((view) => ({
      view,
      site: view.site,
      rank: view.rank ?? Infinity,
      pieces: view.availablePieces,
      sitesFed: view.sitesFed,
    }))
    return chooseUpstream(site, local.rank, candidates, cost)?.view
  }

  #attach(local: LocalSite, view: CarrierView): void {
    const connection = view.connect(local.carrier)
    local.upstream = { view, connection }
    local.waitsSinceMs = undefined
    local.carrier.setUpstream(connection.holder, view.pieces)
  }

  #detach(local: LocalSite): void {
    const { upstream } = local
    if (upstream === undefined) return
    local.upstream = undefined
    local.carrier.setUpstream(undefined)
    upstream.connection.close()
  }

  *#views(): Iterable<CarrierView> {
    for (const { view } of this.#sites.values()) yield view
    for (const [site, view] of this.#remotes) if (!this.#sites.has(site)) yield view
  }

  #localView(carrier: TorrentCarrier): CarrierView {
    const sites = this.#sites
    const counters = this.#counters
    const nowMs = this.#nowMs
    return {
      site: carrier.site,
      get hasSource() {
        return carrier.hasSource
      },
      get rank() {
        return carrier.hasSource ? 0 : sites.get(carrier.site)?.rank
      },
      get path() {
        return [carrier.site, ...(sites.get(carrier.site)?.upstream?.view.path ?? [])]
      },
      get pieces() {
        return carrier.pieces
      },
      get availablePieces() {
        return carrier.availablePieces.count
      },
      get sitesFed() {
        return carrier.downstreams
      },
      connect: (to) => new LocalRelay({ from: carrier, to, counters, nowMs }),
    }
  }

  /** Another order of equal sites for each torrent, and the same on all nodes. */
  #tieOf(site: string): number {
    return createHash('sha1').update(this.#infoHash).update(site).digest().readUInt32BE(0)
  }
}
