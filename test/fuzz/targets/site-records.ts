/** Batches of the site log and of other sites, and the values that nodes read from Redis and from files. */
import { deepStrictEqual, ok } from 'node:assert'
import { parseAddress } from '../../../src/core/address.ts'
import { ManualClock } from '../../../src/core/clock.ts'
import { BatchWriter } from '../../../src/replication/record-codec.ts'
import { readBatch, readBatchHeader } from '../../../src/replication/record-reader.ts'
import { readOverride, writeOverride } from '../../../src/replication/overrides.ts'
import { readDescription, writeDescription } from '../../../src/replication/torrent-description.ts'
import { compareIds, FIRST_ID, idMs } from '../../../src/replication/redis/stream-id.ts'
import { readRecord } from '../../../src/rollouts/rollout-record.ts'
import { SiteUpdateReader } from '../../../src/federation/site-updates.ts'
import { aTopology } from '../../a-topology.ts'
import { aTracker } from '../../a-tracker.ts'
import type { FuzzTarget } from '../fuzz-target.ts'

const NODE = Buffer.from('node-one')
const NOW_MS = Date.UTC(2030, 0, 2)
const infoHash = Buffer.alloc(20, 1)
const address = parseAddress('127.1.1.7')
const address6 = parseAddress('fd00::7')

export const siteRecords: FuzzTarget = {
  name: 'site-records',
  bytesMax: 2_048,
  tokens: [
    '\x04\x7f\x01\x01\x07',
    '\x10',
    '\x00\x00\x14',
    '\x7f\xf8\x00\x00\x00\x00\x00\x00',
    '\x00\x00\x00',
    '\xff\xff\xff\xff\xff\xff',
  ],
  examples: [someRecords()],
  read(input) {
    const first = rewritten(input)
    deepStrictEqual(rewritten(first), first)
    const updates = new SiteUpdateReader(1_000)
    readBatch(input, updates)
  },
}

/** The records of a batch in a new batch. */
function rewritten(batch: Buffer): Buffer {
  const writer = new BatchWriter(NODE)
  readBatch(batch, writer)
  return writer.take(readBatchHeader(batch)?.atMs ?? 0)
}

function someRecords(): Buffer {
  ok(address !== undefined && address6 !== undefined)
  const writer = new BatchWriter(NODE)
  const ref = { address, port: 6_881, announcedAtMs: NOW_MS - 5_000 }
  const ref6 = { address: address6, port: 6_882, announcedAtMs: NOW_MS }
  writer.siteCounts({ infoHash, seeds: 1, leechers: 2, partial: 0, leftKib: 77, downloaded: 3 })
  for (const at of [ref, ref6])
    writer.peer({
      infoHash,
      address: at.address,
      port: at.port,
      identity: 5,
      role: 'leecher',
      leftKib: 10,
      downloadedKib: 20,
      lastSeenMs: NOW_MS,
      lifetimeSeconds: 1_800,
      stalls: 1,
      isUnverifiedSeed: false,
      isVerifiedSeed: false,
      isUnreachable: false,
      isSlowToForward: true,
      clientCode: '-TR4060-',
    })
  writer.introduction({ infoHash, ends: [ref, ref6] })
  writer.lease({
    infoHash,
    peer: ref,
    sinceMs: NOW_MS,
    version: 9,
    endedBy: undefined,
    upstream: ref6,
    treeRank: 1,
  })
  writer.lease({
    infoHash,
    peer: ref,
    sinceMs: NOW_MS,
    version: 9,
    endedBy: 'stopped',
    upstream: undefined,
    treeRank: 0,
  })
  writer.gatewayHost({ infoHash, site: 'fra', host: 4, version: 2 })
  writer.completion({ infoHash, count: 4, lastAtMs: NOW_MS })
  writer.observation({
    infoHash,
    address,
    port: 6_881,
    observation: {
      reachability: 'reachable',
      share: 0.5,
      isComplete: false,
      isStalled: true,
      observedAtMs: NOW_MS,
      sharePerSecond: 0.25,
    },
  })
  writer.carrierNode({
    name: 'node',
    isCarrying: true,
    endpoints: [
      { address, port: 1 },
      { address: address6, port: 2 },
    ],
  })
  writer.carriage({ infoHash, site: 'fra', state: 'carried' })
  writer.removed({ infoHash, address, port: 6_881, atMs: NOW_MS })
  return writer.take(NOW_MS)
}

/** Shared: a topology does not change. */
const topology = aTopology()
const LIMITS = { peersMax: 64, swarmsMax: 64 }

export const appliedRecords: FuzzTarget = {
  name: 'applied-records',
  bytesMax: 2_048,
  tokens: siteRecords.tokens,
  examples: siteRecords.examples,
  read(input) {
    // A table of its own for each input, so that one input is enough to repeat a failure.
    const { replica, table } = aTracker({ topology, limits: LIMITS, clock: new ManualClock(NOW_MS) })
    replica.apply(input)
    replica.apply(input)
    ok(table.swarmCount <= LIMITS.swarmsMax)
  },
}

export const storeValues: FuzzTarget = {
  name: 'store-values',
  bytesMax: 1_024,
  tokens: [
    '"infoHashes":',
    '"name":',
    '"note":',
    '"sizeBytes":',
    '{',
    '}',
    '[',
    ']',
    'null',
    'hold ',
    'rate ',
    ' *',
    '-',
    '\n',
    '1e999',
    '"__proto__":',
  ],
  examples: [
    writeDescription({ infoHashes: [infoHash], name: 'a', sizeBytes: 5, registeredAtMs: 7, note: '{}' }),
    `hold ${'ab'.repeat(20)} *\n1`,
    'rate ams fra\n1000',
    '1700000000000-5',
  ],
  read(input) {
    const text = input.toString()
    const described = readDescription(text)
    if (described !== undefined) deepStrictEqual(readDescription(writeDescription(described)), described)
    const [key = '', value = ''] = text.split('\n')
    const override = readOverride({ key, value }, 5)
    if (override !== undefined) deepStrictEqual(readOverride(writeOverride(override), 5), override)
    readRecord(text)
    idMs(text)
    compareIds(text, FIRST_ID)
  },
}
