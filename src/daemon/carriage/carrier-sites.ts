/**
 * The sites between which the carriers of a node pass content on, as their process needs them: nodes to connect to, and
 * the cost between each two sites.
 */
import type { CarrierCommand } from '../../carriers/process/messages.ts'
import type { Site, Topology } from '../../topology/topology.ts'

type SitesCommand = Extract<CarrierCommand, { readonly kind: 'sites' }>

/** `own`: name of the node's site. `isFederated`: other sites have nodes of their own, which are dialled. */
export function carrierSites(topology: Topology, own: string, isFederated: boolean): SitesCommand {
  const { sites } = topology
  const others = isFederated
    ? sites.filter(({ name, federation }) => name !== own && federation.length > 0)
    : []
  const costs: (readonly [string, string, number])[] = []
  for (const a of sites)
    for (const b of sites.slice(a.index + 1)) {
      const cost = topology.cost(a.index, b.index)
      if (Number.isFinite(cost)) costs.push([a.name, b.name, cost])
    }
  return {
    kind: 'sites',
    sites: others.map(({ name, federation }) => ({ site: name, urls: federation })),
    hasOwnUrls: (topology.siteNamed(own)?.federation.length ?? 0) > 0,
    costs,
  }
}

/** True if this node carries for the clients of a site. A node without federation is the node of all sites. */
export function isCarriedHere(site: Site, own: string, isFederated: boolean): boolean {
  return !isFederated || site.name === own
}
