/**
 * IP addresses as numbers.
 *
 * An address is four big-endian 32-bit words. IPv4 is kept in its mapped form (`::ffff:a.b.c.d`, RFC 4291
 * §2.5.5.2), so that a dual-stack socket's `::ffff:10.1.2.3` and a plain `10.1.2.3` are the same address.
 * If they were two, the peer would be listed in `peers6`, which Transmission rejects, and would map to no site.
 */

export class Address {
  readonly word0: number
  readonly word1: number
  readonly word2: number
  /** The IPv4 address itself, when `isV4`. */
  readonly word3: number

  constructor(word0: number, word1: number, word2: number, word3: number) {
    this.word0 = word0
    this.word1 = word1
    this.word2 = word2
    this.word3 = word3
  }

  static v4(bits: number): Address {
    return new Address(0, 0, MAPPED, bits >>> 0)
  }

  get isV4(): boolean {
    return this.word2 === MAPPED && this.word1 === 0 && this.word0 === 0
  }

  /** fe80::/10: meaningless outside its link, so never handed out. */
  get isLinkLocal(): boolean {
    return this.word0 >>> 22 === 0x3fa
  }

  /** 127.0.0.0/8 or ::1: on every other host, the address of that host. */
  get isLoopback(): boolean {
    return this.isV4
      ? this.word3 >>> 24 === 127
      : this.word3 === 1 && this.word2 === 0 && this.word1 === 0 && this.word0 === 0
  }

  equals(other: Address): boolean {
    return (
      this.word3 === other.word3 &&
      this.word2 === other.word2 &&
      this.word1 === other.word1 &&
      this.word0 === other.word0
    )
  }

  toString(): string {
    return this.isV4 ? formatV4(this.word3) : formatV6(this)
  }
}

const MAPPED = 0xffff

/**
 * Reads `10.1.2.3`, `fd00::7`, `::ffff:10.1.2.3`, and `fe80::1%eth0` (the zone is dropped). Returns undefined
 * for anything else: host names, leading zeros (`010.1.2.3` is octal to some and decimal to others), brackets.
 */
export function parseAddress(text: string): Address | undefined {
  if (text.length > TEXT_LENGTH_MAX) return undefined
  if (!text.includes(':')) {
    const bits = parseV4(text, 0, text.length)
    return bits < 0 ? undefined : Address.v4(bits)
  }
  const zone = text.indexOf('%')
  return parseV6(zone < 0 ? text : text.slice(0, zone))
}

/** 45 characters of address and up to 19 of a zone name. */
const TEXT_LENGTH_MAX = 64

/** The address in 4 (IPv4) or 16 (IPv6) bytes, as in compact peer lists and BEP 24. */
export function addressToBytes(address: Address): Buffer {
  if (address.isV4) {
    const bytes = Buffer.allocUnsafe(4)
    bytes.writeUInt32BE(address.word3, 0)
    return bytes
  }
  const bytes = Buffer.allocUnsafe(16)
  bytes.writeUInt32BE(address.word0, 0)
  bytes.writeUInt32BE(address.word1, 4)
  bytes.writeUInt32BE(address.word2, 8)
  bytes.writeUInt32BE(address.word3, 12)
  return bytes
}

/** Reads 4 or 16 bytes. A mapped IPv4 address in 16 bytes becomes IPv4. */
export function addressFromBytes(bytes: Buffer): Address {
  return bytes.length === 4
    ? Address.v4(bytes.readUInt32BE(0))
    : new Address(bytes.readUInt32BE(0), bytes.readUInt32BE(4), bytes.readUInt32BE(8), bytes.readUInt32BE(12))
}

/** Returns the 32 bits, or -1 if the text is not a dotted quad. */
function parseV4(text: string, start: number, end: number): number {
  let bits = 0
  let octet = -1
  let dots = 0
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at)
    if (code === 46) {
      if (octet < 0 || ++dots > 3) return -1
      bits = bits * 256 + octet
      octet = -1
    } else {
      const digit = code - 48
      if (digit < 0 || digit > 9 || octet === 0) return -1
      octet = octet < 0 ? digit : octet * 10 + digit
      if (octet > 255) return -1
    }
  }
  return dots === 3 && octet >= 0 ? bits * 256 + octet : -1
}

function parseV6(text: string): Address | undefined {
  const groups: number[] = []
  let gap = -1
  let at = 0
  if (text.startsWith('::')) {
    gap = 0
    at = 2
  } else if (text.startsWith(':')) return undefined

  while (at < text.length) {
    let end = text.indexOf(':', at)
    if (end < 0) end = text.length
    if (end === text.length && text.includes('.', at)) {
      const bits = parseV4(text, at, end)
      if (bits < 0) return undefined
      groups.push(Math.floor(bits / 65536), bits % 65536)
      at = end
      break
    }
    const group = parseHexGroup(text, at, end)
    if (group < 0) return undefined
    groups.push(group)
    at = end + 1
    if (end === text.length) break
    if (at === text.length) return undefined
    if (text.charCodeAt(at) === 58) {
      if (gap >= 0) return undefined
      gap = groups.length
      at++
    }
  }
  if (gap < 0 ? groups.length !== 8 : groups.length > 7) return undefined
  if (gap >= 0) groups.splice(gap, 0, ...new Array<number>(8 - groups.length).fill(0))
  const word = (index: number) => (groups[index * 2] ?? 0) * 65536 + (groups[index * 2 + 1] ?? 0)
  return new Address(word(0), word(1), word(2), word(3))
}

function parseHexGroup(text: string, start: number, end: number): number {
  if (end === start || end - start > 4) return -1
  let value = 0
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at)
    const digit =
      code >= 48 && code <= 57
        ? code - 48
        : code >= 97 && code <= 102
          ? code - 87
          : code >= 65 && code <= 70
            ? code - 55
            : -1
    if (digit < 0) return -1
    value = value * 16 + digit
  }
  return value
}

function formatV4(bits: number): string {
  return `${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`
}

/** RFC 5952: lower case; the longest run of two or more zero groups becomes `::`, the first one of equal length. */
function formatV6(address: Address): string {
  const groups = [address.word0, address.word1, address.word2, address.word3].flatMap((word) => [
    word >>> 16,
    word & 0xffff,
  ])
  let gapStart = -1
  let gapLength = 1
  for (let start = 0; start < 8; start++) {
    let end = start
    while (end < 8 && groups[end] === 0) end++
    if (end - start > gapLength) {
      gapStart = start
      gapLength = end - start
    }
  }
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':')
  if (gapStart < 0) return hex(groups)
  return `${hex(groups.slice(0, gapStart))}::${hex(groups.slice(gapStart + gapLength))}`
}
