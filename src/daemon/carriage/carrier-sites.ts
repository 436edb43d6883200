/**
 * The sites between which the carriers of a node pass content on, as their process needs them: nodes to connect to, and
 * the cost between each two sites. A link with `carry: direct` has no cost, because nothing is fetched over it, unless one
 * of the two sites has gateways: nodes relay to it while it has lost its gateway.
 */
import type { CarrierCommand } from '../../carriers/process/messages.ts'
import { type Site, type Topology, UNMAPPED_SITE } from '../../topology/topology.ts'

type SitesCommand = Extract<CarrierCommand, { readonly kind: 'sites' }>

/** `own`: name of the node's site. `isFederated`: other sites have nodes of their own, which are dialled. */
export function carrierSites(topology: Topology, own: string, isFederated: boolean): SitesCommand {
  const { sites } = topology
  const ownSite = topology.siteNamed(own)
  const relayable = relayableSites(topology)
  const isPassed = (a: Site, b: Site) =>
    carriesBetween(topology, a, b) ||
    ((relayable.has(a.index) || relayable.has(b.index)) && Number.isFinite(topology.cost(a.index, b.index)))
  const isJoined = (site: Site) => ownSite !== undefined && site !== ownSite && isPassed(site, ownSite)
  const others = isFederated ? sites.filter((site) => site.federation.length > 0 && isJoined(site)) : []
  const costs: (readonly [string, string, number])[] = []
  for (const a of sites)
    for (const b of sites.slice(a.index + 1))
      if (isPassed(a, b)) costs.push([a.name, b.name, topology.cost(a.index, b.index)])
  return {
    kind: 'sites',
    sites: others.map(({ name, federation }) => ({ site: name, urls: federation })),
    hasOwnUrls: (ownSite?.federation.length ?? 0) > 0,
    isForAllSites: isForAllSites(topology, isFederated),
    costs,
  }
}

/** True for a node that is the only one of several sites. It may be in none of them. */
export function isForAllSites({ sites }: Topology, isFederated: boolean): boolean {
  return !isFederated && sites.filter(({ name }) => name !== UNMAPPED_SITE).length > 1
}

/**
 * True if this node carries for the clients of a site: its own, or each one where no site has nodes of its own. A site
 * whose links are all `carry: direct` has gateways; the only site of a topology has a carrier, which spreads the first copy.
 */
export function isCarriedHere(topology: Topology, site: Site, own: string, isFederated: boolean): boolean {
  return (!isFederated || site.name === own) && isCarried(topology, site)
}

function isCarried(topology: Topology, site: Site): boolean {
  const others = topology.sites.filter(({ name }) => name !== site.name && name !== UNMAPPED_SITE)
  return others.length === 0 || others.some((other) => carriesBetween(topology, site, other))
}

/** Indexes of the sites that have gateways, and to which nodes relay for a while when they lose one. */
export function relayableSites(topology: Topology): ReadonlySet<number> {
  const sites = topology.sites.filter((site) => site.name !== UNMAPPED_SITE && !isCarried(topology, site))
  return new Set(sites.map(({ index }) => index))
}

function carriesBetween(topology: Topology, a: Site, b: Site): boolean {
  return (
    a !== b &&
    Number.isFinite(topology.cost(a.index, b.index)) &&
    topology.carryOf(a.index, b.index) === 'nodes'
  )
}
