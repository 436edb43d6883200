/**
 * The topology in memory: the place of each address, and the cost between sites. Immutable; a reload creates a new
 * one, and code that stores place indexes re-maps them.
 */
import type { Address } from '../core/address.ts'
import type { Prefix } from './prefix.ts'
import type { LinkHours } from './link-hours.ts'

/** Bubble of addresses that are in a site but in none of its bubbles. */
export const NO_BUBBLE = '-'

/** Site of unmapped addresses under `unmapped: isolate`. */
export const UNMAPPED_SITE = 'unmapped'

export interface Site {
  readonly index: number
  readonly name: string
  readonly region: string | undefined
  /** Trackers of the site, in file order. */
  readonly trackers: readonly string[]
  /** Admin listeners of the site's nodes, for federation. */
  readonly federation: readonly string[]
  /** `auto`, or a fixed number of gateways for each torrent, 1 … 16. */
  readonly gateways: 'auto' | number
  /** Hosts that are expected to download a torrent; undefined if the file has no number. */
  readonly expect?: number | undefined
  /** People who operate its network; undefined if the file names none. */
  readonly contact?: string | undefined
  /** Places of this site; the first is the bubble `-`. */
  readonly places: readonly Place[]
}

/** One bubble of one site. */
export interface Place {
  readonly index: number
  readonly site: Site
  readonly bubble: string
  /** Trackers of the bubble; empty if it uses those of the site. */
  readonly trackers: readonly string[]
  /** As `Site.expect`, for the bubble. */
  readonly expect?: number | undefined
}

export interface PrefixMatch {
  readonly place: Place
  /** As in the file, such as `10.1.1.0/24`. undefined if `unmapped` decided. */
  readonly prefix: string | undefined
}

/** Transport of content between two sites: by their nodes, or by hosts alone. */
export type Carry = 'nodes' | 'direct'

/** The link between two sites. Both directions are alike. */
export interface SiteLink {
  readonly carry: Carry
  /** Bytes per second in each direction, over all nodes of the sending site. undefined: not limited. */
  readonly rate: number | undefined
  /** undefined: open at all hours. */
  readonly hours: LinkHours | undefined
  /** People who operate it; undefined if the file names none. */
  readonly contact?: string | undefined
}

export interface Topology {
  readonly sites: readonly Site[]
  readonly places: readonly Place[]
  readonly unmapped: string
  /** The prefixes of all sites and bubbles, each once. */
  readonly prefixes: readonly Prefix[]
  /** Equal for topologies of the same meaning: `topology-hash.ts`. */
  readonly hash: string
  /** Trackers of the fallback tier for peers of `site`, nearest first. */
  fallbackTrackers(site: Site): readonly string[]
  /** Place index of an address: the longest prefix wins. -1 if no prefix contains it and `unmapped` is `refuse`. */
  locate(address: Address): number
  /** The same for display, with the prefix that matched. */
  match(address: Address): PrefixMatch | undefined
  /** 0 inside a site; Infinity between the site of isolated addresses and any other. Symmetric. */
  cost(siteIndexA: number, siteIndexB: number): number
  /** The link between two sites, or `INSIDE_SITE` for one site. */
  linkOf(siteIndexA: number, siteIndexB: number): SiteLink
  /** `linkOf(…).carry`. */
  carryOf(siteIndexA: number, siteIndexB: number): Carry
  siteNamed(name: string): Site | undefined
}

/** Content inside a site: carried by its nodes, at any time and rate. */
export const INSIDE_SITE: SiteLink = { carry: 'nodes', rate: undefined, hours: undefined }

/**
 * With `gateways: auto`. Two fetched 1.5 copies, four 2.0 and more, where the link between the sites is the limit; and
 * where a host's own link is, several are not faster: docs/decisions/0016-one-gateway-large-sites.md.
 */
const GATEWAYS_AUTO = 1

/** The largest number of gateways that a site may have for one torrent. */
export function gatewaysMax(topology: Topology, siteIndex: number): number {
  const wanted = topology.sites[siteIndex]?.gateways ?? 'auto'
  return wanted === 'auto' ? GATEWAYS_AUTO : wanted
}
