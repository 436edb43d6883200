/** Identifies a peer across a wait, in which its row may be reused. */
import type { Address } from '../core/address.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'

export interface Endpoint {
  readonly address: Address
  readonly port: number
}

export function endpointOf(table: SwarmTable, row: number): Endpoint {
  return { address: table.rows.address(row), port: table.rows.port(row) }
}
