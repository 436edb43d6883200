import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/core/clock.ts'
import { RolloutHolds } from '../../../src/registry/rollout-holds.ts'
import { TorrentRegistry } from '../../../src/registry/torrent-registry.ts'
import { anOverrideStore } from '../../an-override-store.ts'
import { aTorrentStore } from '../../a-torrent-store.ts'

const [V1, V2] = [Buffer.alloc(20, 1), Buffer.alloc(20, 2)]

async function aHybridTorrent() {
  const clock = new ManualClock(1_000)
  const torrents = aTorrentStore()
  const registry = new TorrentRegistry({ store: torrents, clock, admit: 'any' })
  const store = anOverrideStore()
  const holds = new RolloutHolds({ store, registry, clock })
  await torrents.put({ infoHashes: [V1, V2], name: 'a', sizeBytes: 5, registeredAtMs: 1, note: '{}' }, V1)
  const registration = registry.find(V1)
  if (registration === undefined) throw new Error('the torrent is registered')
  return { clock, torrents, registry, holds, registration, store }
}

test('a hybrid torrent is held under both of its infohashes', async () => {
  const { holds, registration } = await aHybridTorrent()
  await holds.set(registration, 'ams', true)
  expect([V1, V2].map((infoHash) => holds.isHeld(infoHash, 'ams'))).toEqual([true, true])
  expect(holds.everHeld()).toEqual([V1, V2])
})

test('a release wins over the hold before it on a node whose clock is behind', async () => {
  const { clock, holds, registration } = await aHybridTorrent()
  clock.advanceMs(60_000)
  await holds.set(registration, undefined, true)
  clock.advanceMs(-60_000)
  await holds.set(registration, 'ams', false)
  expect([holds.isHeld(V1, 'ams'), holds.isHeld(V1, 'fra')]).toEqual([false, true])
})

test('a torrent that is removed and registered again is not held', async () => {
  const { torrents, registry, holds, registration } = await aHybridTorrent()
  await holds.set(registration, undefined, true)
  await registry.remove(registration)
  await holds.forget(registration)
  await torrents.put({ infoHashes: [V1, V2], name: 'a', sizeBytes: 5, registeredAtMs: 2_000, note: '{}' }, V1)
  expect(holds.isHeld(V1, 'ams')).toBe(false)
})

test('a torrent that is not registered is not held, also where another site ordered it', async () => {
  const { holds, store } = await aHybridTorrent()
  const infoHash = Buffer.alloc(20, 9)
  await store.put({ kind: 'hold', infoHash, site: undefined, isHeld: true, atMs: 1 })
  expect(holds.isHeld(infoHash, 'ams')).toBe(false)
})
