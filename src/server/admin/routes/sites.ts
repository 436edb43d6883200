/** Sites with their federation state: the node's own site, connected remote sites, and sites that this node answers for. */
import type { FastifyInstance } from 'fastify'
import type { AdminContext } from '../admin-context.ts'

export function addSiteRoutes(
  routes: FastifyInstance,
  {
    topology,
    table,
    site: ownSite,
    federation,
  }: Pick<AdminContext, 'topology' | 'table' | 'site' | 'federation'>,
): void {
  routes.get('/api/v1/sites', async () => {
    const remotes = new Map((federation?.remotes() ?? []).map((remote) => [remote.site, remote]))
    return {
      sites: topology.value.sites.map((site) => {
        const remote = remotes.get(site.name)
        return {
          name: site.name,
          region: site.region ?? null,
          isOwn: site.name === ownSite,
          /** `here`: this node answers for the site. `up`, `stale`, `down`: liveness of the site's own nodes. */
          state: remote?.state ?? 'here',
          since: remote === undefined ? null : new Date(remote.sinceMs).toISOString(),
          reason: remote?.reason ?? null,
          ageSeconds: remote?.ageSeconds ?? null,
          topologyHash: site.name === ownSite ? topology.value.hash : (remote?.topologyHash ?? null),
          torrents:
            remote === undefined || remote.state === 'down' ? swarmsHere(site.index) : remote.torrents,
        }
      }),
    }
  })

  function swarmsHere(siteIndex: number): number {
    return table.placeCounts.ofSite(siteIndex).swarms
  }
}
