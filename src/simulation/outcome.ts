/** Outcome of a simulated rollout: copies into each site, and completion times of its hosts. */
import type { Exchange } from './exchange.ts'
import type { Population } from './population.ts'
import { boundSeconds, type Scenario } from './scenario.ts'

export interface SiteOutcome {
  readonly site: string
  /** Hosts that had to fetch; excludes the source and lost hosts. */
  readonly hosts: number
  /** Bytes into the site ÷ size of the file. */
  readonly copies: number
  /** Seconds from the start of the site's first host; undefined if that many hosts did not complete. */
  readonly firstSeconds: number | undefined
  readonly medianSeconds: number | undefined
  readonly lastSeconds: number | undefined
  /** Hosts that did not complete. */
  readonly unfinished: number
  /** Completion times of its hosts, sorted. */
  readonly doneSeconds: readonly number[]
}

export interface Outcome {
  readonly policy: string
  readonly boundSeconds: number
  /** Completion time of the last host; undefined if a host did not complete. */
  readonly lastSeconds: number | undefined
  /** Median over all hosts. */
  readonly medianSeconds: number | undefined
  /** Over the sites that had to fetch: mean and maximum. */
  readonly copiesMean: number
  readonly copiesMax: number
  /** Bytes out of the site of the source ÷ size. */
  readonly copiesOutOfSource: number
  /** Bytes over links between sites, total. */
  readonly remoteBytes: number
  readonly unfinished: number
  readonly sites: readonly SiteOutcome[]
}

export function readOutcome(parts: {
  readonly scenario: Scenario
  readonly policy: string
  readonly population: Population
  readonly exchange: Exchange
  /** By host; -1 if not complete. */
  readonly doneMs: Float64Array
}): Outcome {
  const { scenario, policy, population, exchange, doneMs } = parts
  const { siteInBytes, siteOutBytes } = exchange.downloads
  const all: number[] = []
  const sites = scenario.topology.sites.flatMap((site): SiteOutcome[] => {
    if ((scenario.hostsOfSite[site.index] ?? 0) === 0) return []
    const startSeconds = scenario.siteStartSeconds?.[site.index] ?? 0
    const done: number[] = []
    let hosts = 0
    for (let host = 1; host < population.count; host++) {
      if (population.siteOf[host] !== site.index || exchange.isGone(host)) continue
      hosts++
      if (doneMs[host]! >= 0) done.push(doneMs[host]! / 1000 - startSeconds)
    }
    done.sort((a, b) => a - b)
    all.push(...done)
    return [
      {
        site: site.name,
        hosts,
        copies: siteInBytes[site.index]! / scenario.sizeBytes,
        firstSeconds: done[0],
        medianSeconds: done[Math.ceil(hosts / 2) - 1],
        lastSeconds: hosts > 0 ? done[hosts - 1] : undefined,
        unfinished: hosts - done.length,
        doneSeconds: done,
      },
    ]
  })
  all.sort((a, b) => a - b)
  const hosts = sites.reduce((sum, site) => sum + site.hosts, 0)
  const sourceName = scenario.topology.sites[scenario.sourceSite]?.name
  const fetching = sites.filter((site) => site.site !== sourceName).map((site) => site.copies)
  return {
    policy,
    boundSeconds: boundSeconds(scenario),
    lastSeconds: all[hosts - 1],
    medianSeconds: all[Math.ceil(hosts / 2) - 1],
    copiesMean: fetching.reduce((sum, copies) => sum + copies, 0) / Math.max(1, fetching.length),
    copiesMax: Math.max(0, ...fetching),
    copiesOutOfSource: siteOutBytes[scenario.sourceSite]! / scenario.sizeBytes,
    remoteBytes: siteInBytes.reduce((sum, bytes) => sum + bytes, 0),
    unfinished: hosts - all.length,
    sites,
  }
}
