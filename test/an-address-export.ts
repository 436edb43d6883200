/**
 * A topology as a script makes it of a cloud provider's list of addresses: a site for each region, a prefix once for each
 * service that uses it, prefixes of one region inside those of another. Sizes and shares are those of the largest public
 * lists.
 */
import { SeededRandom } from '../src/core/random.ts'

export interface AddressExport {
  readonly text: string
  readonly prefixes: number
  /** Prefixes that are repeated in their own region. */
  readonly repeated: number
}

const SERVICES_MAX = 3
const NESTED_SHARE = 0.01
const IPV6_SHARE = 0.2

export function anAddressExport({ sites = 41, prefixes = 13_000, seed = 1 } = {}): AddressExport {
  const random = new SeededRandom(seed)
  const chance = (share: number) => random.below(1_000_000) < share * 1_000_000
  const lists: string[][] = Array.from({ length: sites }, () => [])
  let listed = 0
  let repeated = 0
  let block = 0
  while (listed < prefixes) {
    const site = random.below(sites)
    block++
    const [outer, inner] = chance(IPV6_SHARE) ? ipv6Block(block) : ipv4Block(block)
    const services = 1 + random.below(SERVICES_MAX)
    for (let service = 0; service < services && listed < prefixes; service++) {
      lists[site]!.push(outer)
      listed++
      if (service > 0) repeated++
    }
    if (listed < prefixes && chance(NESTED_SHARE)) {
      lists[(site + 1) % sites]!.push(inner)
      listed++
    }
  }
  const text = lists
    .map(
      (cidrs, site) =>
        `  region-${site}:\n    cidrs:\n${cidrs.map((cidr) => `      - "${cidr}"\n`).join('')}`,
    )
    .join('')
  return { text: `sites:\n${text}`, prefixes, repeated }
}

/** Disjoint blocks of 16 addresses from 16.0.0.0 on, and a smaller one in each. */
function ipv4Block(block: number): [string, string] {
  const octets = (start: number) =>
    [start >>> 24, (start >>> 16) & 255, (start >>> 8) & 255, start & 255].join('.')
  const start = 0x1000_0000 + block * 16
  return [`${octets(start)}/28`, `${octets(start + 4)}/30`]
}

function ipv6Block(block: number): [string, string] {
  const start = `2600:${(block >>> 16).toString(16)}:${(block & 0xffff).toString(16)}`
  return [`${start}::/48`, `${start}:8000::/49`]
}
