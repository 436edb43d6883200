/** The prefix table agrees with a linear search; every text is either accepted or rejected with a problem. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseTopology } from '../../src/config/load-topology.ts'
import { Address, addressFromBytes, addressToBytes } from '../../src/core/address.ts'
import { ConfigError } from '../../src/core/errors.ts'
import { blocksOfRange, numberOf } from '../../src/topology/address-range.ts'
import { isPrefixProblem, type Prefix, prefixKey, readPrefix } from '../../src/topology/prefix.ts'
import { prefixRanges, PrefixTable } from '../../src/topology/prefix-table.ts'
import { trackerUrlProblems } from '../../src/topology/tracker-url.ts'

/** Few distinct bytes, so that prefixes nest and touch, and addresses fall on their edges. */
const byte = fc.constantFrom(0, 1, 127, 128, 254, 255)
const addressBytes = fc.oneof(
  fc.array(byte, { minLength: 4, maxLength: 4 }),
  fc.array(byte, { minLength: 16, maxLength: 16 }),
  fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => [...bytes]),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => [...bytes]),
)

/** The bits of an address as text: a comparison that shares no code with the table. */
function bitsOf(address: Address): string {
  return [...addressToBytes(address)].map((value) => value.toString(2).padStart(8, '0')).join('')
}

const prefixText = fc.tuple(addressBytes, fc.nat(128)).map(([bytes, length]) => {
  const lengthBits = length % (bytes.length * 8 + 1)
  const kept = bytes.map((value, index) => {
    const bits = Math.min(8, Math.max(0, lengthBits - index * 8))
    return value & (0xff << (8 - bits))
  })
  return `${addressFromBytes(Buffer.from(kept)).toString()}/${lengthBits}`
})

function distinct(texts: readonly string[]): Prefix[] {
  const byKey = new Map<string, Prefix>()
  for (const text of texts) {
    const prefix = readPrefix(text)
    // Prefixes of mapped addresses are rejected; the generator makes some.
    if (!isPrefixProblem(prefix)) byKey.set(prefixKey(prefix), prefix)
  }
  return [...byKey.values()]
}

function naiveSearch(prefixes: readonly Prefix[], address: Address): number {
  const bits = bitsOf(address)
  let found = -1
  for (const [index, prefix] of prefixes.entries()) {
    const isAround =
      prefix.start.isV4 === address.isV4 && bits.startsWith(bitsOf(prefix.start).slice(0, prefix.lengthBits))
    if (isAround && prefix.lengthBits > (prefixes[found]?.lengthBits ?? -1)) found = index
  }
  return found
}

describe('the prefix table', () => {
  it('agrees with a linear search', () => {
    fc.assert(
      fc.property(
        fc.array(prefixText, { maxLength: 60 }),
        fc.array(addressBytes, { minLength: 1, maxLength: 40 }),
        (texts, bytes) => {
          const prefixes = distinct(texts)
          const table = new PrefixTable(prefixRanges(prefixes))
          const addresses = [
            ...bytes.map((each) => addressFromBytes(Buffer.from(each))),
            ...prefixes.map((p) => p.start),
          ]
          for (const address of addresses) {
            expect([address.toString(), table.find(address)]).toEqual([
              address.toString(),
              naiveSearch(prefixes, address),
            ])
          }
        },
      ),
      { numRuns: 1_000 },
    )
  })
})

describe('an address range', () => {
  it('is exactly the addresses of its blocks, and each block is a prefix', () => {
    fc.assert(
      fc.property(addressBytes, addressBytes, (a, b) => {
        const [first, last] = [a, b].map((bytes) => addressFromBytes(Buffer.from(bytes)))
        fc.pre(first !== undefined && last !== undefined && first.isV4 === last.isV4)
        fc.pre(numberOf(first) <= numberOf(last))
        const bits = first.isV4 ? 32n : 128n
        let next = numberOf(first)
        for (const { start, lengthBits } of blocksOfRange(first, last)) {
          expect(numberOf(start)).toBe(next)
          const size = 1n << (bits - BigInt(lengthBits))
          expect(next % size).toBe(0n)
          next += size
        }
        expect(next).toBe(numberOf(last) + 1n)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('arbitrary text', () => {
  it('is read as the prefix that it denotes, or rejected', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 50 }),
      fc.string({ unit: fc.constantFrom(...'0123456789abcdef:./%-*x, []'.split('')), maxLength: 50 }),
      prefixText,
    )
    fc.assert(
      fc.property(text, (written) => {
        const read = readPrefix(written)
        if (isPrefixProblem(read)) expect(read.hint).not.toBe('')
        else
          expect(readPrefix(prefixKey(read))).toMatchObject({
            start: read.start,
            lengthBits: read.lengthBits,
          })
      }),
      { numRuns: 10_000 },
    )
  })

  it('that is accepted as a tracker URL is one for the WHATWG parser too, with a path to announce to', () => {
    const piece = fc.constantFrom(
      'http',
      'udp',
      '://',
      't.example',
      '[::1]',
      ':',
      '6969',
      '/',
      'announce',
      '?',
      '&',
      'key',
      '=',
    )
    const odd = fc.constantFrom('@', '#', '%', ' ', '_', '-', '127.0.0.1', 'xn--', 'HTTP', '\n', '.', 'x')
    const url = fc
      .array(fc.oneof({ weight: 9, arbitrary: piece }, odd), { maxLength: 9 })
      .map((parts) => parts.join(''))
    const likely = url.map((rest) => `http://t.example/announce${rest}`)
    fc.assert(
      fc.property(fc.oneof(url, likely), (written) => {
        if (trackerUrlProblems(written).length > 0) return
        const { protocol, hostname, pathname, hash } = new URL(written)
        expect(['http:', 'https:', 'udp:']).toContain(protocol)
        expect([hostname === '', pathname.includes('/announce'), hash]).toEqual([false, true, ''])
      }),
      { numRuns: 10_000 },
    )
  })

  it('is read as a topology file, or rejected with positions inside the file', () => {
    // Separated by bars.
    const words =
      'sites:|fra:|cidrs:|[|]|{|}|,|- |10.0.0.0/8|links:|between:|<<:|*x|&x |\n|\n  |\n    |\t|"|\'|!|>|%YAML 1.1|---|bubbles:|0123|~|? '
    const word = fc.constantFrom(...words.split('|'))
    const text = fc.oneof(
      fc.string({ maxLength: 80 }),
      fc.array(word, { maxLength: 30 }).map((words) => words.join('')),
    )
    fc.assert(
      fc.property(text, (written) => {
        try {
          parseTopology(written, 'topology.yaml')
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error
          const lines = written.split('\n').length
          expect(error.problems.length).toBeGreaterThan(0)
          for (const { line, message } of error.problems) {
            expect(line).toBeLessThanOrEqual(lines)
            expect(message).not.toBe('')
          }
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
