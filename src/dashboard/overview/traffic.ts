/** Bytes and copies that entered each site from each other one, summed over rollouts. */
import type { RolloutDetail } from '../api/responses.ts'

export interface Traffic {
  readonly sites: readonly string[]
  /** By `${to} ${from}`. */
  readonly cells: ReadonlyMap<string, { readonly bytes: number; readonly copies: number }>
}

/** Copies of several rollouts are their mean, weighted by size. */
export function trafficOf(rollouts: readonly RolloutDetail[]): Traffic {
  const cells = new Map<string, { bytes: number; sizes: number }>()
  const sites = new Set<string>()
  for (const { sizeBytes, sites: own } of rollouts)
    for (const { site: to, bytes } of own) {
      sites.add(to)
      for (const { site: from, bytes: received } of bytes.from) {
        const cell = cells.get(`${to} ${from}`) ?? { bytes: 0, sizes: 0 }
        cells.set(`${to} ${from}`, { bytes: cell.bytes + received, sizes: cell.sizes + sizeBytes })
        sites.add(from)
      }
    }
  return {
    sites: [...sites].toSorted(),
    cells: new Map(
      [...cells].map(([key, { bytes, sizes }]) => [key, { bytes, copies: sizes === 0 ? 0 : bytes / sizes }]),
    ),
  }
}
