/** The hosts of one site as one measurement found them, and the parts of the report that sum them up. */
import type { Topology } from '../topology/topology.ts'
import { type ExpectedHosts, expectedAt } from './expected-hosts.ts'
import type { HostState } from './host.ts'
import type { Pace } from './progress-trace.ts'
import { BUBBLES_MAX, type HostCounts, percentOf, type SiteReport, type Straggler } from './site-report.ts'
import { timeLeftSeconds } from './time-left.ts'

/** A host on the page of the hosts of a site. */
export interface MeasuredHost extends HostState {
  readonly state: 'complete' | 'downloading' | 'gone'
  readonly reason: Straggler['reason'] | undefined
  readonly client: string | undefined
  readonly sharePerSecond: number | undefined
  /** For the time left. */
  readonly pace: Pace | undefined
}

/** Complete hosts that are only counted, by bubble; see `DepartedHosts`. */
type FurtherHosts = ReadonlyMap<string, number>

export function countHosts(
  hosts: readonly MeasuredHost[],
  further: number,
  { expected, sources }: { readonly expected: number | undefined; readonly sources: number },
): HostCounts {
  return {
    expected: expected ?? null,
    seen: hosts.length + further,
    complete: hosts.filter(({ isComplete }) => isComplete).length + further,
    unreachable: hosts.filter(({ isUnreachable, state }) => isUnreachable && state !== 'gone').length,
    sources,
  }
}

export function bubblesOf(
  hosts: readonly MeasuredHost[],
  site: string,
  context: { readonly further: FurtherHosts; readonly expected: ExpectedHosts; readonly topology: Topology },
): SiteReport['bubbles'] {
  const { further, expected, topology } = context
  const byBubble = new Map<string, MeasuredHost[]>()
  for (const host of hosts) {
    const list = byBubble.get(host.bubble)
    if (list === undefined) byBubble.set(host.bubble, [host])
    else list.push(host)
  }
  const bubbles: SiteReport['bubbles'] = []
  for (const { bubble } of (topology.siteNamed(site)?.places ?? []).slice(0, BUBBLES_MAX)) {
    const there = byBubble.get(bubble) ?? []
    const others = further.get(bubble) ?? 0
    const awaited = expectedAt(expected, topology, site, bubble)
    const counts = countHosts(there, others, { expected: awaited, sources: 0 })
    if (counts.seen === 0 && awaited === undefined) continue
    const shares = there.reduce((sum, { share }) => sum + share, 0) + others
    bubbles.push({
      bubble,
      percent: percentOf(shares / Math.max(counts.seen, awaited ?? 0, 1)),
      hosts: counts,
    })
  }
  return bubbles
}

export function originOf(hosts: readonly MeasuredHost[]): SiteReport['progressFrom'] {
  const origins = new Set(hosts.map(({ progressFrom }) => progressFrom))
  if (origins.size === 0) return 'unknown'
  if (origins.size > 1) return 'mixed'
  return [...origins][0] as SiteReport['progressFrom']
}

/** null if no host makes progress. */
export function secondsLeft(hosts: readonly MeasuredHost[]): number | null {
  const waiting = hosts
    .filter(({ state }) => state === 'downloading')
    .map(({ pace, reason }) => ({
      pace,
      isStuck: reason !== undefined && reason !== 'slow' && reason !== 'port-closed',
    }))
  const seconds = timeLeftSeconds(waiting)
  return seconds === undefined ? null : Math.ceil(seconds)
}

export function toStraggler(host: MeasuredHost): Straggler {
  const { address, port, bubble, share, progressFrom, lastSeenMs, client, reason } = host
  return {
    address,
    port,
    bubble,
    client: client ?? null,
    percent: percentOf(share),
    progressFrom,
    lastSeenMs,
    reason: reason ?? 'slow',
  }
}
