/**
 * Which address is where, and how far apart two sites are: what everybody else needs to know of the topology
 * file. Immutable; a reload makes a new one, and whoever stores a place index re-maps it.
 */
import type { Address } from '../core/address.ts'

/** The bubble of addresses that are in a site but in none of its bubbles. */
export const NO_BUBBLE = '-'

/** The site of unmapped addresses under `unmapped: isolate`. */
export const UNMAPPED_SITE = 'unmapped'

export interface Site {
  readonly index: number
  readonly name: string
  readonly region: string | undefined
  /** Own trackers of the site, in file order. */
  readonly trackers: readonly string[]
  /** Admin listeners of the site's nodes, for federation. */
  readonly federation: readonly string[]
  /** `auto`, or a fixed number of gateways for each torrent, 1 … 16. */
  readonly gateways: 'auto' | number
  /** Places of this site; the first is the bubble `-`. */
  readonly places: readonly Place[]
}

/** One bubble of one site. */
export interface Place {
  readonly index: number
  readonly site: Site
  readonly bubble: string
  /** Own trackers of the bubble; empty where it uses the site's. */
  readonly trackers: readonly string[]
}

export interface PrefixMatch {
  readonly place: Place
  /** As in the file, such as `10.1.1.0/24`. undefined where `unmapped` decided. */
  readonly prefix: string | undefined
}

export interface Topology {
  readonly sites: readonly Site[]
  readonly places: readonly Place[]
  readonly unmapped: string
  /** Trackers of the fallback tier for peers of `site`, nearest first. */
  fallbackTrackers(site: Site): readonly string[]
  /** The place index of an address: longest prefix wins. -1 where nothing matches and `unmapped` is `refuse`. */
  locate(address: Address): number
  /** The same for people, with the prefix that matched. */
  match(address: Address): PrefixMatch | undefined
  /** 0 inside a site; Infinity between the site of isolated addresses and any other. Symmetric. */
  cost(siteIndexA: number, siteIndexB: number): number
  siteNamed(name: string): Site | undefined
}
