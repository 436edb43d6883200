/**
 * Addresses that only this machine or its cloud reaches: loopback, link-local, and the metadata services of clouds, which
 * give the credentials of the machine to every request.
 *
 * Threat: the server of an origin, or a program in its path, redirects the node to such an address, and a client of the web seed
 * receives the response.
 */
import { type Address, parseAddress } from '../core/address.ts'

/** The metadata services outside of the link-local ranges: of Alibaba Cloud, of Oracle Cloud, and of AWS over IPv6. */
const METADATA = ['100.100.100.200', '192.0.0.192', 'fd00:ec2::254'].map(parseAddress)

export function isInternal(address: Address): boolean {
  if (address.isLoopback || address.isLinkLocal) return true
  if (address.isV4) {
    // 0.0.0.0/8 is this machine to Linux, and 169.254.0.0/16 is link-local.
    if (address.word3 >>> 24 === 0 || address.word3 >>> 16 === 0xa9fe) return true
  } else if (address.word0 === 0 && address.word1 === 0 && address.word2 === 0 && address.word3 === 0) {
    return true
  }
  return METADATA.some((each) => each?.equals(address) === true)
}
