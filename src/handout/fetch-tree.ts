/**
 * The upstreams between the sites of one swarm, read once for each decision: reading the table again for each of a
 * thousand sites, each at the end of a chain of hundreds, took a second for one announce.
 */
import type { SiteSwarm, Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import { hasCopy } from './site-state.ts'

export class FetchTree {
  readonly #swarm: Swarm
  readonly #sites = new Map<number, SiteSwarm>()
  /** Index of the site from which the gateways of a site fetch; of several, the first one's. */
  readonly #upstreamOf = new Map<SiteSwarm, number>()
  readonly #sitesFedBy = new Map<number, number>()
  readonly #gatewaysFedBy = new Map<number, number>()
  readonly #isFed = new Map<SiteSwarm, boolean>()
  readonly #without: SiteSwarm

  /** `without`: the requester's site. Content that reaches other sites only through it cannot reach it. */
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

  /** Number of sites with a gateway that fetches from this one, without the requester's site. */
  sitesFedBy(source: SiteSwarm): number {
    return this.#sitesFedBy.get(source.site) ?? 0
  }

  /** Number of live gateways that fetch from this row. */
  gatewaysFedBy(row: number): number {
    return this.#gatewaysFedBy.get(row) ?? 0
  }

  /**
   * True if content reaches this site: it has a copy, or one of its gateways has an upstream in a site that content
   * reaches, on a path that does not lead through the requester's site.
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
        // Until the rest of the path is known: a path that returns to itself brings no content.
        this.#isFed.set(at, false)
        at = this.#upstream(at)
      }
    }
    for (const passed of path) this.#isFed.set(passed, isFed)
    return isFed
  }

  /** Marks a site that content will reach, because its gateway is about to choose a known upstream. */
  expect(site: SiteSwarm): void {
    this.#isFed.set(site, true)
  }

  /** The requester's site and the sites through which its content comes; undefined if none comes. */
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
