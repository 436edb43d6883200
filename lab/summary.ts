/** Aggregates the results of hosts and links into the figures of a run. Pure. */
import type { Traffic } from './measure.ts'
import { siteName } from './plan.ts'
import type { HostResult, RunOptions, ScenarioResult, SiteResult } from './result.ts'
import { slowestWan } from './wan-rate.ts'

/** Half of the 60 s for which libtorrent does not reconnect to a peer; no other cause delays a host this long. */
const STRAGGLER_SECONDS = 30

/** Number of contents without a source in the site, by site. The source of content n is in site n. */
export function copiesInFloors(torrents: number, sites: readonly number[]): Map<number, number> {
  return new Map(sites.map((site) => [site, site <= torrents ? torrents - 1 : torrents]))
}

/** Lower bound for any plan: each byte crosses each uplink that needs it once, and every host receives all bytes. */
export function boundSeconds(options: RunOptions, torrents: number): number {
  const fileBits = options.sizeBytes * 8
  const nic = Math.max((fileBits * torrents) / options.nicBitsPerSecond, closedSiteSeconds(options, torrents))
  if (options.sites === 1) return nic
  const sites = Array.from({ length: options.sites }, (_, index) => index + 1)
  const copiesIn = Math.max(...copiesInFloors(torrents, sites).values())
  // The site of a source sends its content out at least once.
  const copiesOut = 1
  return Math.max(nic, (fileBits * Math.max(copiesIn, copiesOut)) / slowestWan(options, sites))
}

/** The hosts of a closed site cannot exchange: the link of the node of their site carries a copy for each of them. */
function closedSiteSeconds({ closed, nodeBitsPerSecond, ...options }: RunOptions, torrents: number): number {
  if (nodeBitsPerSecond === undefined) return 0
  const hosts = (closed?.sites ?? []).map((site) => options.hostsOfSite[site] ?? options.hosts)
  return (Math.max(0, ...hosts) * options.sizeBytes * 8 * torrents) / nodeBitsPerSecond
}

interface SummaryContext {
  readonly sites: readonly number[]
  readonly floor: ReadonlyMap<number, number>
  readonly boundSeconds: number
  /** Sum over all contents. */
  readonly contentBytes: number
}

type Summary = Pick<
  ScenarioResult,
  'lastSeconds' | 'ratioToBound' | 'copiesInWorst' | 'stragglers' | 'unfinished' | 'damaged' | 'sites'
>

export function summarize(
  hosts: readonly HostResult[],
  traffic: ReadonlyMap<number, Traffic>,
  context: SummaryContext,
): Summary {
  const leechers = hosts.filter(({ role }) => role === 'leecher')
  const durations = durationsOf(leechers)
  const lastSeconds = durations.at(-1) ?? null
  const torrents = Math.max(1, ...context.floor.values())
  const sites = context.sites.map((site) => summarizeSite(site, hosts, traffic.get(site), context, torrents))
  // A site that already has all contents has no ratio.
  const ratios = sites
    .filter(({ copiesInFloor }) => copiesInFloor > 0)
    .map((site) => site.copiesIn / site.copiesInFloor)
  const lateAfter = (durations[Math.ceil(durations.length * 0.75) - 1] ?? 0) + STRAGGLER_SECONDS
  return {
    lastSeconds,
    ratioToBound: lastSeconds === null ? null : lastSeconds / context.boundSeconds,
    copiesInWorst: Math.max(0, ...ratios),
    stragglers: leechers.filter((host) => (durationOf(host) ?? 0) > lateAfter).map(({ name }) => name),
    unfinished: leechers.filter(({ doneSeconds }) => doneSeconds === null).map(({ name }) => name),
    damaged: hosts.filter(({ intact }) => intact === false).map(({ name }) => name),
    sites,
  }
}

function summarizeSite(
  site: number,
  hosts: readonly HostResult[],
  traffic: Traffic | undefined,
  context: SummaryContext,
  torrents: number,
): SiteResult {
  const here = hosts.filter((host) => host.site === siteName(site))
  const leechers = here.filter(({ role }) => role === 'leecher')
  const durations = durationsOf(leechers)
  const fileBytes = context.contentBytes / torrents
  return {
    site: siteName(site),
    copiesIn: (traffic?.payloadIn ?? 0) / fileBytes,
    copiesOut: (traffic?.payloadOut ?? 0) / fileBytes,
    bytesIn: traffic?.bytesIn ?? 0,
    bytesOut: traffic?.bytesOut ?? 0,
    copiesInFloor: context.floor.get(site) ?? 0,
    leechers: leechers.length,
    done: durations.length,
    firstSeconds: durations[0] ?? null,
    medianSeconds: durations[Math.floor((durations.length - 1) / 2)] ?? null,
    lastSeconds: durations.at(-1) ?? null,
    hostsWithRemotePeers: here.filter(({ remotePeers }) => remotePeers.length > 0).length,
  }
}

const durationOf = ({ doneSeconds, startedSeconds }: HostResult) =>
  doneSeconds === null ? undefined : doneSeconds - startedSeconds

/** Durations of the completed hosts, ascending. */
function durationsOf(hosts: readonly HostResult[]): number[] {
  return hosts
    .map(durationOf)
    .filter((seconds) => seconds !== undefined)
    .toSorted((left, right) => left - right)
}
