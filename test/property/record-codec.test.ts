/** Batches of site records: reading undoes writing, and no input ends the process. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Address } from '../../src/core/address.ts'
import { ManualClock } from '../../src/core/clock.ts'
import { aTracker } from '../a-tracker.ts'
import { BatchWriter } from '../../src/replication/record-codec.ts'
import { readBatch } from '../../src/replication/record-reader.ts'
import type { RecordSink } from '../../src/replication/records.ts'

const NODE = Buffer.alloc(8, 7)
const NOW_MS = 1_700_000_000_000

/** A sink that keeps its records. */
function aCollector(): RecordSink & { readonly records: unknown[] } {
  const records: unknown[] = []
  const keep = (kind: string) => (record: unknown) => void records.push([kind, record])
  return {
    records,
    peer: keep('peer'),
    removed: keep('removed'),
    introduction: keep('introduction'),
    lease: keep('lease'),
    gatewayHost: keep('gatewayHost'),
    completion: keep('completion'),
    siteCounts: keep('siteCounts'),
    observation: keep('observation'),
    carrierNode: keep('carrierNode'),
    carriage: keep('carriage'),
  }
}

const word = fc.nat(0xffff_ffff)
const address = fc.oneof(
  // Addresses of the test topology, which the table accepts.
  fc.nat(0x2_ffff).map((host) => Address.v4(0x7f01_0000 + host)),
  word.map((bits) => Address.v4(bits)),
  fc.tuple(word, word, word, word).map((words) => new Address(...words)),
)
const infoHash = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => Buffer.from(bytes))
const port = fc.integer({ min: 1, max: 0xffff })
/** A time within 32 bits around now. */
const recentMs = fc.integer({ min: NOW_MS - 2 ** 31 + 1, max: NOW_MS + 2 ** 31 - 1 })
const anyMs = fc.nat(2 ** 44)
const ref = fc.record({ address, port, announcedAtMs: recentMs })
const cause = fc.constantFrom('first', 'stopped', 'expired', 'stalled', 'added', 'surplus' as const)

const peer = fc.record({
  infoHash,
  address,
  port,
  identity: word,
  role: fc.constantFrom('leecher', 'seed', 'partial' as const),
  leftKib: word,
  downloadedKib: word,
  lastSeenMs: recentMs,
  lifetimeSeconds: fc.nat(0xffff),
  stalls: fc.nat(7),
  isUnverifiedSeed: fc.boolean(),
  isVerifiedSeed: fc.boolean(),
  isUnreachable: fc.boolean(),
  isSlowToForward: fc.boolean(),
  clientCode: fc.option(
    fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    { nil: undefined },
  ),
})
const removed = fc.record({ infoHash, address, port, atMs: recentMs })
const introduction = fc.record({ infoHash, ends: fc.tuple(ref, ref) })
const lease = fc.record({
  infoHash,
  peer: ref,
  sinceMs: anyMs,
  version: anyMs,
  endedBy: fc.option(cause, { nil: undefined }),
  upstream: fc.option(ref, { nil: undefined }),
  treeRank: word,
})
const gatewayHost = fc.record({
  infoHash,
  site: fc.string({ maxLength: 60 }),
  host: word,
  version: anyMs,
})
const completion = fc.record({ infoHash, count: word, lastAtMs: anyMs })

const siteCounts = fc.record({
  infoHash,
  seeds: word,
  leechers: word,
  partial: word,
  leftKib: fc.nat(2 ** 48 - 1),
  downloaded: word,
})

const observation = fc.record({
  infoHash,
  address,
  port,
  observation: fc.record({
    reachability: fc.constantFrom('unknown', 'reachable', 'unreachable' as const),
    share: fc.option(
      fc.nat(0xffff).map((units) => units / 0xffff),
      { nil: undefined },
    ),
    isComplete: fc.boolean(),
    isStalled: fc.boolean(),
    refusesNode: fc.boolean(),
    observedAtMs: recentMs,
    sharePerSecond: fc.float({ min: 0, max: 1, noNaN: true }),
  }),
})

const text = fc.string({ maxLength: 60 })
const carrierNode = fc.record({
  name: text,
  isCarrying: fc.boolean(),
  endpoints: fc.array(fc.record({ address, port }), { maxLength: 2 }),
})
const carriage = fc.record({
  infoHash,
  site: text,
  state: fc.constantFrom('carried', 'settling', 'direct', 'ended' as const),
})

const record = fc.oneof(
  carrierNode.map((given) => ['carrierNode', given] as const),
  carriage.map((given) => ['carriage', given] as const),
  observation.map((given) => ['observation', given] as const),
  peer.map((given) => ['peer', given] as const),
  removed.map((given) => ['removed', given] as const),
  introduction.map((given) => ['introduction', given] as const),
  lease.map((given) => ['lease', given] as const),
  gatewayHost.map((given) => ['gatewayHost', given] as const),
  completion.map((given) => ['completion', given] as const),
  siteCounts.map((given) => ['siteCounts', given] as const),
)

type Given = typeof record extends fc.Arbitrary<infer Value> ? Value : never

function written(records: readonly Given[]): Buffer {
  const writer = new BatchWriter(NODE)
  for (const [kind, given] of records) {
    if (kind === 'peer') writer.peer(given)
    else if (kind === 'removed') writer.removed(given)
    else if (kind === 'introduction') writer.introduction(given)
    else if (kind === 'lease') writer.lease(given)
    else if (kind === 'gatewayHost') writer.gatewayHost(given)
    else if (kind === 'siteCounts') writer.siteCounts(given)
    else if (kind === 'observation') writer.observation(given)
    else if (kind === 'carrierNode') writer.carrierNode(given)
    else if (kind === 'carriage') writer.carriage(given)
    else writer.completion(given)
  }
  return writer.take(NOW_MS)
}

const some = fc.array(record, { minLength: 1, maxLength: 30 })

describe('a batch', () => {
  test('returns the written records in order', () => {
    fc.assert(
      fc.property(some, (records) => {
        const collector = aCollector()
        expect(readBatch(written(records), collector)).toBe(true)
        expect(collector.records).toEqual(records)
      }),
      { numRuns: 300 },
    )
  })

  test('of the next version returns the known records and fields: longer records and further types are skipped', () => {
    fc.assert(
      fc.property(
        some,
        fc.integer({ min: 13, max: 255 }),
        fc.uint8Array({ maxLength: 40 }),
        (records, type, more) => {
          const known = written(records)
          const parts = [known.subarray(0, 15)]
          for (let at = 15; at < known.length;) {
            const length = known.readUInt16BE(at + 1)
            const longer = Buffer.from(known.subarray(at, at + 3 + length))
            longer.writeUInt16BE(length + more.length, 1)
            parts.push(longer, Buffer.from(more), Buffer.of(type, 0, more.length), Buffer.from(more))
            at += 3 + length
          }
          const collector = aCollector()
          expect(readBatch(Buffer.concat(parts), collector)).toBe(true)
          expect(collector.records).toEqual(records)
        },
      ),
      { numRuns: 200 },
    )
  })

  test('that is truncated or has changed bytes is read as far as possible, and nothing is thrown', () => {
    const { replica } = aTracker({ clock: new ManualClock(NOW_MS) })
    fc.assert(
      fc.property(
        some,
        fc.nat(),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }),
        (records, cut, changes) => {
          const bytes = written(records)
          for (const [at, value] of changes) bytes[at % bytes.length] = value
          replica.apply(bytes.subarray(0, cut % (bytes.length + 1)))
          replica.apply(bytes)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('of any bytes is counted where it is not a batch, and nothing is thrown', () => {
    const { replica, table } = aTracker({ clock: new ManualClock(NOW_MS) })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const before = replica.refusedBatches
        replica.apply(Buffer.from(bytes))
        if (bytes[0] !== 1 || bytes.length < 15) expect(replica.refusedBatches).toBe(before + 1)
      }),
      { numRuns: 2_000 },
    )
    expect(table.rows.live).toBe(0)
  })
})

test('a table that read damaged batches still counts its peers correctly, and expires them in time', () => {
  fc.assert(
    fc.property(some, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 20 }), (records, changes) => {
      const { replica, table, clock } = aTracker({ clock: new ManualClock(NOW_MS) })
      const bytes = written(records)
      for (const [at, value] of changes) bytes[15 + (at % (bytes.length - 15))] = value
      replica.apply(bytes)
      const counted = [...table.swarms()].reduce((sum, swarm) => sum + swarm.rows, 0)
      expect(counted).toBe(table.rows.live)
      // The longest lifetime is 18 hours; a peer with a time in the future has that long from the first sweep on.
      table.sweep(clock.nowMs(), 1_000)
      clock.advanceMs(2 * 65_536_000)
      table.sweep(clock.nowMs(), 1_000)
      expect(table.rows.live).toBe(0)
    }),
    { numRuns: 200 },
  )
})
