/** The gateways of other sites for a seed or gateway: those that fetch from it, and those that are to begin. */
import { downstreamOf, downstreamOfSite, gatewaysWithoutUpstream } from './choose-upstream.ts'
import type { Choice, HandoutContext, UpstreamChange } from './decision.ts'
import type { Reason } from './reasons.ts'

/** Adds the gateways that fetch from the requester, and those without an upstream, of which it becomes the upstream. */
export function feedGateways(context: HandoutContext, remote: Choice[], upstreams: UpstreamChange[]): void {
  const { requester, loopback } = context
  if (requester.row < 0) return
  const add = (row: number, reason: Reason) => {
    if (!loopback.withholds(row)) remote.push({ row, locality: 'remote', reason })
  }
  for (const gateway of downstreamOf(context, requester.row)) add(gateway.row, 'downstream')
  if (isFirstFinisher(context))
    for (const { row } of downstreamOfSite(context))
      if (!remote.some((choice) => choice.row === row)) add(row, 'first-finisher')
  for (const row of gatewaysWithoutUpstream(context)) {
    add(row, 'downstream')
    upstreams.push({ gatewayRow: row, upstreamRow: requester.row, failedRow: -1 })
  }
}

/**
 * True for one of the first finishers of a site. It is complete and downloads nothing from a gateway of another site,
 * so no more bytes enter its own site.
 */
function isFirstFinisher({ policy, site, requester }: HandoutContext): boolean {
  const countMax = requester.dropsFinishers ? policy.firstFinishers : policy.firstFinishersWithoutDrops
  return requester.hasCompleted && site.seeds <= 1 + countMax
}
