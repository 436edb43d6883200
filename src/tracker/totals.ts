/** The counts of a torrent in responses and scrapes: its clients at all sites. */
import type { ScrapeCounts } from '../core/announce.ts'
import type { Swarm } from '../swarm/swarm.ts'
import type { TrackerComponents } from './tracker-components.ts'

/** `swarm`: of this infohash; undefined if this node has no peers of it. */
export function totalsOf(
  { table, remote }: Pick<TrackerComponents, 'table' | 'remote'>,
  infoHash: Buffer,
  swarm: Swarm | undefined,
): ScrapeCounts {
  const seeds = swarm?.seedClients ?? 0
  const leechers = swarm?.leecherClients ?? 0
  const partial = swarm?.partialClients ?? 0
  const others = remote?.totals(infoHash)
  return {
    complete: seeds + (others?.seeds ?? 0),
    downloaded: (swarm?.downloaded ?? table.completions.get(infoHash).count) + (others?.downloaded ?? 0),
    downloaders: leechers + (others?.leechers ?? 0),
    incomplete: leechers + partial + (others?.leechers ?? 0) + (others?.partial ?? 0),
  }
}
