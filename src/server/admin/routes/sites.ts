/** Sites with their federation state: the node's own site, connected remote sites, and sites that this node answers for. */
import * as z from 'zod'
import type { AdminContext } from '../admin-context.ts'
import { time } from '../answer-fields.ts'
import type { ApiRoutes } from '../api-routes.ts'
import { CONNECTION_STATES } from './federation.ts'

type Context = Pick<AdminContext, 'topology' | 'table' | 'site' | 'federation'>

const siteSchema = z.object({
  site: z.string(),
  region: z.string().nullable(),
  isOwn: z.boolean().describe('True for the site of this node.'),
  state: z
    .enum(['here', ...CONNECTION_STATES])
    .describe("here: this node answers for the site. up, stale, down: liveness of the site's own nodes."),
  since: time().nullable().describe('Time of the last change of state.'),
  reason: z.string().nullable(),
  ageSeconds: z.number().nullable().describe('Time since the last message of the site.'),
  topologyHash: z.string().nullable(),
  torrents: z.int().describe('Torrents with peers in the site.'),
})

export function addSiteRoutes(routes: ApiRoutes, context: Context): void {
  routes.get(
    '/api/v1/sites',
    {
      schema: {
        summary: 'The state of this site and of the remote ones',
        response: { 200: z.object({ sites: z.array(siteSchema) }) },
      },
    },
    async () => ({ sites: describeSites(context) }),
  )
}

export function describeSites({ topology, table, site: ownSite, federation }: Context) {
  const remotes = new Map((federation?.remotes() ?? []).map((remote) => [remote.site, remote]))
  return topology.value.sites.map((site) => {
    const remote = remotes.get(site.name)
    return {
      site: site.name,
      region: site.region ?? null,
      isOwn: site.name === ownSite,
      state: remote?.state ?? ('here' as const),
      since: remote === undefined ? null : new Date(remote.sinceMs).toISOString(),
      reason: remote?.reason ?? null,
      ageSeconds: remote?.ageSeconds ?? null,
      topologyHash: site.name === ownSite ? topology.value.hash : (remote?.topologyHash ?? null),
      torrents:
        remote === undefined || remote.state === 'down'
          ? table.placeCounts.ofSite(site.index).swarms
          : remote.torrents,
    }
  })
}
