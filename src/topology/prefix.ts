/**
 * One address prefix, as the operator writes it: `10.1.0.0/16`, `fd00:1::/48`.
 *
 * ip-cidr parses it, behind guards of our own: the library accepts host bits and `/08`, reads `1::2.2.3.4/32` as
 * the IPv4 prefix `2.2.3.4/32`, and makes `::ffff:10.0.0.0/104` a single address. Each of these would silently map
 * hosts to the wrong site, so each is rejected here with the right notation. Only its validation is used (4 µs a
 * prefix): its address ranges cost ten times that.
 */
import IPCIDR from 'ip-cidr'
import { Address, parseAddress } from '../core/address.ts'

export interface Prefix {
  /** As written in the file. */
  readonly text: string
  /** The first address. */
  readonly start: Address
  /** In the family of the prefix: 0 … 32, or 0 … 128. */
  readonly lengthBits: number
}

/** The reason why a text is not a prefix. */
export interface PrefixProblem {
  readonly what: string
  readonly hint: string
}

export function readPrefix(text: string): Prefix | PrefixProblem {
  const slash = text.indexOf('/')
  const host = slash < 0 ? text : text.slice(0, slash)
  const address = parseAddress(host)
  if (text.includes('%')) {
    return {
      what: 'a prefix with a zone',
      hint: 'link-local addresses differ from link to link and cannot be mapped; remove the prefix',
    }
  }
  if (/(?:^|\.)0\d/.test(host)) {
    return {
      what: 'a number with a leading zero',
      hint: 'some programs read it as octal; write it without the zero',
    }
  }
  if (slash < 0 || slash === text.length - 1) {
    if (address === undefined) return NO_PREFIX
    const bits = host.includes(':') ? 128 : 32
    return { what: 'the prefix length is missing', hint: `for this single address write ${host}/${bits}` }
  }
  if (address !== undefined && host.includes(':') && (address.isV4 || host.includes('.'))) {
    return mappedProblem(address, text.slice(slash + 1))
  }

  const lengthText = text.slice(slash + 1)
  if (address === undefined || !LENGTH.test(lengthText) || !IPCIDR.isValidCIDR(text)) {
    return lengthProblem(address, host, lengthText) ?? NO_PREFIX
  }
  const lengthBits = Number(lengthText)
  const start = firstAddress(address, lengthBits)
  if (!start.equals(address)) {
    return {
      what: `${text} has host bits set`,
      hint: `the prefix is ${start.toString()}/${lengthBits}; this single address is ${host}/${address.isV4 ? 32 : 128}`,
    }
  }
  return { text, start, lengthBits }
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

/** The address with all host bits cleared. */
function firstAddress(address: Address, lengthBits: number): Address {
  // An IPv4 address is in the last of the four words (core/address.ts).
  const bits = address.isV4 ? lengthBits + 96 : lengthBits
  const keep = (word: number, before: number) => {
    const bitsHere = Math.min(32, Math.max(0, bits - before))
    // A shift by 32 is a shift by 0.
    return bitsHere === 0 ? 0 : (word & (-1 << (32 - bitsHere))) >>> 0
  }
  return new Address(
    keep(address.word0, 0),
    keep(address.word1, 32),
    keep(address.word2, 64),
    keep(address.word3, 96),
  )
}

/** Decimal, no leading zero. */
const LENGTH = /^(?:0|[1-9]\d{0,2})$/

const NO_PREFIX: PrefixProblem = {
  what: 'expected an address prefix such as 10.1.0.0/16',
  hint: 'write a prefix such as 10.1.0.0/16 or fd00:1::/48',
}

function lengthProblem(
  address: Address | undefined,
  host: string,
  length: string,
): PrefixProblem | undefined {
  if (address === undefined) return undefined
  const bits = address.isV4 ? 32 : 128
  return {
    what: `${length} is not a prefix length`,
    hint: `write ${host}/0 to ${host}/${bits}`,
  }
}

/** An IPv4-mapped address is the IPv4 address everywhere in the program, so both stacks of a host are one address. */
function mappedProblem(address: Address, length: string): PrefixProblem {
  if (!address.isV4)
    return { what: 'an IPv6 prefix with a dotted tail', hint: `write it as ${address.toString()}/${length}` }
  const bits = Number(length) - 96
  return {
    what: 'an IPv4-mapped prefix',
    hint: `write the IPv4 prefix: ${address.toString()}/${bits >= 0 && bits <= 32 ? bits : 32}`,
  }
}
