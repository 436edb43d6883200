/**
 * Explains a text that is not a prefix: the notation it is written in, and the same addresses as prefixes.
 *
 * Address plans come from spreadsheets, firewalls, cloud exports and router configurations, each with a notation of its
 * own. The file has one notation, so that each prefix can be compared and found; a text in another one is rejected with
 * the text to write instead, where that is unambiguous.
 */
import { type Address, parseAddress } from '../core/address.ts'
import { type Block, blocksOfRange, firstAddress, numberOf } from './address-range.ts'

/** The reason why a text is not a prefix. */
export interface PrefixProblem {
  /** Equal for problems of the same notation. */
  readonly kind: string
  readonly what: string
  readonly hint: string
}

export function explainPrefix(text: string): PrefixProblem {
  for (const explain of NOTATIONS) {
    const problem = explain(text)
    if (problem !== undefined) return problem
  }
  return {
    kind: 'prefix',
    what: 'expected an address prefix such as 10.1.0.0/16',
    hint: 'write a prefix such as 10.1.0.0/16 or fd00:1::/48',
  }
}

type Explain = (text: string) => PrefixProblem | undefined

/** The first one that recognizes the text explains it. */
const NOTATIONS: readonly Explain[] = [
  several,
  range,
  spaceAround,
  brackets,
  zone,
  leadingZero,
  wildcard,
  mask,
  mapped,
  dottedTail,
  lengthMissing,
  lengthWrong,
  hostBits,
  abbreviated,
  hostName,
]

/** `10.1.0.0/16, 10.2.0.0/16` or the same with spaces, in one text. */
function several(text: string): PrefixProblem | undefined {
  const parts = text.split(/[\s,;]+/).filter((part) => part !== '')
  if (parts.length < 2 || !parts.every((part) => /^[\da-f.:]+\/\d+$/i.test(part))) return undefined
  return {
    kind: 'prefix-list',
    what: `${parts.length} prefixes in one text`,
    hint: `write each as an item of the list: [${parts.join(', ')}]`,
  }
}

/** `10.1.0.0-10.1.255.255`, also with spaces or dashes of a word processor, and `10.1.0.0-255`. */
function range(text: string): PrefixProblem | undefined {
  const [from = '', to = '', more] = text.split(/\s*[-–—]\s*/)
  const first = parseAddress(from.trim())
  if (first === undefined || to === '' || more !== undefined) return undefined
  const isOctet = first.isV4 && /^\d{1,3}$/.test(to.trim())
  const last = parseAddress(isOctet ? from.trim().replace(/\d+$/, to.trim()) : to.trim())
  if (last === undefined || last.isV4 !== first.isV4) return undefined
  const problem = (hint: string) => ({ kind: 'prefix-range', what: `${text} is an address range`, hint })
  if (numberOf(last) < numberOf(first))
    return problem('it ends before it starts; correct it and write prefixes')
  return problem(`write ${listed(blocksOfRange(first, last))}`)
}

function spaceAround(text: string): PrefixProblem | undefined {
  const without = text.replaceAll(/\s+/g, '')
  if (without === text || !/^[\da-f.:]+\/\d+$/i.test(without)) return undefined
  return { kind: 'prefix-space', what: 'a space in a prefix', hint: `write ${without}` }
}

function brackets(text: string): PrefixProblem | undefined {
  const match = /^\[([\da-f.:]+)(?:\](\/\d+)?|(\/\d+)\])$/i.exec(text)
  if (match === null) return undefined
  const length = match[2] ?? match[3] ?? '/128'
  return { kind: 'prefix-brackets', what: 'a prefix in brackets', hint: `write ${match[1]}${length}` }
}

/** A link-local prefix is on every link, so it cannot tell sites apart. */
function zone(text: string): PrefixProblem | undefined {
  const match = /^([\da-f.:]+)%[^/]*(\/\d+)?$/i.exec(text)
  const address = parseAddress(match?.[1] ?? '')
  if (match === null || address === undefined) return undefined
  const hint = address.isLinkLocal
    ? 'link-local addresses differ from link to link and cannot be mapped; remove the prefix'
    : `write ${match[1]}${match[2] ?? '/128'}`
  return { kind: 'prefix-zone', what: 'a prefix with a zone', hint }
}

/** `010.1.0.0` is 10.1.0.0 for some programs and 8.1.0.0 for others, so both are named. */
function leadingZero(text: string): PrefixProblem | undefined {
  const match = /^(\d+(?:\.\d+){3})(\/\d+)?$/.exec(text)
  if (match === null || !/(?:^|\.)0\d/.test(text)) return undefined
  const octets = (match[1] ?? '').split('.')
  const length = (match[2] ?? '/32').replace(/^\/0+(?=\d)/, '/')
  const decimal = octets.map(Number).join('.')
  const octal = octets
    .map((octet) => (/^0[0-7]+$/.test(octet) ? parseInt(octet, 8) : Number(octet)))
    .join('.')
  if (parseAddress(decimal) === undefined) return undefined
  return {
    kind: 'prefix-leading-zero',
    what: 'a number with a leading zero',
    hint:
      octal === decimal || /(?:^|\.)0\d*[89]/.test(text)
        ? `write ${decimal}${length}`
        : `write ${decimal}${length}, or ${octal}${length} if it is octal`,
  }
}

/** `10.1.*.*`, `10.1.*`, `10.1.x.x`. */
function wildcard(text: string): PrefixProblem | undefined {
  const parts = text.split('.')
  const isWild = (part: string) => /^[*x]$/i.test(part)
  const isNumber = (part: string) => /^\d{1,3}$/.test(part) && Number(part) <= 255
  if (parts.length > 4 || !parts.some(isWild) || !parts.every((part) => isWild(part) || isNumber(part)))
    return undefined
  const fixed = parts.slice(0, parts.findIndex(isWild))
  const what = `${text} has a wildcard`
  if (parts.slice(fixed.length).some(isNumber))
    return {
      kind: 'prefix-wildcard',
      what,
      hint: 'a prefix covers one contiguous block; write one prefix for each block',
    }
  const octets = [...fixed.map(Number), 0, 0, 0, 0].slice(0, 4)
  return { kind: 'prefix-wildcard', what, hint: `write ${octets.join('.')}/${8 * fixed.length}` }
}

/** `10.1.0.0/255.255.0.0`, `10.1.0.0 255.255.0.0`, the wildcard mask `0.0.255.255` of routers, and IPv6 netmasks. */
function mask(text: string): PrefixProblem | undefined {
  const [host = '', maskText = '', more] = text.trim().split(/\s*\/\s*|\s+(?:netmask\s+|mask\s+)?/)
  const address = parseAddress(host)
  const bits = parseAddress(maskText)
  if (address === undefined || bits === undefined || more !== undefined || address.isV4 !== bits.isV4)
    return undefined
  const width = address.isV4 ? 32 : 128
  const number = numberOf(bits)
  const inverted = (1n << BigInt(width)) - 1n - number
  // 0.0.0.0 is the netmask of everything; a wildcard mask has its ones at the end.
  const isNetmask = isRunOfOnes(inverted)
  if (!isNetmask && !isRunOfOnes(number))
    return {
      kind: 'prefix-mask',
      what: `${maskText} is not a contiguous netmask`,
      hint: 'a prefix covers one contiguous block; write one prefix for each block',
    }
  const maskedBits = bitLength(isNetmask ? inverted : number)
  return {
    kind: isNetmask ? 'prefix-netmask' : 'prefix-wildcard-mask',
    what: `${maskText} is a ${isNetmask ? 'netmask' : 'wildcard mask'}, not a prefix length`,
    hint: `write ${blockAt(address, width - maskedBits)}`,
  }
}

/** An IPv4-mapped address is the IPv4 address everywhere in the program, so both stacks of a host are one address. */
function mapped(text: string): PrefixProblem | undefined {
  const [host = '', length = '', more] = text.split('/')
  const address = parseAddress(host)
  if (address === undefined || !address.isV4 || !host.includes(':') || more !== undefined) return undefined
  const written = length === '' ? 128 : Number(length)
  // A length up to 32 is meant for the IPv4 part.
  const lengthBits = written <= 32 ? written : written - 96
  return {
    kind: 'prefix-mapped',
    what: 'an IPv4-mapped prefix',
    hint:
      lengthBits >= 0 && lengthBits <= 32
        ? `write the IPv4 prefix: ${blockAt(address, lengthBits)}`
        : `write the IPv4 prefix, ${address.toString()}/0 to ${address.toString()}/32`,
  }
}

/** `1::10.0.0.1/32`: other readers treat it as an IPv4 prefix. */
function dottedTail(text: string): PrefixProblem | undefined {
  const [host = '', length = ''] = text.split('/')
  const address = parseAddress(host)
  if (address === undefined || !host.includes(':') || !host.includes('.')) return undefined
  const lengthBits = length === '' ? 128 : Number(length)
  return {
    kind: 'prefix-dotted-tail',
    what: 'an IPv6 prefix with a dotted tail',
    hint: lengthBits <= 128 ? `write ${blockAt(address, lengthBits)}` : `write ${address.toString()}/128`,
  }
}

function lengthMissing(text: string): PrefixProblem | undefined {
  const host = text.replace(/\/$/, '')
  const address = parseAddress(host)
  if (address === undefined) return undefined
  return {
    kind: 'prefix-length-missing',
    what: 'the prefix length is missing',
    hint: `for this single address write ${host}/${address.isV4 ? 32 : 128}`,
  }
}

const LENGTH = /^(?:0|[1-9]\d{0,2})$/

function lengthWrong(text: string): PrefixProblem | undefined {
  const slash = text.indexOf('/')
  const host = text.slice(0, Math.max(0, slash))
  const length = text.slice(slash + 1)
  const address = parseAddress(host)
  if (address === undefined) return undefined
  const width = address.isV4 ? 32 : 128
  if (LENGTH.test(length) && Number(length) <= width) return undefined
  const unpadded = length.replace(/^0+(?=\d)/, '')
  return {
    kind: 'prefix-length',
    what: `${length} is not a prefix length`,
    hint:
      LENGTH.test(unpadded) && Number(unpadded) <= width
        ? `write ${blockAt(address, Number(unpadded))}`
        : `write ${host}/0 to ${host}/${width}`,
  }
}

function hostBits(text: string): PrefixProblem | undefined {
  const [host = '', length = ''] = text.split('/')
  const address = parseAddress(host)
  if (address === undefined) return undefined
  const start = firstAddress(address, Number(length))
  if (start.equals(address)) return undefined
  return {
    kind: 'prefix-host-bits',
    what: `${text} has host bits set`,
    hint: `the prefix is ${start.toString()}/${length}; this single address is ${host}/${address.isV4 ? 32 : 128}`,
  }
}

/** `10.1/16`, `10/8`, and the `10.1.` of access lists. */
function abbreviated(text: string): PrefixProblem | undefined {
  const match = /^(\d{1,3}(?:\.\d{1,3}){0,2})(?:\/(\d{1,2})|\.)$/.exec(text)
  if (match === null) return undefined
  const octets = (match[1] ?? '').split('.')
  const length = Number(match[2] ?? 8 * octets.length)
  const address = parseAddress([...octets, '0', '0', '0'].slice(0, 4).join('.'))
  if (address === undefined || length > 32) return undefined
  return {
    kind: 'prefix-abbreviated',
    what: `${text} is an abbreviation`,
    hint: `write all four numbers: ${blockAt(address, length)}`,
  }
}

function hostName(text: string): PrefixProblem | undefined {
  if (!/^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z][a-z0-9-]+(?:\/\d+)?$/i.test(text)) return undefined
  return {
    kind: 'prefix-host-name',
    what: 'a host name instead of a prefix',
    hint: 'names are not resolved, because addresses behind them change; write the prefix of the addresses',
  }
}

/** 0, 1, 3, 7, …: ones at the end and nothing else. */
function isRunOfOnes(number: bigint): boolean {
  return (number & (number + 1n)) === 0n
}

function bitLength(number: bigint): number {
  return number === 0n ? 0 : number.toString(2).length
}

function blockAt(address: Address, lengthBits: number): string {
  return `${firstAddress(address, lengthBits).toString()}/${lengthBits}`
}

/** A range that was drawn carelessly has dozens of blocks; the first show that it has no single prefix. */
const BLOCKS_LISTED = 4

function listed(blocks: readonly Block[]): string {
  const texts = blocks
    .slice(0, BLOCKS_LISTED)
    .map(({ start, lengthBits }) => `${start.toString()}/${lengthBits}`)
  const rest = blocks.length - texts.length
  return texts.join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}
