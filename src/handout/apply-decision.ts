/** Makes a decision true in the table: leases, introductions, upstreams. The one place that does. */
import type { Gateway } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { Decision } from './decision.ts'
import { turnRing } from './pick.ts'

export function applyDecision(table: SwarmTable, row: number, decision: Decision): void {
  for (const end of decision.leaseEnds) table.endLease(end.row, end.cause)
  if (decision.election !== undefined) table.grantLease(row)
  for (const change of decision.upstreams) {
    const gateway: Gateway | undefined = table.siteOf(change.gatewayRow).gatewayOf(change.gatewayRow)
    if (gateway === undefined) continue
    gateway.upstreamRow = change.upstreamRow
    if (change.failedRow >= 0 && !gateway.failedUpstreamRows.includes(change.failedRow))
      gateway.failedUpstreamRows.push(change.failedRow)
  }
  // Only what was really in the answer: a choice that had no room is met another time.
  const told = new Set(decision.choices.map((choice) => choice.row))
  for (const other of decision.introductions) if (told.has(other)) table.introductions.link(row, other)
  // The next one to ask looks at others first.
  for (const list of table.siteOf(row).lists) turnRing(table.rows, list)
}
