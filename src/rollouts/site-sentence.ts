/** State of a rollout at a site as one sentence that names the cause. */
import type { SiteReport } from './site-report.ts'

export function siteSentence(report: Omit<SiteReport, 'sentence'>): string {
  const { hosts, isHeld, isComplete, state, carrier, gateway, startedAtMs } = report
  const left = Math.max(hosts.seen, hosts.expected ?? 0) - hosts.complete
  if (isComplete)
    return hosts.complete === 1 ? 'its one host is complete' : `all ${hosts.complete} hosts are complete`
  if (isHeld) return 'held by an operator: nothing flows into this site'
  if (startedAtMs === null)
    return hosts.expected === null
      ? hosts.sources > 0
        ? 'has the content from the start; no other host has announced the torrent'
        : 'no host of this site has announced the torrent'
      : `none of the ${hosts.expected} expected hosts has announced the torrent`
  const missing = Math.max(0, (hosts.expected ?? 0) - hosts.seen)
  if (hosts.seen === hosts.complete && missing > 0)
    return `all ${hosts.complete} hosts that announced are complete; ${missing} of ${hosts.expected ?? 0} expected hosts have not announced`
  if (state === 'stranded')
    return 'no connected site has a source: start a client that has the content, or check federation'
  if (state === 'idle')
    return `no client is in the swarm; ${left} ${left === 1 ? 'host' : 'hosts'} left before the end`
  if (state === 'warm')
    return missing === 0
      ? `has a complete copy; ${left} ${left === 1 ? 'host is' : 'hosts are'} not complete`
      : `has a complete copy; ${left - missing} ${left - missing === 1 ? 'host is' : 'hosts are'} not complete, ${missing} of ${hosts.expected ?? 0} expected hosts have not announced`
  if (carrier !== null)
    return carrier.upstreamSite === null
      ? `carried by ${carrier.node}, without an upstream`
      : `fetches from ${carrier.upstreamSite} through ${carrier.node}`
  if (gateway === null) return 'waits for a host to become gateway'
  const host = `${gateway.address}:${gateway.port}`
  return gateway.upstream === null
    ? `gateway ${host} waits for an upstream in another site`
    : `fetches from ${gateway.upstream.site} through ${host}`
}
