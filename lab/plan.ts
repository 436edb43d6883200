/**
 * Sites, bubbles and hosts of one run, with their addresses.
 *
 * Pure: the network, the topology file and the table are derived from the same list. Addresses are
 * 10.<site>.<bubble>.<host>; 10.0.0.0/24 belongs to the trackers and 10.255.0.0/16 to the links between routers.
 */
import { assert } from '../src/core/assert.ts'

export interface LabShape {
  readonly sites: number
  /** Hosts in each site, the source included; `hostsOfSite` overrides it by site number. */
  readonly hosts: number
  readonly hostsOfSite: Readonly<Record<number, number>>
  readonly bubbles: number
  readonly carry: 'nodes' | 'direct'
  /** Nodes in each site, for the tracker that has nodes in each site. */
  readonly nodes: number
  /** Rate of each node's link in a site, each direction; not limited without it. */
  readonly nodeBitsPerSecond?: number
  /** Rate and hours of all links between sites, as in a topology file. */
  readonly linkRate?: string
  readonly linkHours?: string
}

export interface LabHost {
  /** Also the name of its network namespace. */
  readonly name: string
  readonly site: number
  readonly bubble: number
  readonly address: string
}

export const siteName = (site: number) => `s${site}`
export const bubbleName = (bubble: number) => `b${bubble}`
export const siteCidr = (site: number) => `10.${site}.0.0/16`
export const bubbleCidr = (site: number, bubble: number) => `10.${site}.${bubble}.0/24`
export const siteRouterAddress = (site: number) => `10.${site}.0.1`
/** Node n of a site, from 1. */
export const siteTrackerAddress = (site: number, node = 1) => `10.${site}.0.${9 + node}`
/** The laboratory's own address in the first site, assigned to the core. */
export const OBSERVER_ADDRESS = '10.1.255.254'
export const trackerAddress = (index: number) => `10.0.0.${10 + index}`

/** Site number of a host address; 0 for trackers and routers. */
export function siteOfAddress(address: string): number {
  const site = Number(address.split('.')[1])
  return site === 255 ? 0 : site
}

export function siteNumbers(shape: LabShape): number[] {
  return Array.from({ length: shape.sites }, (_, index) => index + 1)
}

export function planHosts(shape: LabShape): LabHost[] {
  assert(shape.sites >= 1 && shape.sites <= 200, 'the second octet of an address is its site')
  const hosts: LabHost[] = []
  for (const site of siteNumbers(shape)) {
    const count = shape.hostsOfSite[site] ?? shape.hosts
    const perBubble = Math.ceil(count / shape.bubbles)
    assert(perBubble <= 250, 'the last octet of an address is the host in its bubble')
    for (let index = 0; index < count; index++) {
      const bubble = Math.floor(index / perBubble) + 1
      const number = (index % perBubble) + 1
      hosts.push({
        name: `${siteName(site)}-${bubbleName(bubble)}-h${number}`,
        site,
        bubble,
        address: `10.${site}.${bubble}.${number}`,
      })
    }
  }
  return hosts
}
