/**
 * One address prefix, as the operator writes it: `10.1.0.0/16`, `fd00:1::/48`.
 *
 * ip-cidr parses it, behind guards of our own: the library accepts host bits and `/08`, reads `1::2.2.3.4/32` as
 * the IPv4 prefix `2.2.3.4/32`, and makes `::ffff:10.0.0.0/104` a single address. Each of these would silently map
 * hosts to the wrong site, so each is rejected, and `prefix-notation.ts` finds the right notation. Only its validation is used (4 µs a
 * prefix): its address ranges cost ten times that.
 */
import IPCIDR from 'ip-cidr'
import { type Address, parseAddress } from '../core/address.ts'
import { firstAddress } from './address-range.ts'
import { explainPrefix, type PrefixProblem } from './prefix-notation.ts'

export interface Prefix {
  /** As written in the file. */
  readonly text: string
  /** The first address. */
  readonly start: Address
  /** In the family of the prefix: 0 … 32, or 0 … 128. */
  readonly lengthBits: number
}

export type { PrefixProblem } from './prefix-notation.ts'

/** `HOST/LENGTH`, the length in decimal without a leading zero. */
const WRITTEN = /^([\da-f.:]+)\/(0|[1-9]\d{0,2})$/i

export function readPrefix(text: string): Prefix | PrefixProblem {
  const [, host = '', length = ''] = WRITTEN.exec(text) ?? []
  const address = parseAddress(host)
  const isForeign = address === undefined || (host.includes(':') && (address.isV4 || host.includes('.')))
  if (isForeign || !IPCIDR.isValidCIDR(text)) return explainPrefix(text)
  const lengthBits = Number(length)
  return firstAddress(address, lengthBits).equals(address)
    ? { text, start: address, lengthBits }
    : explainPrefix(text)
}

export function isPrefixProblem(value: Prefix | PrefixProblem): value is PrefixProblem {
  return 'what' in value
}

/** Equal for prefixes that contain the same addresses, in any notation. */
export function prefixKey(prefix: Prefix): string {
  return `${prefix.start.toString()}/${prefix.lengthBits}`
}

/** Key of the prefix of `lengthBits` that contains a longer one. */
export function shorterKey(prefix: Prefix, lengthBits: number): string {
  return `${firstAddress(prefix.start, lengthBits).toString()}/${lengthBits}`
}

/** True if each address of `inner` is one of `outer`, also for equal prefixes. */
export function containsPrefix(outer: Prefix, inner: Prefix): boolean {
  return (
    outer.start.isV4 === inner.start.isV4 &&
    outer.lengthBits <= inner.lengthBits &&
    firstAddress(inner.start, outer.lengthBits).equals(outer.start)
  )
}

/** The order of the first addresses, a prefix before those inside it; IPv4 and IPv6 do not mix. */
export function comparePrefixes(a: Prefix, b: Prefix): number {
  return (
    Number(b.start.isV4) - Number(a.start.isV4) ||
    a.start.word0 - b.start.word0 ||
    a.start.word1 - b.start.word1 ||
    a.start.word2 - b.start.word2 ||
    a.start.word3 - b.start.word3 ||
    a.lengthBits - b.lengthBits
  )
}
