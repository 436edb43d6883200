import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ManualClock } from '../../../src/core/clock.ts'
import { SnapshotFile } from '../../../src/replication/memory/snapshot-file.ts'
import { aTopology } from '../../a-topology.ts'
import { aTracker, type TestTracker, TORRENT } from '../../a-tracker.ts'

const topology = aTopology()
let folder = ''
let path = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'siteswarm-test-'))
  path = join(folder, 'swarms.snapshot')
})
afterEach(() => rm(folder, { recursive: true }))

async function restart(before: TestTracker, clock: ManualClock = before.clock) {
  await new SnapshotFile(path, clock).save(before.replica.snapshotRecords('all'))
  return load(clock)
}

async function load(clock: ManualClock) {
  const after = aTracker({ clock, topology })
  const loaded = await new SnapshotFile(path, clock).load((batch) => after.replica.apply(batch))
  return { loaded, after }
}

function aFillingSite(): TestTracker {
  const tracker = aTracker({ topology })
  tracker.announce('127.1.1.1', { left: 0 })
  for (let host = 1; host < 20; host++) tracker.announce(`127.2.${host % 3}.${host}`)
  tracker.announce('127.2.1.4', { left: 0, event: 'completed', torrent: Buffer.alloc(20, 2) })
  return tracker
}

test('after a restart every peer is handed out the same peers as before, and no gateway is elected again', async () => {
  const before = aFillingSite()
  const { loaded, after } = await restart(before)
  expect(loaded).toEqual({ blocks: 1, damage: undefined })
  for (let host = 1; host < 20; host++) {
    const from = `127.2.${host % 3}.${host}`
    expect([...after.announce(from).peers].sort()).toEqual([...before.announce(from).peers].sort())
  }
  expect(after.counted.elections).toEqual([])
  expect(after.table.swarm(TORRENT)?.site(1)?.gatewayHostsEver).toBe(1)
})

test('peers whose lifetime passed while the node was down are not restored', async () => {
  const before = aFillingSite()
  before.clock.advanceMs(20 * 3600_000)
  const { after } = await restart(before)
  expect(after.table.rows.live).toBe(0)
})

test('without a snapshot a node starts empty', async () => {
  const { loaded } = await load(aTracker().clock)
  expect(loaded).toEqual({ blocks: 0, damage: undefined })
})

test('a truncated snapshot is set aside, and its complete blocks are used', async () => {
  const before = aTracker({ topology })
  for (let host = 0; host < 2_500; host++) before.announce(`127.2.${host >> 8}.${host & 255}`, { left: 0 })
  const blocks = [...before.replica.snapshotRecords('all')]
  await new SnapshotFile(path, before.clock).save(blocks)
  await truncate(path, (await readFile(path)).length - 20)
  const { loaded, after } = await load(before.clock)
  expect(loaded.damage).toContain('truncated at byte')
  const complete = blocks.slice(0, -1)
  expect(complete.length).toBeGreaterThan(1)
  expect(loaded.blocks).toBe(complete.length)
  const expected = aTracker({ topology, clock: before.clock })
  for (const block of complete) expected.replica.apply(block)
  expect(after.table.rows.live).toBe(expected.table.rows.live)
  expect(after.table.rows.live).toBeGreaterThan(1_000)
  expect(after.table.rows.live).toBeLessThan(2_500)
  expect(await readdir(folder)).toEqual([`swarms.snapshot.damaged-${before.clock.nowMs()}`])
})

test('a snapshot with one wrong bit is set aside', async () => {
  const before = aFillingSite()
  await new SnapshotFile(path, before.clock).save(before.replica.snapshotRecords('all'))
  const bytes = await readFile(path)
  bytes[60] = (bytes[60] as number) ^ 4
  await writeFile(path, bytes)
  const { loaded, after } = await load(before.clock)
  expect(loaded.damage).toContain('checksum')
  expect(after.table.rows.live).toBe(0)
})

test('a file that is not a snapshot is set aside', async () => {
  await writeFile(path, 'hello')
  const { loaded } = await load(aTracker().clock)
  expect(loaded.damage).toContain('not a snapshot')
})

test('a snapshot of an earlier version is set aside, and the log names its version', async () => {
  await writeFile(path, Buffer.concat([Buffer.from('SSWARM\0\x01', 'latin1'), Buffer.alloc(8)]))
  const { loaded, after } = await load(aTracker().clock)
  expect(loaded.damage).toContain('has version 1, which this program does not read')
  expect(after.table.rows.live).toBe(0)
})

test('a snapshot that cannot be read at all is set aside, and the node starts', async () => {
  await mkdir(path)
  const { loaded } = await load(aTracker().clock)
  expect(loaded.blocks).toBe(0)
  expect(loaded.damage).toContain('kept as')
  expect(await readdir(folder)).toHaveLength(1)
  expect(await readdir(folder)).not.toContain('swarms.snapshot')
})

test('an interrupted save keeps the previous snapshot', async () => {
  const before = aFillingSite()
  await new SnapshotFile(path, before.clock).save(before.replica.snapshotRecords('all'))
  const failing = function* () {
    yield Buffer.from('first')
    throw new Error('the disk is full')
  }
  await expect(new SnapshotFile(path, before.clock).save(failing())).rejects.toThrow('the disk is full')
  expect((await load(before.clock)).loaded).toEqual({ blocks: 1, damage: undefined })
})
