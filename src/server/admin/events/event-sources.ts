/** Entries of each kind of event. Large collections contribute as many entries as one page of their list has at most. */
import { formatInfoHash } from '../../../core/info-hash.ts'
import type { AdminContext } from '../admin-context.ts'
import { takePage } from '../page.ts'
import { describeNode } from '../routes/node.ts'
import { describeSites } from '../routes/sites.ts'
import { describeListed, swarmPosition } from '../routes/swarms.ts'
import { describeBriefly } from '../shown-torrent.ts'
import type { Entry, EventSources } from './event-feed.ts'
import { RolloutEntries } from './rollout-entries.ts'

/** A reading compares all of them. Clients read the rest of a collection from its list. */
const ENTRIES_MAX = 1_000

/** The largest swarms. */
const firstPage = { limit: ENTRIES_MAX, order: 'descending' } as const

export function eventSources(context: AdminContext): EventSources {
  const { table } = context
  const { registry } = context.torrents
  const rollouts = new RolloutEntries(context)
  return {
    node: async () => [['node', await describeNode(context)]],
    // The age changes at every reading.
    site: () => describeSites(context).map(({ ageSeconds: _age, ...site }): Entry => [site.site, site]),
    // The last registered ones, which are at the end of the list.
    torrent: async () => {
      const entries = await Promise.all(
        registry
          .list()
          .slice(-ENTRIES_MAX)
          .map(async (registration): Promise<Entry | undefined> => {
            const metadata = await registry.describe(registration)
            if (metadata === undefined) return undefined
            const torrent = describeBriefly(registration, metadata)
            return [torrent.infoHash, torrent]
          }),
      )
      return entries.filter((entry) => entry !== undefined)
    },
    rollout: () => rollouts.read(ENTRIES_MAX),
    swarm: async () => {
      const { items } = await takePage(table.swarms(), swarmPosition, firstPage)
      return items.map((swarm): Entry => [formatInfoHash(swarm.infoHash), describeListed(context, swarm)])
    },
  }
}
