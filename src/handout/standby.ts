/**
 * The standby of a site: its second leecher, whose response is deferred until the gateway has a first piece. Stock
 * clients announce again after minutes, so a gateway that never downloads anything could otherwise be replaced only
 * then. Small torrents have no standby: it would start when its neighbours are nearly complete.
 */
import type { Gateway } from '../swarm/gateway.ts'
import type { HandoutContext } from './decision.ts'

/** True if the requester waits to replace a gateway that has shown no piece yet. `live`: the leases that continue. */
export function isStandby(context: HandoutContext, live: readonly Gateway[]): boolean {
  const { site, requester, policy } = context
  if (!requester.mayWait || requester.role !== 'leecher' || requester.row < 0 || site.trustedSeeds > 0)
    return false
  if (context.table.rows.leftKib(requester.row) < policy.standbyKibMin) return false
  if (requester.waitedMs === 0 ? site.leechers !== 2 : requester.waitedMs >= policy.standbyMs) return false
  return (
    live.length > 0 &&
    live.every((gateway) => gateway.row !== requester.row && hasShownNothing(context, gateway))
  )
}

/** True for a gateway that had an upstream for long enough, and has shown no piece. */
export function neverBegan(context: HandoutContext, gateway: Gateway): boolean {
  const { policy, nowMs } = context
  return nowMs - gateway.sinceMs >= policy.gatewayBeginMs && hasShownNothing(context, gateway)
}

/** Its bitfield has been seen, and is empty. */
function hasShownNothing({ table, nowMs }: HandoutContext, gateway: Gateway): boolean {
  return table.observed.get(gateway.row, nowMs)?.share === 0
}
