/**
 * The address at which clients of the site connect to the carriers of this node (`listen.peers`), which announces hand
 * out as a peer.
 *
 * A specific address of the configuration is that address. Of all addresses of the machine, it is the one that the
 * topology maps to the node's own site, or else the one to which the client sent its announce.
 */
import { networkInterfaces } from 'node:os'
import { type Address, parseAddress } from '../../core/address.ts'
import type { Arrival } from '../../core/announce.ts'
import type { Topology } from '../../topology/topology.ts'

/** Addresses of the machine. Read when the node starts. */
export function machineAddresses(): Address[] {
  return Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ internal }) => !internal)
    .flatMap(({ address }) => parseAddress(address) ?? [])
    .filter((address) => !address.isLinkLocal)
}

/** The first address of each family that clients of the site reach. `host`: of the configuration. */
export function peersAddresses(
  host: string,
  machine: readonly Address[],
  topology: Topology,
  siteName: string,
): Address[] {
  const specific = specificAddress(host)
  if (specific !== undefined) return [specific]
  const site = topology.siteNamed(siteName)?.index
  const own = machine.filter((address) => topology.places[topology.locate(address)]?.site.index === site)
  return [true, false].flatMap((isV4) => own.find((address) => address.isV4 === isV4) ?? [])
}

/** The address to which a client connected, for a client of that family. */
export function arrivalAddress(arrival: Arrival | undefined, isV4: boolean): Address | undefined {
  const text = arrival?.localAddress
  const address = text === undefined ? undefined : parseAddress(text)
  return address === undefined || address.isV4 !== isV4 || address.isLinkLocal ? undefined : address
}

function specificAddress(host: string): Address | undefined {
  const address = parseAddress(host)
  return address === undefined || ANY.includes(address.toString()) ? undefined : address
}

const ANY = ['0.0.0.0', '::']
