import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/core/clock.ts'
import { HoldOrders } from '../../../src/daemon/hold-orders.ts'
import { RolloutHolds } from '../../../src/registry/rollout-holds.ts'
import { TorrentRegistry } from '../../../src/registry/torrent-registry.ts'
import { CurrentTopology } from '../../../src/topology/current-topology.ts'
import { anOverrideStore } from '../../an-override-store.ts'
import { aTopology } from '../../a-topology.ts'
import { aTorrentStore } from '../../a-torrent-store.ts'

const TORRENT = Buffer.alloc(20, 1)

async function aNode() {
  const clock = new ManualClock()
  const torrents = aTorrentStore()
  const registry = new TorrentRegistry({ store: torrents, clock, admit: 'any' })
  const store = anOverrideStore()
  const holds = new RolloutHolds({ store, registry, clock })
  const topology = new CurrentTopology(aTopology())
  const set: string[] = []
  const orders = new HoldOrders({
    holds,
    registry,
    topology,
    setHold: ({ site, isHeld }) => void set.push(`${isHeld ? 'hold' : 'release'} ${site}`),
  })
  const register = () =>
    torrents.put({ infoHashes: [TORRENT], name: 'a', sizeBytes: 5, registeredAtMs: 1, note: '{}' }, TORRENT)
  const change = async (site: string | undefined, isHeld: boolean) => {
    const registration = registry.find(TORRENT)
    if (registration !== undefined) await holds.set(registration, site, isHeld)
  }
  return { orders, store, registry, register, change, set, topology }
}

test('passes each change of the held sites on, once', async () => {
  const { orders, register, change, set } = await aNode()
  await register()
  await change('ams', true)
  orders.compare()
  await change(undefined, true)
  await change('fra', false)
  await change(undefined, false)
  expect(set).toEqual(['hold ams', 'hold fra', 'hold nyc', 'release fra', 'release ams', 'release nyc'])
})

test('passes a hold on when the torrent that it is for is registered', async () => {
  const { store, register, set } = await aNode()
  await store.put({ kind: 'hold', infoHash: TORRENT, site: 'ams', isHeld: true, atMs: 1 })
  expect(set).toEqual([])
  await register()
  expect(set).toEqual(['hold ams'])
})

test('releases a torrent that is removed', async () => {
  const { registry, register, change, set } = await aNode()
  await register()
  await change(undefined, true)
  const registration = registry.find(TORRENT)
  if (registration !== undefined) await registry.remove(registration)
  expect(set).toEqual(['hold fra', 'hold ams', 'hold nyc', 'release fra', 'release ams', 'release nyc'])
})

test('holds a site that a reload adds to the topology', async () => {
  const { topology, register, change, set } = await aNode()
  topology.replace(aTopology({ siteNames: ['fra', 'ams'] }))
  await register()
  await change(undefined, true)
  topology.replace(aTopology())
  expect(set).toEqual(['hold fra', 'hold ams', 'hold nyc'])
})
