/** Options and result of a run: the JSON document that is written for each run. */
import { basename } from 'node:path'
import type { ClosedPorts } from './closed-ports.ts'
import type { NodeCpuUse } from './node-cpu.ts'

/** The complete input of one run; no other source is read. */
export interface RunOptions {
  readonly scenario: string
  readonly tracker: string
  /** Directory of the siteswarm checkout that is measured; without it, this checkout. */
  readonly checkout?: string
  readonly client: string
  readonly settings: string
  readonly sites: number
  readonly hosts: number
  readonly hostsOfSite: Readonly<Record<number, number>>
  readonly bubbles: number
  readonly sizeBytes: number
  readonly wanBitsPerSecond: number
  /** Overrides by site number. */
  readonly wanBitsPerSecondOfSite?: Readonly<Record<number, number>>
  readonly nicBitsPerSecond: number
  /** Congestion control of the hosts. */
  readonly congestion: string
  /** Transport between sites of the siteswarm trackers. */
  readonly carry: 'nodes' | 'direct'
  /** Nodes in each site of `siteswarm-sites`. */
  readonly nodes: number
  /** Rate of the link of each of these nodes; not limited without it. */
  readonly nodeBitsPerSecond?: number
  /** Configuration of the nodes of this checkout, by the variables of the environment. */
  readonly nodeEnvironment: Readonly<Record<string, string>>
  /** No packet passes between hosts of different sites. */
  readonly isIsolated: boolean
  /** Rate of all links between sites, as in a topology file. */
  readonly linkRate?: string
  /** The links have hours that begin at the first full minute after this time. */
  readonly linkOpensAfterSeconds?: number
  /** The torrent is registered, and the API is compared with the clients. */
  readonly comparesProgress: boolean
  readonly seed: number
  /** Hosts behind a host firewall; without it, all ports are open. */
  readonly closed?: ClosedPorts
  /** Host that is removed instead of the gateway, in scenarios that remove one. */
  readonly victim?: string
  readonly timeoutSeconds: number
  /** Directory for logs; without it they are not kept. */
  readonly keepLogsIn?: string
  /** Of all hosts and nodes; otherwise logs are kept if a host did not complete, without those of hosts that did. */
  readonly keepsAllLogs: boolean
}

export interface HostResult {
  readonly name: string
  readonly site: string
  readonly bubble: string
  readonly address: string
  readonly client: string
  /** `lost`: removed by the scenario, not expected to finish. `impostor`: see `impostors.ts`. */
  readonly role: 'source' | 'leecher' | 'lost' | 'impostor'
  /** Since the first leecher was started. */
  readonly startedSeconds: number
  /** Since the first leecher was started; null if it did not complete. */
  readonly doneSeconds: number | null
  /** Result of the byte comparison; null if it did not complete. */
  readonly intact: boolean | null
  /** Addresses in other sites that it was connected to at any poll. */
  readonly remotePeers: readonly string[]
}

/** A host with a fault, and its part in the run. */
export interface AffectedHost {
  readonly host: string
  readonly fault: string
  readonly outcome: string
}

export interface SiteResult {
  readonly site: string
  /** Payload through the uplink ÷ size of all content; headers of 66 bytes a frame are subtracted. */
  readonly copiesIn: number
  readonly copiesOut: number
  /** Interface counter, headers included. */
  readonly bytesIn: number
  readonly bytesOut: number
  /** Minimum: the contents without a source in this site. */
  readonly copiesInFloor: number
  readonly leechers: number
  readonly done: number
  /** Seconds from own start to completion: first, median and last of the completed hosts. */
  readonly firstSeconds: number | null
  readonly medianSeconds: number | null
  readonly lastSeconds: number | null
  /** Hosts that were connected to another site at any poll. */
  readonly hostsWithRemotePeers: number
}

export interface CpuUse {
  /** Share of all processors, used by all programs on the machine. */
  readonly busyShareMean: number
  readonly busyShareMax: number
  /** Share of the time in which a runnable task waited for a processor (pressure stall information). */
  readonly waitingShare: number
  /** Share used by programs outside the run. */
  readonly othersShareMean: number
}

export interface Sample {
  readonly seconds: number
  /** Payload bytes since the start, by site. */
  readonly bytesIn: Readonly<Record<string, number>>
  readonly bytesOut: Readonly<Record<string, number>>
  readonly busyShare: number
}

export interface ScenarioResult {
  readonly options: RunOptions
  readonly startedAt: string
  readonly kernel: string
  /** `finished`, or the event that ended the run before all hosts completed. */
  readonly outcome: 'finished' | 'timeout' | 'interrupted'
  /** Lower bound for any plan: max(F/W_in, F/W_out of the sources' site, F/NIC). */
  readonly boundSeconds: number
  /** Longest time of any host from its own start. */
  readonly lastSeconds: number | null
  readonly ratioToBound: number | null
  /** Largest ratio of copies in to floor, over the sites with a floor above 0. */
  readonly copiesInWorst: number
  /** Hosts that completed more than 30 s after three quarters of all: half the reconnect ban that delays them. */
  readonly stragglers: readonly string[]
  readonly unfinished: readonly string[]
  readonly damaged: readonly string[]
  readonly sites: readonly SiteResult[]
  readonly hosts: readonly HostResult[]
  readonly cpu: CpuUse
  /** null for a tracker without nodes of siteswarm. */
  readonly nodeCpu: NodeCpuUse | null
  /** Utilisation of the busiest uplink, in its busier direction, until the last host completed. */
  readonly uplinkShareMax: number
  /** The processors may have been the bottleneck instead of the links; the times are not valid then. */
  readonly isSaturated: boolean
  readonly samples: readonly Sample[]
  /** Faults that the scenario injected, with their times. */
  readonly events: readonly { readonly seconds: number; readonly text: string }[]
  readonly affected: readonly AffectedHost[]
  /** From the removal of a gateway to the report of a node of siteswarm; null where none reported one. */
  readonly detectedSeconds: number | null
  /** Lines about the rate of a link, or about the API of the nodes beside the clients. */
  readonly report: readonly string[]
}

/** `siteswarm`, with the settings of its nodes, or `siteswarm@NAME` for another checkout, by the name of its directory. */
export function trackerLabel({ tracker, checkout, nodeEnvironment }: RunOptions): string {
  if (checkout !== undefined) return `${tracker}@${basename(checkout)}`
  const settings = Object.entries(nodeEnvironment).map(([variable, value]) => `${variable}=${value}`)
  return tracker.startsWith('siteswarm') ? [tracker, ...settings].join(' ') : tracker
}

export const isPassed = (result: ScenarioResult) =>
  result.outcome === 'finished' && result.unfinished.length === 0 && result.damaged.length === 0
