/** A rollout in the form of the API: the sums over its sites, and each site. */
import { type Rollout, type RolloutTorrent, stateOf } from './rollout.ts'
import type { BytesAnswer, HostCountsAnswer, RolloutAnswer, SiteAnswer } from './rollout-answer.ts'
import type { RolloutState } from './rollout-states.ts'
import { completionOf, startOf } from './rollout-view.ts'
import { type HostCounts, percentOf, type SiteReport } from './site-report.ts'

/** `view`: see `viewOf`. */
export function describeRollout(rollout: Rollout, view: readonly SiteReport[], nowMs: number): RolloutAnswer {
  const reports = view.map((report) => atTime(report, nowMs))
  const { torrent } = rollout
  const hosts = sumHosts(reports)
  const wanted = Math.max(hosts.seen, awaitedIn(reports))
  const shares = sum(reports, ({ bytes }) => bytes.downloaded) / Math.max(1, torrent.sizeBytes)
  const state = stateOf(reports)
  const isCounted = reports.every(({ bytes }) => bytes.isCounted)
  return {
    infoHash: rollout.infoHash,
    name: torrent.name,
    sizeBytes: torrent.sizeBytes,
    state,
    isRegistered: rollout.removedAtMs === undefined,
    registeredAt: new Date(torrent.registeredAtMs).toISOString(),
    startedAt: isoOf(startOf(view)),
    completedAt: isoOf(completionOf(view)),
    sentence: sentenceOf(state, reports),
    percent: state === 'complete' ? 100 : wanted === 0 ? 0 : Math.min(99.9, percentOf(shares / wanted)),
    rateBytesPerSecond: sum(reports, ({ rateBytesPerSecond }) => rateBytesPerSecond),
    etaSeconds: etaOf(state, reports),
    hosts,
    bytes: bytesOf(torrent, reports),
    origin: {
      percent: originOf(reports),
      downloaded: originOf(reports),
      betweenSites: isCounted ? 'counted' : 'bound',
      saved: isCounted ? 'counted' : 'bound',
    },
  }
}

export function describeSites(rollout: Rollout, view: readonly SiteReport[], nowMs: number): SiteAnswer[] {
  return view.map((report) => describeSite(atTime(report, nowMs), rollout.torrent.sizeBytes))
}

function describeSite(report: SiteReport, sizeBytes: number): SiteAnswer {
  const { atMs, startedAtMs, completedAtMs, bytes, progressFrom, stragglers, hosts, bubbles, ...rest } =
    report
  const { isCounted, ...counts } = bytes
  return {
    ...rest,
    measuredAt: new Date(atMs).toISOString(),
    startedAt: isoOf(startedAtMs ?? undefined),
    completedAt: isoOf(completedAtMs ?? undefined),
    copiesIn: sizeBytes === 0 ? 0 : Math.round((bytes.betweenSites / sizeBytes) * 1000) / 1000,
    hosts: withAbsent(hosts),
    bubbles: bubbles.map((bubble) => ({ ...bubble, hosts: withAbsent(bubble.hosts) })),
    bytes: counts,
    origin: { percent: progressFrom, betweenSites: isCounted ? 'counted' : 'bound' },
    stragglers: stragglers.map(({ lastSeenMs, ...straggler }) => ({
      ...straggler,
      lastSeenAt: new Date(lastSeenMs).toISOString(),
    })),
  }
}

/** A report of a site that sends none any more has no rate. */
const RATE_MS_MAX = 15_000

/** A report is as old as its way from the node that measured: the time left is shorter by that. */
function atTime(report: SiteReport, nowMs: number): SiteReport {
  const ageMs = Math.max(0, nowMs - report.atMs)
  const { etaSeconds } = report
  if (ageMs > RATE_MS_MAX)
    return { ...report, rateBytesPerSecond: 0, etaSeconds: report.isComplete ? 0 : null }
  if (etaSeconds === null || report.isComplete) return report
  return { ...report, etaSeconds: Math.max(1, Math.round(etaSeconds - ageMs / 1_000)) }
}

function withAbsent(hosts: HostCounts): HostCountsAnswer {
  return { ...hosts, absent: Math.max(0, (hosts.expected ?? 0) - hosts.seen) }
}

/** Surplus hosts of one site do not replace absent ones of another. */
function sumHosts(reports: readonly SiteReport[]): HostCountsAnswer {
  const expected = reports.map(({ hosts }) => hosts.expected).filter((count) => count !== null)
  return {
    expected: expected.length === 0 ? null : expected.reduce((total, count) => total + count, 0),
    seen: sum(reports, ({ hosts }) => hosts.seen),
    complete: sum(reports, ({ hosts }) => hosts.complete),
    unreachable: sum(reports, ({ hosts }) => hosts.unreachable),
    sources: sum(reports, ({ hosts }) => hosts.sources),
    absent: sum(reports, ({ hosts }) => withAbsent(hosts).absent),
  }
}

/** A site without a number of expected hosts awaits those that it has seen. */
function awaitedIn(reports: readonly SiteReport[]): number {
  return sum(reports, ({ hosts }) => Math.max(hosts.seen, hosts.expected ?? 0))
}

/** The last site decides. null if a site that is not complete has no end. */
function etaOf(state: RolloutState, reports: readonly SiteReport[]): number | null {
  if (state === 'complete') return 0
  const open = reports.filter(({ isComplete, hosts }) => !isComplete && hosts.seen > hosts.complete)
  const known = open.map(({ etaSeconds }) => etaSeconds).filter((eta) => eta !== null)
  return known.length === 0 ? null : Math.max(...known)
}

function bytesOf({ sizeBytes }: RolloutTorrent, reports: readonly SiteReport[]): BytesAnswer {
  return {
    downloaded: sum(reports, ({ bytes }) => bytes.downloaded),
    betweenSites: sum(reports, ({ bytes }) => bytes.betweenSites),
    betweenSitesAtMost: sum(reports, ({ bytes }) => bytes.betweenSitesAtMost),
    saved: sum(reports, (report) => savedAt(report, reports, sizeBytes)),
  }
}

/**
 * Bytes that did not cross the links into a site, because its hosts got them from each other. The site of the source saves
 * nothing. Where no source was seen, the content came from an origin, of which each site received at least one copy.
 */
export function savedAt(report: SiteReport, reports: readonly SiteReport[], sizeBytes: number): number {
  const { bytes, hadSource } = report
  if (hadSource) return 0
  const hasSource = reports.some((each) => each.hadSource)
  const fromOrigin = hasSource || bytes.betweenSites > 0 ? 0 : Math.min(sizeBytes, bytes.downloaded)
  return Math.max(0, bytes.downloaded - fromOrigin - bytes.betweenSites)
}

function originOf(reports: readonly SiteReport[]): SiteReport['progressFrom'] {
  const origins = new Set(
    reports.filter(({ hosts }) => hosts.seen > 0).map(({ progressFrom }) => progressFrom),
  )
  if (origins.size === 0) return 'unknown'
  return origins.size > 1 ? 'mixed' : ([...origins][0] as SiteReport['progressFrom'])
}

/** The cause at the site that decides the state. */
function sentenceOf(state: RolloutState, reports: readonly SiteReport[]): string {
  const open = reports.filter(
    ({ isComplete, startedAtMs, hosts }) =>
      !isComplete && (startedAtMs !== null || (hosts.expected ?? 0) > 0),
  )
  if (state === 'waiting') return 'no host has announced the torrent'
  if (state === 'complete') {
    const complete = sum(reports, ({ hosts }) => hosts.complete)
    return complete === 1 ? 'the one host is complete' : `all ${complete} hosts are complete`
  }
  if (state === 'held') return `held by an operator at ${open.map(({ site }) => site).join(', ')}`
  const named = ({ site, sentence }: SiteReport) => `${site}: ${sentence}`
  if (state === 'stranded')
    return open
      .filter((report) => report.state === 'stranded')
      .map(named)
      .join('; ')
  const slowest = open.toSorted((a, b) => a.percent - b.percent)[0]
  return slowest === undefined ? '' : named(slowest)
}

function sum<Item>(items: readonly Item[], value: (item: Item) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}

function isoOf(timeMs: number | undefined): string | null {
  return timeMs === undefined ? null : new Date(timeMs).toISOString()
}
