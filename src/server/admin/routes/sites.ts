/** Sites with their federation state: the node's own site, connected remote sites, and sites that this node answers for. */
import type { AdminContext } from '../admin-context.ts'
import { sitesSchema } from '../answers/sites.ts'
import type { ApiRoutes } from '../api-routes.ts'

type Context = Pick<AdminContext, 'topology' | 'table' | 'site' | 'federation'>

export function addSiteRoutes(routes: ApiRoutes, context: Context): void {
  routes.get(
    '/api/v1/sites',
    {
      schema: {
        summary: 'The state of this site and of the remote ones',
        response: { 200: sitesSchema },
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
