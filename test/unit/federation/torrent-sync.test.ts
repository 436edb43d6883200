import { expect, test } from 'vitest'
import { FederationCounters } from '../../../src/federation/counters.ts'
import { type Message, MessageReader } from '../../../src/federation/messages.ts'
import { TorrentSync } from '../../../src/federation/torrent-sync.ts'
import { aTorrentStore } from '../../a-torrent-store.ts'

const [FIRST, SECOND] = [Buffer.alloc(20, 1), Buffer.alloc(20, 2)]
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** The bytes of a torrent are its infohash here. */
function aSite(nowMs = 1_000) {
  const store = aTorrentStore(nowMs)
  const counters = new FederationCounters()
  const sent: Message[] = []
  const reader = new MessageReader()
  const sync = new TorrentSync({
    store,
    nowMs: () => nowMs,
    describe: (bytes, known) => ({ infoHashes: [bytes], name: 'a', sizeBytes: 5, note: known?.note ?? '{}' }),
    counters,
    log: quiet,
    send: (message) => void reader.read(message, (read) => sent.push(read)),
  })
  const put = (hash: Buffer, registeredAtMs: number) =>
    store.put({ infoHashes: [hash], name: 'a', sizeBytes: 5, registeredAtMs, note: '{}' }, hash)
  return { store, counters, sent, sync, put }
}

/** Delivers the messages of one site to another one. */
async function deliver(from: ReturnType<typeof aSite>, to: ReturnType<typeof aSite>): Promise<void> {
  for (const message of from.sent.splice(0)) to.sync.apply(message, (hash) => from.sync.read(hash))
  await to.sync.waitForPending()
}

test('a registration of one site is repeated at the other with the same description, and is not sent back', async () => {
  const [one, other] = [aSite(), aSite()]
  await one.put(FIRST, 500)
  await deliver(one, other)
  expect(other.store.list()).toEqual([
    { infoHashes: [FIRST], name: 'a', sizeBytes: 5, registeredAtMs: 500, note: '{}' },
  ])
  await deliver(other, one)
  expect(one.sent).toEqual([])
})

test('a removal of one site is repeated at the other, and an older registration does not undo it', async () => {
  const [one, other] = [aSite(1_000), aSite(1_000)]
  await one.put(FIRST, 500)
  await deliver(one, other)
  await one.store.remove(FIRST)
  await deliver(one, other)
  expect(other.store.list()).toEqual([])

  other.sync.apply({ type: 'registered', atMs: 500, infoHashes: [FIRST] }, async () => FIRST)
  await other.sync.waitForPending()
  expect(other.store.list()).toEqual([])
})

test('a registration after the removal wins', async () => {
  const [one, other] = [aSite(1_000), aSite(1_000)]
  await one.put(FIRST, 500)
  await one.store.remove(FIRST)
  await one.put(FIRST, 1_500)
  await deliver(one, other)
  expect(other.store.list().map(({ registeredAtMs }) => registeredAtMs)).toEqual([1_500])
})

test('a torrent with another infohash than advertised is discarded and counted', async () => {
  const [one, other] = [aSite(), aSite()]
  await one.put(SECOND, 500)
  other.sync.apply({ type: 'registered', atMs: 500, infoHashes: [FIRST] }, () => one.sync.read(SECOND))
  await other.sync.waitForPending()
  expect(other.store.list()).toEqual([])
  expect(other.counters.refused('torrent')).toBe(1)
})

test('a new subscriber receives all registered torrents and all removals', async () => {
  const one = aSite()
  await one.put(FIRST, 500)
  await one.put(SECOND, 600)
  await one.store.remove(SECOND)
  const received: Message[] = []
  const reader = new MessageReader()
  for (const message of one.sync.all()) reader.read(message, (read) => received.push(read))
  expect(received).toEqual([
    { type: 'registered', atMs: 500, infoHashes: [FIRST] },
    { type: 'removed', atMs: 1_000, infoHash: SECOND },
    { type: 'listed' },
  ])
})

const DAY_MS = 86_400_000

test('changes that are dated a day in the future are rejected and counted, and remove or replace nothing', async () => {
  const site = aSite(1_000)
  await site.put(FIRST, 500)
  const fetched: Buffer[] = []
  const fetch = async (hash: Buffer) => {
    fetched.push(hash)
    return site.sync.read(hash)
  }
  site.sync.apply({ type: 'removed', atMs: 1_000 + DAY_MS, infoHash: FIRST }, fetch)
  site.sync.apply({ type: 'registered', atMs: 1_000 + DAY_MS, infoHashes: [FIRST] }, fetch)
  await site.sync.waitForPending()
  expect(site.store.list().map(({ registeredAtMs }) => registeredAtMs)).toEqual([500])
  expect(site.store.removals().size).toBe(0)
  expect(fetched).toEqual([])
  expect(site.counters.refused('torrent')).toBe(2)
})

test('a change that is ahead by less than the clocks of two sites differ is applied', async () => {
  const site = aSite(1_000)
  await site.put(FIRST, 500)
  site.sync.apply({ type: 'removed', atMs: 1_000 + 300_000, infoHash: FIRST }, async () => undefined)
  await site.sync.waitForPending()
  expect(site.store.list()).toEqual([])
})

test('name, size and note are those that the bytes give, not those of the other site', async () => {
  const [one, other] = [aSite(), aSite()]
  const note = '{"origin":"http://169.254.169.254/"}'
  await one.store.put({ infoHashes: [FIRST], name: 'lie', sizeBytes: 1, registeredAtMs: 500, note }, FIRST)
  await deliver(one, other)
  expect(other.store.list()).toEqual([
    { infoHashes: [FIRST], name: 'a', sizeBytes: 5, registeredAtMs: 500, note: '{}' },
  ])
})
