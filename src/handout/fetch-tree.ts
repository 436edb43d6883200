/**
 * Who fetches from whom between the sites of one swarm, read once for a decision: asking the table anew for each
 * of a thousand sites, each at the end of a chain of hundreds, took a second for one announce.
 */
import type { SiteSwarm, Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import { hasCopy } from './site-state.ts'

export class FetchTree {
  readonly #swarm: Swarm
  readonly #sites = new Map<number, SiteSwarm>()
  /** The site index that the gateways of a site fetch from. Several fetch from the first one's, by `chooseUpstream`. */
  readonly #upstreamOf = new Map<SiteSwarm, number>()
  readonly #sitesFedBy = new Map<number, number>()
  readonly #gatewaysFedBy = new Map<number, number>()
  readonly #isFed = new Map<SiteSwarm, boolean>()
  readonly #without: SiteSwarm

  /** `without`: the site that asks. What reaches others only through it cannot reach it. */
  constructor(table: SwarmTable, swarm: Swarm, without: SiteSwarm, nowMs: number) {
    this.#swarm = swarm
    this.#without = without
    for (const site of swarm.sites) {
      this.#sites.set(site.site, site)
      const sources = new Set<number>()
      for (const { row, upstreamRow } of site.gateways) {
        if (upstreamRow < 0) continue
        const source = table.siteIndexOf(upstreamRow)
        if (!this.#upstreamOf.has(site)) this.#upstreamOf.set(site, source)
        if (site !== without && source !== site.site) sources.add(source)
        if (!table.rows.isExpired(row, nowMs)) increase(this.#gatewaysFedBy, upstreamRow)
      }
      for (const source of sources) increase(this.#sitesFedBy, source)
    }
  }

  /** Sites that have a gateway fetching from this one, the asking site left out. */
  sitesFedBy(source: SiteSwarm): number {
    return this.#sitesFedBy.get(source.site) ?? 0
  }

  /** Live gateways that fetch from this row. */
  gatewaysFedBy(row: number): number {
    return this.#gatewaysFedBy.get(row) ?? 0
  }

  /**
   * Whether content reaches this site: it has a copy, or one of its gateways has an upstream in a site that
   * content reaches, and that path does not lead through the asking site.
   */
  isFed(site: SiteSwarm): boolean {
    const path: SiteSwarm[] = []
    let at: SiteSwarm | undefined = site
    let isFed: boolean | undefined = undefined
    while (isFed === undefined) {
      if (at === undefined || at === this.#without) isFed = false
      else if (this.#isFed.has(at)) isFed = this.#isFed.get(at) === true
      else if (hasCopy(this.#swarm, at)) isFed = true
      else {
        path.push(at)
        // Until the path proves otherwise: a path that comes back to itself feeds nobody.
        this.#isFed.set(at, false)
        at = this.#upstream(at)
      }
    }
    for (const passed of path) this.#isFed.set(passed, isFed)
    return isFed
  }

  /** Content will reach this site: its gateway is about to choose, and knows whom. So it will reach whoever fetches there. */
  expect(site: SiteSwarm): void {
    this.#isFed.set(site, true)
  }

  /** The asking site, and the sites that its content comes through; undefined where none comes. */
  pathOfRequester(): ReadonlySet<SiteSwarm> | undefined {
    const path = new Set<SiteSwarm>()
    let at: SiteSwarm | undefined = this.#without
    while (at !== undefined && !path.has(at)) {
      path.add(at)
      if (hasCopy(this.#swarm, at)) return path
      at = this.#upstream(at)
    }
    return undefined
  }

  #upstream(site: SiteSwarm): SiteSwarm | undefined {
    const index = this.#upstreamOf.get(site)
    return index === undefined ? undefined : this.#sites.get(index)
  }
}

function increase(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
