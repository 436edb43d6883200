/** Source of connections and requests: an IPv4 address, or the /64 of an IPv6 address, all of which one host may have. */
import { type Address, parseAddress } from './address.ts'

/** `remoteAddress`: as Node reports it. */
export function sourceOf(remoteAddress: string): string {
  if (!remoteAddress.includes(':')) return remoteAddress
  const address = parseAddress(remoteAddress)
  return address === undefined ? remoteAddress : sourceOfAddress(address)
}

export function sourceOfAddress(address: Address): string {
  return address.isV4 ? address.toString() : `${address.word0} ${address.word1}`
}
