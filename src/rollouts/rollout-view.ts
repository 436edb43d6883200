/**
 * The reports of a rollout as this node shows them: in the order of the topology, with the current numbers of expected
 * hosts, and with an empty report of each site that expects hosts and has not reported.
 */
import type { Topology } from '../topology/topology.ts'
import { expectedAt } from './expected-hosts.ts'
import { type Rollout, stateOf } from './rollout.ts'
import type { SiteReport } from './site-report.ts'
import { siteSentence } from './site-sentence.ts'

export function viewOf({ reports, expectation }: Rollout, topology: Topology, nowMs: number): SiteReport[] {
  const view: SiteReport[] = []
  for (const { name } of topology.sites) {
    const expected = expectedAt(expectation.hosts, topology, name) ?? null
    const report = reports.get(name)
    if (report !== undefined) view.push(withExpected(report, expected))
    else if (expected !== null && expected > 0) view.push(emptyReport(name, expected, nowMs))
  }
  // Sites that the topology does not have any more keep their bytes.
  for (const [site, report] of reports) if (topology.siteNamed(site) === undefined) view.push(report)
  return view
}

/** The first host of a site. */
export function startOf(view: readonly SiteReport[]): number | undefined {
  const times = view.map(({ startedAtMs }) => startedAtMs).filter((time) => time !== null)
  return times.length === 0 ? undefined : Math.min(...times)
}

/** The completion of the last site; undefined while a site is not complete. */
export function completionOf(view: readonly SiteReport[]): number | undefined {
  if (stateOf(view) !== 'complete') return undefined
  return Math.max(...view.map(({ completedAtMs }) => completedAtMs ?? 0))
}

function withExpected(report: SiteReport, expected: number | null): SiteReport {
  const { hosts } = report
  if (hosts.expected === expected) return report
  const wanted = Math.max(hosts.seen, expected ?? 0)
  const isComplete = hosts.seen > 0 && hosts.complete === hosts.seen && hosts.complete >= (expected ?? 0)
  const before = Math.max(hosts.seen, hosts.expected ?? 0)
  const percent = isComplete ? 100 : Math.min(99.9, (report.percent * before) / Math.max(1, wanted))
  const changed = {
    ...report,
    isComplete,
    completedAtMs: isComplete ? (report.completedAtMs ?? report.atMs) : null,
    percent: Math.floor(percent * 10) / 10,
    hosts: { ...hosts, expected },
  }
  return { ...changed, sentence: siteSentence(changed) }
}

function emptyReport(site: string, expected: number, nowMs: number): SiteReport {
  const report: Omit<SiteReport, 'sentence'> = {
    site,
    atMs: nowMs,
    startedAtMs: null,
    completedAtMs: null,
    state: 'idle',
    isHeld: false,
    isComplete: false,
    hadSource: false,
    percent: 0,
    progressFrom: 'unknown',
    rateBytesPerSecond: 0,
    etaSeconds: null,
    hosts: { expected, seen: 0, complete: 0, unreachable: 0, sources: 0 },
    bytes: { downloaded: 0, betweenSites: 0, betweenSitesAtMost: 0, isCounted: true, from: [] },
    bubbles: [],
    carrier: null,
    gateway: null,
    stragglers: [],
    stragglersTotal: 0,
  }
  return { ...report, sentence: siteSentence(report) }
}
