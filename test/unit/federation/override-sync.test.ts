import { expect, test } from 'vitest'
import { FederationCounters } from '../../../src/federation/counters.ts'
import { type Message, MessageReader } from '../../../src/federation/messages.ts'
import { OverrideSync } from '../../../src/federation/override-sync.ts'
import type { Override } from '../../../src/replication/overrides.ts'
import { anOverrideStore } from '../../an-override-store.ts'

const NOW_MS = 1_700_000_000_000
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const HOLD: Override = {
  kind: 'hold',
  infoHash: Buffer.alloc(20, 1),
  site: 'ams',
  isHeld: true,
  atMs: NOW_MS,
}
const RATE: Override = { kind: 'rate', between: ['ams', 'fra'], bytesPerSecond: undefined, atMs: NOW_MS }

function aSite() {
  const store = anOverrideStore()
  const counters = new FederationCounters()
  const sent: Message[] = []
  const read = (bytes: Buffer, to: Message[]) =>
    new MessageReader().read(bytes, (message) => to.push(message))
  const sync = new OverrideSync({
    store,
    nowMs: () => NOW_MS,
    counters,
    log: quiet,
    send: (message) => void read(message, sent),
  })
  const all = () => {
    const messages: Message[] = []
    read(Buffer.concat(sync.all()), messages)
    return messages
  }
  return { store, counters, sent, sync, all }
}

function deliver(messages: readonly Message[], to: ReturnType<typeof aSite>): void {
  for (const message of messages) if (message.type === 'override') to.sync.apply(message)
}

test('an override of one site is repeated at the other, and is passed on once', async () => {
  const [one, other] = [aSite(), aSite()]
  await one.store.put(HOLD)
  await one.store.put(RATE)
  deliver(one.sent.splice(0), other)
  expect(other.store.current.all).toEqual([HOLD, RATE])
  expect(other.sent).toHaveLength(2)
  deliver(other.sent, one)
  expect(one.sent).toEqual([])
})

test('a site that connects receives all overrides', async () => {
  const [one, other] = [aSite(), aSite()]
  await one.store.put(HOLD)
  deliver(one.all(), other)
  expect(other.store.current.isHeld(HOLD.infoHash, 'ams')).toBe(true)
})

test('a site that was unreachable does not undo a later override', async () => {
  const [one, other] = [aSite(), aSite()]
  await other.store.put({ ...HOLD, isHeld: false, atMs: NOW_MS + 1 })
  await one.store.put(HOLD)
  deliver(one.all(), other)
  expect(other.store.current.isHeld(HOLD.infoHash, 'ams')).toBe(false)
})

test('an override that is dated more than five minutes ahead is rejected and counted', () => {
  const { store, counters, sync } = aSite()
  const key = `hold ${'01'.repeat(20)} ams`
  sync.apply({ type: 'override', key, value: '1', atMs: NOW_MS + 300_001 })
  expect([store.current.all.length, counters.refused('override')]).toEqual([0, 1])
  sync.apply({ type: 'override', key, value: '1', atMs: NOW_MS + 300_000 })
  expect(store.current.all).toHaveLength(1)
})

test('an override of a later version is skipped', () => {
  const { store, counters, sync } = aSite()
  sync.apply({ type: 'override', key: 'priority ams', value: 'high', atMs: NOW_MS })
  expect([store.current.all.length, counters.refused('override')]).toEqual([0, 0])
})
