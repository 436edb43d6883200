/**
 * Carriers of a simulated rollout: a node in each site, and the tree over the sites that the nodes plan
 * (`carriers/site-order.ts`). A site that no link with `carry: nodes` joins to the tree has gateways.
 */
import { planTree } from '../carriers/site-order.ts'
import type { Topology } from '../topology/topology.ts'
import { CarriedSite, type CarriedSiteInit } from './carried-site.ts'

export interface SiteCarriersInit extends Omit<CarriedSiteInit, 'site' | 'upstream'> {
  readonly topology: Topology
  readonly sourceSite: number
}

export class SiteCarriers {
  readonly #init: SiteCarriersInit
  readonly #sites = new Map<number, CarriedSite>()

  constructor(init: SiteCarriersInit) {
    this.#init = init
    const { topology, sourceSite, population } = init
    const names = topology.sites
      .filter(({ index }) => population.hostsIn(index) > 0)
      .map(({ name, index }) => ({ site: name, hasSource: index === sourceSite }))
    const indexOf = (name: string) => topology.siteNamed(name)?.index ?? -1
    const cost = (a: string, b: string) =>
      topology.carryOf(indexOf(a), indexOf(b)) === 'nodes' ? topology.cost(indexOf(a), indexOf(b)) : Infinity
    const tree = planTree(names, { cost, tieOf: indexOf })
    for (const [name, { upstream }] of [...tree].toSorted(([, a], [, b]) => a.rank - b.rank)) {
      const site = indexOf(name)
      const from = upstream === undefined ? undefined : this.#sites.get(indexOf(upstream))
      if (site === sourceSite || from !== undefined)
        this.#sites.set(site, new CarriedSite({ ...init, site, upstream: from }))
    }
  }

  /** True where a node carries for the clients of the site. */
  isCarried(site: number): boolean {
    return this.#sites.has(site)
  }

  /** A host announced for the first time. The source is not offered anything. */
  addHost(host: number): void {
    if (host !== 0) this.#of(host)?.addHost(host)
  }

  removeHost(host: number): void {
    this.#of(host)?.removeHost(host)
  }

  /** A host or a carrier received a piece. */
  received(endpoint: number, piece: number): void {
    const site = this.#of(endpoint)
    if (this.#init.population.isHost(endpoint)) site?.gained(endpoint, piece)
    else site?.arrived(piece)
  }

  step(nowMs: number, stepMs: number): void {
    for (const site of this.#sites.values()) site.step(nowMs, stepMs)
  }

  #of(endpoint: number): CarriedSite | undefined {
    return this.#sites.get(this.#init.population.siteOf[endpoint] as number)
  }
}
