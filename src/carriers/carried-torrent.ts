/**
 * One torrent in all sites that this process carries it for, and the choice of the site that each of them fetches from.
 */
import { createHash } from 'node:crypto'
import type { CarriedClientUpdate } from './carried-client.ts'
import type { SiteCarriage } from './carriage.ts'
import type { CarrierCounters } from './carrier-counters.ts'
import type { CarrierView, UpstreamConnection } from './carrier-view.ts'
import type { LinkRates } from './link/link-rates.ts'
import { LocalRelay } from './local-relay.ts'
import { chooseUpstream, type Cost, planTree, priceOf } from './site-order.ts'
import type { TorrentCarrier } from './torrent-carrier.ts'
import type { TorrentGeometry } from './torrent-geometry.ts'

/**
 * The states of sites that begin at the same time arrive within this time: a tick of each node, and 50 ms over the link. Where
 * they arrive later, the next review moves one site behind the other.
 */
const CONVERGENCE_MS = 250
/** Pause between two looks for a better upstream, and the time in which blocks of the one before still arrive. */
const REVIEW_MS = 500
const RETIRED_MS = 3_000
/** A site without clients, which no other site fetches from, is forgotten after this time. */
const IDLE_MS_MAX = 60_000
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
  /** The upstream before. */
  retired: { readonly connection: UpstreamConnection; readonly untilMs: number } | undefined
  reviewedMs: number
  /** Sites that sent wrong data of this torrent. */
  readonly banned: Set<string>
}

export class CarriedTorrent {
  readonly #infoHash: Buffer
  readonly #counters: CarrierCounters
  readonly #nowMs: () => number
  readonly #makeCarrier: (site: string) => TorrentCarrier
  readonly #sites = new Map<string, LocalSite>()
  readonly #remotes = new Set<CarrierView>()
  readonly #rates: LinkRates

  constructor({
    infoHash,
    counters,
    rates,
    nowMs,
    makeCarrier,
  }: {
    readonly infoHash: Buffer
    readonly counters: CarrierCounters
    readonly rates: LinkRates
    readonly nowMs: () => number
    readonly makeCarrier: (site: string) => TorrentCarrier
  }) {
    this.#infoHash = infoHash
    this.#counters = counters
    this.#rates = rates
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
      retired: undefined,
      reviewedMs: 0,
      banned: new Set(),
    }
    this.#sites.set(site, local)
    return carrier
  }

  get carriers(): Iterable<TorrentCarrier> {
    return [...this.#sites.values()].map(({ carrier }) => carrier)
  }

  /** No site is carried. */
  get isIdle(): boolean {
    return this.#sites.size === 0
  }

  *sites(): Iterable<SiteCarriage> {
    for (const { carrier, upstream } of this.#sites.values()) {
      const { site, needsPieces, clients } = carrier
      const { hasSource, linkedHosts } = clients
      const bytesPerSecond = Math.round(carrier.bytesPerSecond)
      yield {
        site,
        hasSource,
        needsPieces,
        hosts: linkedHosts.length,
        bytesPerSecond,
        upstream: upstream?.view.site,
        received: [...carrier.receivedFrom],
      }
    }
  }

  setGeometry(geometry: TorrentGeometry): void {
    for (const { carrier } of this.#sites.values()) carrier.setGeometry(geometry)
  }

  /** The carrier of a site, with its view for other nodes. */
  published(site: string): { readonly carrier: TorrentCarrier; readonly view: CarrierView } | undefined {
    const local = this.#sites.get(site)
    return local?.carrier.isOnHold === true ? undefined : local
  }

  removeClient(site: string, client: Pick<CarriedClientUpdate, 'address' | 'port'>): void {
    this.#sites.get(site)?.carrier.removeClient(client)
  }

  setHold(site: string, isOnHold: boolean): void {
    this.#sites.get(site)?.carrier.setHold(isOnHold)
  }

  /** A site on another node. */
  addRemote(view: CarrierView): void {
    this.#remotes.add(view)
  }

  removeRemote(view: CarrierView): void {
    this.#remotes.delete(view)
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
      local.upstream?.connection.tick()
      local.retired?.connection.tick()
      if (local.retired !== undefined && this.#nowMs() >= local.retired.untilMs) this.#endRetired(local)
      this.#chooseUpstream(local, cost)
      if (local.carrier.idleMs >= IDLE_MS_MAX) this.#forget(local)
    }
  }

  #forget(local: LocalSite): void {
    this.#sites.delete(local.carrier.site)
    this.#detach(local)
    local.carrier.stop()
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
    if (carrier.clients.hasSource) {
      local.rank = 0
      return this.#detach(local)
    }
    const isNeeded = !carrier.isOnHold && (carrier.needsPieces || carrier.downstreams > 0)
    const current = local.upstream?.view
    const isGood =
      current !== undefined &&
      !current.path.includes(carrier.site) &&
      current.availablePieces > 0 &&
      !this.#isCutOff(local, current)
    if (isGood && isNeeded) return this.#review(local, current, cost)
    this.#detach(local)
    if (!isNeeded) {
      local.rank = undefined
      local.waitsSinceMs = undefined
      return
    }
    const others = this.#viewsFor(local)
    // Another node of the site took the torrent over.
    const successor = others.find(
      (view) => view.site === current?.site && view.availablePieces > 0 && !this.#isCutOff(local, view),
    )
    const chosen = successor ?? this.#join(local, others, cost)
    if (chosen !== undefined) this.#attach(local, chosen)
  }

  /**
   * The upstream lost the way to a source, and another site has one. The site moves: the upstream may fetch from it then,
   * which it cannot while its own site is in the path.
   */
  #isCutOff(local: LocalSite, current: CarrierView): boolean {
    const others = this.#viewsFor(local)
    const leadsToSource = ({ path }: CarrierView) =>
      others.some(({ site, hasSource }) => hasSource && site === path.at(-1))
    return !leadsToSource(current) && others.some((view) => view.availablePieces > 0 && leadsToSource(view))
  }

  /** Sets the rank of the site, and returns its upstream once the sites that begin with it see each other. */
  #join(local: LocalSite, others: readonly CarrierView[], cost: Cost): CarrierView | undefined {
    const { site } = local.view
    const nowMs = this.#nowMs()
    local.waitsSinceMs ??= nowMs
    const waitedMs = nowMs - local.waitsSinceMs
    const members = others.filter(({ hasSource, rank }) => hasSource || rank !== undefined)
    // Sites that fetch already keep their upstream: a site that joins later sees which links are in use.
    const placed = members.map((view) => ({
      site: view.site,
      hasSource: view.hasSource,
      rank: view.rank,
      upstream: view.path[1],
    }))
    const self = { site, hasSource: false }
    const planned = planTree([self, ...placed], { cost, tieOf: (name) => this.#tieOf(name) }).get(site)
    local.rank = planned?.rank
    if (waitedMs < CONVERGENCE_MS) return undefined
    const target = members.find((view) => view.site === planned?.upstream)
    if (target !== undefined && target.availablePieces > 0 && !this.#isCutOff(local, target)) return target
    if (target !== undefined && waitedMs < UPSTREAM_WAIT_MS) return undefined
    // Behind all sites that fetch already.
    const ranks = members.flatMap(({ rank, path }) =>
      rank !== undefined && path.length > 1 ? [rank + 1] : [],
    )
    local.rank = Math.max(local.rank ?? 1, ...ranks)
    const connected = others.filter((view) => !this.#isCutOff(local, view))
    const candidates = connected.map((view) => ({
      view,
      site: view.site,
      rank: view.rank ?? Infinity,
      pieces: view.availablePieces,
      sitesFed: view.sitesFed,
    }))
    return chooseUpstream(site, local.rank, candidates, cost)?.view
  }

  /**
   * Two sites that joined within a moment may fetch from the same one, over the same link. Of the two, one moves behind the
   * other where that is as near: blocks are passed on as they arrive, therefore the longer way costs little.
   */
  #review(local: LocalSite, current: CarrierView, cost: Cost): void {
    const { site } = local.view
    const nowMs = this.#nowMs()
    if (nowMs - local.reviewedMs < REVIEW_MS) return
    local.reviewedMs = nowMs
    const others = this.#viewsFor(local)
    const fedBy = (other: string) => others.filter(({ path }) => path[1] === other).length
    const priceFor = (other: string) => priceOf(cost(site, other), fedBy(other))
    let [best, bestPrice] = [current, priceFor(current.site)]
    for (const view of others) {
      // The order decides alike at both sites, so that they do not move behind each other.
      const isBefore = this.#tieOf(view.site) < this.#tieOf(site)
      if (!isBefore || view.path[1] !== current.site || view.availablePieces === 0) continue
      const price = priceFor(view.site)
      if (price < bestPrice) [best, bestPrice] = [view, price]
    }
    if (best === current) return
    local.rank = Math.max(local.rank ?? 1, (best.rank ?? 0) + 1)
    this.#retire(local)
    this.#attach(local, best)
  }

  /** Outstanding blocks of the upstream still arrive. */
  #retire(local: LocalSite): void {
    this.#endRetired(local)
    if (local.upstream === undefined) return
    local.carrier.retireUpstream()
    local.retired = { connection: local.upstream.connection, untilMs: this.#nowMs() + RETIRED_MS }
    local.upstream = undefined
  }

  #endRetired(local: LocalSite): void {
    if (local.retired === undefined) return
    local.carrier.endRetired()
    local.retired.connection.close()
    local.retired = undefined
  }

  #attach(local: LocalSite, view: CarrierView): void {
    const connection = view.connect(local.carrier)
    local.upstream = { view, connection }
    local.waitsSinceMs = undefined
    local.carrier.setUpstream(connection.holder, view.pieces)
  }

  #detach(local: LocalSite): void {
    this.#endRetired(local)
    const { upstream } = local
    if (upstream === undefined) return
    local.upstream = undefined
    local.carrier.setUpstream(undefined)
    upstream.connection.close()
  }

  /** Other sites that this one may fetch from, one view of each. */
  #viewsFor({ carrier, banned }: LocalSite): readonly CarrierView[] {
    const views = new Map<string, CarrierView>()
    for (const { view } of this.#sites.values()) views.set(view.site, view)
    for (const view of this.#remotes) {
      if (view.path.length === 0 || this.#sites.has(view.site)) continue
      // While another node of the site takes the torrent over, both may publish it.
      const known = views.get(view.site)
      if (known === undefined || known.availablePieces < view.availablePieces) views.set(view.site, view)
    }
    return [...views.values()].filter(
      ({ site, path }) => site !== carrier.site && !path.includes(carrier.site) && !banned.has(site),
    )
  }

  #localView(carrier: TorrentCarrier): CarrierView {
    const sites = this.#sites
    const counters = this.#counters
    const rates = this.#rates
    const nowMs = this.#nowMs
    return {
      site: carrier.site,
      get hasSource() {
        return carrier.clients.hasSource
      },
      get rank() {
        return carrier.clients.hasSource ? 0 : sites.get(carrier.site)?.rank
      },
      get path() {
        return [carrier.site, ...(sites.get(carrier.site)?.upstream?.view.path ?? [])]
      },
      get pieces() {
        return carrier.pieces
      },
      get availablePieces() {
        return carrier.isOnHold ? 0 : carrier.availablePieces.count
      },
      get sitesFed() {
        return carrier.downstreams
      },
      connect: (to) => new LocalRelay({ from: carrier, to, counters, rates, nowMs }),
    }
  }

  /** Another order of equal sites for each torrent, and the same on all nodes. */
  #tieOf(site: string): number {
    return createHash('sha1').update(this.#infoHash).update(site).digest().readUInt32BE(0)
  }
}
