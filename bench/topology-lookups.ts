/**
 * Lookups a second in the prefix table, beside a lookup of the address in a `Map`, which is the cost of an exact match, and
 * a linear search through all prefixes, in the same process.
 *
 * 10,000 prefixes by default: IPv4 and IPv6 alternately, random, a third of them nested in another.
 * Addresses are random too, half of them inside a prefix. CPU time is compared, because other programs on the machine
 * affect elapsed time and the caches; the best of the rounds is the figure.
 *
 * Usage: topology-lookups [prefixes, default 10000]
 */
import { Address, addressFromBytes } from '../src/core/address.ts'
import { SeededRandom } from '../src/core/random.ts'
import { isPrefixProblem, type Prefix, prefixKey, readPrefix } from '../src/topology/prefix.ts'
import { prefixRanges, PrefixTable } from '../src/topology/prefix-table.ts'

const PREFIXES = Number(process.argv[2] ?? '10000')
/** More objects than the first-level caches hold, as on a busy tracker. */
const ADDRESSES = 65_536
const ROUNDS = 7
const random = new SeededRandom(7)

const texts = randomPrefixes()
let started = cpuMs()
const prefixes = texts.map(readPrefix).filter((prefix): prefix is Prefix => !isPrefixProblem(prefix))
const readMs = cpuMs() - started
started = cpuMs()
const table = new PrefixTable(prefixRanges(prefixes))
const buildMs = cpuMs() - started

const addresses = Array.from({ length: ADDRESSES }, (_, index) => randomAddress(index))
const exact = new Map(addresses.map((address, index) => [numberOf(address), index]))

const tableRate = measure((address) => table.find(address), 10)
const mapRate = measure((address) => exact.get(numberOf(address)) ?? -1, 10)
const scanRate = measure((address) => scan(address), 1, 256)

const millions = (rate: number) => `${(rate / 1e6).toFixed(rate < 1e6 ? 3 : 1)} M look-ups/s`
console.log(
  `${prefixes.length} prefixes: read in ${readMs.toFixed(0)} ms, table built in ${buildMs.toFixed(0)} ms`,
)
console.log(`prefix table          ${millions(tableRate)}`)
console.log(`Map, exact match      ${millions(mapRate)}`)
console.log(`search through all    ${millions(scanRate)}`)

function measure(find: (address: Address) => number, repeat: number, count = ADDRESSES): number {
  let best = 0
  let sum = 0
  for (let round = 0; round < ROUNDS; round++) {
    const from = cpuMs()
    for (let pass = 0; pass < repeat; pass++) {
      for (let index = 0; index < count; index++) sum += find(addresses[index] as Address)
    }
    best = Math.max(best, (repeat * count * 1000) / (cpuMs() - from))
  }
  // An unused result could be optimised away.
  if (sum === Infinity) console.log(sum)
  return best
}

function scan(address: Address): number {
  let found = -1
  let lengthBits = -1
  for (let index = 0; index < prefixes.length; index++) {
    const prefix = prefixes[index] as Prefix
    if (prefix.lengthBits <= lengthBits || !contains(prefix, address)) continue
    found = index
    lengthBits = prefix.lengthBits
  }
  return found
}

function contains({ start, lengthBits }: Prefix, address: Address): boolean {
  if (start.isV4 !== address.isV4) return false
  let bits = start.isV4 ? lengthBits + 96 : lengthBits
  for (const word of ['word0', 'word1', 'word2', 'word3'] as const) {
    if (bits <= 0) return true
    const mask = bits >= 32 ? -1 : -1 << (32 - bits)
    if (((start[word] ^ address[word]) & mask) !== 0) return false
    bits -= 32
  }
  return true
}

function randomPrefixes(): string[] {
  const found = new Map<string, string>()
  while (found.size < PREFIXES) {
    const isV4 = found.size % 2 === 0
    const parent = [...found.values()].at(-2)
    const isNested = parent !== undefined && found.size % 3 === 0
    const bytes = isV4 ? randomBytes(4, [10]) : randomBytes(16, [0xfd])
    if (isNested) copyStart(bytes, parent)
    const lengthBits = isV4 ? (isNested ? 26 : 22) : isNested ? 64 : 48
    const text = `${masked(bytes, lengthBits).toString()}/${lengthBits}`
    const prefix = readPrefix(text)
    if (!isPrefixProblem(prefix)) found.set(prefixKey(prefix), text)
  }
  return [...found.values()]
}

/** Starts from the bytes of the parent's first address, so that the prefix is inside it. */
function copyStart(bytes: Buffer, parentText: string): void {
  const parent = readPrefix(parentText)
  if (isPrefixProblem(parent) || parent.start.isV4 !== (bytes.length === 4)) return
  const { word0, word1, word3 } = parent.start
  if (bytes.length === 4) bytes.writeUInt32BE(word3 + random.below(1024), 0)
  else {
    bytes.writeUInt32BE(word0, 0)
    bytes.writeUInt32BE(word1 + random.below(65_536), 4)
  }
}

function masked(bytes: Buffer, lengthBits: number): Address {
  const kept = Buffer.from(bytes)
  for (let index = 0; index < kept.length; index++) {
    const bits = Math.min(8, Math.max(0, lengthBits - index * 8))
    kept[index] = (kept[index] as number) & (0xff << (8 - bits))
  }
  return addressFromBytes(kept)
}

function randomAddress(index: number): Address {
  const isV4 = index % 2 === 0
  if (index % 4 < 2) return addressFromBytes(isV4 ? randomBytes(4, [10]) : randomBytes(16, [0xfd]))
  const { start } = prefixes[random.below(prefixes.length)] as Prefix
  return new Address(start.word0, start.word1, start.word2, (start.word3 + random.below(64)) >>> 0)
}

function randomBytes(length: number, first: readonly number[]): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => first[index] ?? random.below(256)))
}

function numberOf(address: Address): number {
  return address.isV4 ? address.word3 : address.word0 * 2 ** 21 + (address.word1 ^ address.word3)
}

function cpuMs(): number {
  return process.cpuUsage().user / 1000
}
