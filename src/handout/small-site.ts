/**
 * How the first leechers of a site meet, where the clients hang up on whoever finishes.
 *
 * libtorrent drops a neighbour that becomes complete before its last HAVE arrives, and neither side reconnects for a
 * minute. Only a peer it has never met still gets the last piece to it, and among two, three or four who all know each
 * other there is none. So the second leecher of a site meets nobody: it is the stranger to whom the first one, once
 * complete, gives everything, and who has the last piece for the third. From the fourth on strangers remain anyway.
 *
 * Measured with sites of two and three hosts and 48 MiB: the last host at 8.5 s instead of 67 s (docs/measurements.md).
 */
import { LEFT_UNKNOWN } from '../swarm/peer-rows.ts'
import type { Situation } from './decision.ts'

/** `reserve`: nobody but a free seed. `chain`: nobody who is in reserve. `graph`: as in any site. */
export type Opening = 'reserve' | 'chain' | 'graph'

/** A row of four has a stranger for everybody, so from there on the site is joined as any other. */
const CHAIN_LEECHERS = 3

export function openingOf({ table, site, asker, policy }: Situation): Opening {
  if (!asker.dropsFinishers || asker.row < 0 || site.needy < 2 || site.needy > CHAIN_LEECHERS) return 'graph'
  const { rows } = table
  // Only as it begins: whoever comes back without anybody has waited long enough.
  if (rows.stalls(asker.row) > 0 || table.introductions.count(asker.row) > 0) return 'graph'
  const leftKib = rows.leftKib(asker.row)
  if (leftKib === LEFT_UNKNOWN || leftKib > policy.reserveKibMax) return 'graph'
  return site.needy === 2 ? 'reserve' : 'chain'
}
