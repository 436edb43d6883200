/** Applies a handout decision to the swarm table: leases, introductions, upstreams, and the metrics of it. */
import { treeRank } from '../handout/tree-rank.ts'
import type { TrackerMetrics } from '../core/tracker-metrics.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { Topology } from '../topology/topology.ts'
import type { Decision } from '../handout/decision.ts'
import { rotate } from '../handout/pick.ts'

/** The part that applies whether or not the requester becomes a gateway: leases that ended. */
export function endLeases(table: SwarmTable, decision: Pick<Decision, 'leaseEnds'>, nowMs: number): void {
  for (const { row, cause } of decision.leaseEnds) {
    const lease = table.leaseOf(row)
    table.leases.end(lease, cause, table.leases.nextVersion(lease, nowMs, true))
  }
}

/** The rest, after `endLeases`. Returns the gateways of other sites whose upstream changed. */
export function applyDecision(table: SwarmTable, row: number, decision: Decision, nowMs: number): number[] {
  if (decision.election !== undefined) table.leases.grantNow(table.leaseOf(row), nowMs)
  const changed: number[] = []
  for (const { gatewayRow, upstreamRow, failedRow } of decision.upstreams) {
    const lease = table.leaseOf(gatewayRow)
    const gateway = lease.site.gatewayOf(gatewayRow)
    if (gateway === undefined) continue
    const upstream = { row: upstreamRow, announcedAtMs: table.rows.lastSeenMs(upstreamRow, nowMs) }
    table.leases.assignUpstream(lease, gateway, upstream, table.leases.nextVersion(lease, nowMs, false))
    if (failedRow >= 0) table.leases.addFailedUpstream(lease, gateway, failedRow)
    if (gatewayRow !== row) changed.push(gatewayRow)
  }
  // Only the peers of the response are introduced; a choice that had no room is introduced by a later one.
  for (const other of decision.introductions)
    if (decision.choices.some((choice) => choice.row === other)) table.introductions.link(row, other)
  // The next requester gets other peers first.
  for (const list of table.siteOf(row).lists) rotate(table.rows, list)
  return changed
}

/** Gives a gateway its rank in the tree over the sites, before any other node learns of it. */
export function rankGateway(table: SwarmTable, topology: Topology, row: number, nowMs: number): void {
  const gateway = table.siteOf(row).gatewayOf(row)
  if (gateway !== undefined && gateway.treeRank === 0)
    table.leases.setTreeRank(gateway, treeRank(topology, table.swarmOf(row), table.siteIndexOf(row), nowMs))
}

/** Adds one response to the metrics: elections, rescues, and peers handed out by locality. */
export function countDecision(metrics: TrackerMetrics, decision: Decision, siteIndex: number): void {
  if (decision.election !== undefined) metrics.election(siteIndex, decision.election)
  if (decision.isRescue) metrics.rescue(siteIndex)
  let bubble = 0
  let remote = 0
  for (const { locality } of decision.choices) {
    if (locality === 'bubble') bubble++
    else if (locality === 'remote') remote++
  }
  metrics.handout(siteIndex, 'bubble', bubble)
  metrics.handout(siteIndex, 'site', decision.choices.length - bubble - remote)
  metrics.handout(siteIndex, 'remote', remote)
}
