/** A peer in the form that all routes return. */
import type { AdminContext } from './admin-context.ts'

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
