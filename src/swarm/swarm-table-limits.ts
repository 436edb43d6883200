/** Size of a swarm table. */
import { assert } from '../core/assert.ts'
import { PEERS_MAX, SWARMS_MAX } from '../core/limits.ts'
import { ROWS_MAX } from './row-index.ts'

export interface SwarmTableLimits {
  readonly peersMax: number
  readonly swarmsMax: number
}

export const swarmTableLimits: SwarmTableLimits = { peersMax: PEERS_MAX, swarmsMax: SWARMS_MAX }

assert(PEERS_MAX <= ROWS_MAX, 'an index entry can name each row')
