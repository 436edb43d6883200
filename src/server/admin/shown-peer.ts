/** A peer in the form that all routes return. */
import * as z from 'zod'
import type { Role } from '../../swarm/peer-state.ts'
import type { AdminContext } from './admin-context.ts'
import { bubbleName, siteName } from './answer-fields.ts'

export const ROLES = ['leecher', 'seed', 'partial'] as const satisfies readonly Role[]

export const peerFields = {
  address: z.string(),
  port: z.int().min(0).max(65_535),
  site: siteName(),
  bubble: bubbleName(),
  role: z.enum(ROLES).describe('As announced; a seed that lacks pieces still has the role seed.'),
}

export const peerSchema = z.object(peerFields)

export function describePeer(context: Pick<AdminContext, 'topology' | 'table'>, row: number) {
  const { rows } = context.table
  const place = context.topology.value.places[rows.place(row)]
  return {
    address: rows.address(row).toString(),
    port: rows.port(row),
    site: place?.site.name ?? null,
    bubble: place?.bubble ?? null,
    role: context.table.roleOf(row),
  }
}
