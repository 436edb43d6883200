/**
 * Longest-prefix match over IPv4 and IPv6, once per announce.
 *
 * Prefixes nest or are disjoint, so they cut the address space into ranges with one result each: the longest prefix
 * that contains it. `prefixRanges` flattens the ranges into sorted start addresses; a lookup is one binary search
 * over a typed array (15 steps at 10,000 prefixes) and allocates nothing. IPv4 has its own array: `::/0` contains
 * all of IPv6 and no IPv4 address.
 */
import type { Address } from '../core/address.ts'
import { assert } from '../core/assert.ts'
import { numberOf } from './address-range.ts'
import { type Prefix, prefixKey } from './prefix.ts'

/** Typed arrays only, which threads pass to each other at no cost. */
export interface PrefixRanges {
  readonly v4: RangesV4
  readonly v6: RangesV6
}

export function prefixRanges(prefixes: readonly Prefix[]): PrefixRanges {
  const keys = new Set(prefixes.map(prefixKey))
  assert(keys.size === prefixes.length, 'two equal prefixes have no longest one')
  return { v4: packV4(flatten(prefixes, true)), v6: packV6(flatten(prefixes, false)) }
}

export class PrefixTable {
  readonly #ranges4: RangesV4
  readonly #ranges6: RangesV6

  constructor({ v4, v6 }: PrefixRanges) {
    this.#ranges4 = v4
    this.#ranges6 = v6
  }

  /** Index of the longest prefix that contains the address, in the list given to `prefixRanges`, or -1. */
  find(address: Address): number {
    return address.isV4 ? findV4(this.#ranges4, address.word3) : findV6(this.#ranges6, address)
  }
}

interface RangesV4 {
  /** First address of each range, ascending; the first is 0. */
  readonly starts: Uint32Array
  readonly results: Int32Array
  /** The range in which each value of an address's upper 16 bits begins. 65,537 entries; the last is past the end. */
  readonly first: Uint32Array
}

function packV4(ranges: readonly Range[]): RangesV4 {
  const starts = Uint32Array.from(ranges, (range) => Number(range.start))
  // Filled in stretches: a command that looks up one address runs a loop of 65,536 steps without a compiler.
  const first = new Uint32Array(65_537)
  for (let range = 0; range < starts.length; range++) {
    const upper = Math.ceil(starts[range]! / 65_536)
    const upperAfter = range + 1 < starts.length ? Math.ceil(starts[range + 1]! / 65_536) : 65_536
    first.fill(range, upper, upperAfter)
  }
  first[65_536] = starts.length - 1
  return { starts, results: Int32Array.from(ranges, (each) => each.result), first }
}

function findV4({ starts, results, first }: RangesV4, bits: number): number {
  const upper = bits >>> 16
  let low = first[upper]!
  let high = first[upper + 1]! + 1
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if (starts[middle]! <= bits) low = middle
    else high = middle
  }
  return results[low]!
}

/** The four words of each start, in four arrays: the first two nearly always decide, and stay in the cache. */
interface RangesV6 {
  readonly words0: Uint32Array
  readonly words1: Uint32Array
  readonly words2: Uint32Array
  readonly words3: Uint32Array
  readonly results: Int32Array
}

function packV6(ranges: readonly Range[]): RangesV6 {
  const words = (shift: bigint) =>
    Uint32Array.from(ranges, (range) => Number((range.start >> shift) & 0xffff_ffffn))
  return {
    words0: words(96n),
    words1: words(64n),
    words2: words(32n),
    words3: words(0n),
    results: Int32Array.from(ranges, (range) => range.result),
  }
}

function findV6(ranges: RangesV6, address: Address): number {
  const { words0, words1, words2, words3, results } = ranges
  const { word0, word1, word2, word3 } = address
  let low = 0
  let high = results.length
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    let start = words0[middle]!
    let word = word0
    if (start === word) {
      start = words1[middle]!
      word = word1
      if (start === word) {
        start = words2[middle]!
        word = word2
        if (start === word) {
          start = words3[middle]!
          word = word3
        }
      }
    }
    if (start <= word) low = middle
    else high = middle
  }
  return results[low]!
}

interface Range {
  readonly start: bigint
  readonly result: number
}

/** Sweeps over the prefixes in address order; `open` is the stack of prefixes that contain the current address. */
function flatten(prefixes: readonly Prefix[], isV4: boolean): Range[] {
  const bits = isV4 ? 32 : 128
  const sorted = prefixes
    .map((prefix, result) => {
      const start = numberOf(prefix.start)
      return { result, start, end: start + (1n << BigInt(bits - prefix.lengthBits)), isV4: prefix.start.isV4 }
    })
    .filter((prefix) => prefix.isV4 === isV4)
    .toSorted((a, b) => (a.start === b.start ? compare(b.end, a.end) : compare(a.start, b.start)))

  const ranges: Range[] = [{ start: 0n, result: -1 }]
  const begin = (start: bigint, result: number) => {
    if (ranges.at(-1)?.start === start) ranges.pop()
    ranges.push({ start, result })
  }
  const open: (typeof sorted)[number][] = []
  const closeUpTo = (address: bigint) => {
    for (let last = open.at(-1); last !== undefined && last.end <= address; last = open.at(-1)) {
      open.pop()
      begin(last.end, open.at(-1)?.result ?? -1)
    }
  }
  for (const prefix of sorted) {
    closeUpTo(prefix.start)
    open.push(prefix)
    begin(prefix.start, prefix.result)
  }
  const spaceEnd = 1n << BigInt(bits)
  closeUpTo(spaceEnd)
  return ranges.filter((range) => range.start < spaceEnd)
}

const compare = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0)
