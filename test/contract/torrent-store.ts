/** The contract of TorrentStore, run once per implementation. */
import { describe, expect } from 'vitest'
import { infoHashKey } from '../../src/core/info-hash.ts'
import type { RegisteredTorrent } from '../../src/replication/site-store.ts'
import { until } from '../a-redis.ts'
import { contractTests, type Skips, type TestSite } from './a-site.ts'

const aTorrent = (fill: number, torrent: Partial<RegisteredTorrent> = {}): RegisteredTorrent => ({
  infoHashes: [Buffer.alloc(20, fill)],
  name: `image-${fill}.iso`,
  sizeBytes: 5_000_000_000,
  registeredAtMs: 1_700_000_000_000 + fill,
  note: '{"by":"ops"}',
  ...torrent,
})

export function describeTorrentStore(
  implementation: string,
  aSite: () => Promise<TestSite>,
  skips: Skips = {},
): void {
  const contract = contractTests(skips)

  describe(`TorrentStore: ${implementation}`, () => {
    contract('keeps the bytes of a torrent', async () => {
      const { torrents } = (await (await aSite()).node()).store
      const bytes = Buffer.from([0x64, 0xff, 0x00, 0x0a, 0x65])
      await torrents.put(aTorrent(1), bytes)
      expect(torrents.has(Buffer.alloc(20, 1))).toBe(true)
      expect(torrents.has(Buffer.alloc(20, 2))).toBe(false)
      expect(torrents.list()).toEqual([aTorrent(1)])
      expect(torrents.find(Buffer.alloc(20, 1))).toEqual(aTorrent(1))
      expect(torrents.find(Buffer.alloc(20, 2))).toBeUndefined()
      expect(await torrents.read(Buffer.alloc(20, 1))).toEqual(bytes)
      expect(await torrents.read(Buffer.alloc(20, 2))).toBeUndefined()
    })

    contract('finds a hybrid torrent by both of its infohashes, and lists it once', async () => {
      const { torrents } = (await (await aSite()).node()).store
      const [v1, v2] = [Buffer.alloc(20, 1), Buffer.alloc(20, 2)]
      await torrents.put(aTorrent(1, { infoHashes: [v1, v2] }), Buffer.from('de'))
      expect([torrents.has(v1), torrents.has(v2), torrents.list().length]).toEqual([true, true, 1])
      expect([v1, v2].map((infoHash) => torrents.find(infoHash)?.name)).toEqual([
        'image-1.iso',
        'image-1.iso',
      ])
      expect(await torrents.read(v2)).toEqual(Buffer.from('de'))
      expect(await torrents.remove(v2)).toBe(true)
      expect([torrents.has(v1), torrents.has(v2)]).toEqual([false, false])
    })

    contract('replaces a torrent with the same infohash', async () => {
      const { torrents } = (await (await aSite()).node()).store
      await torrents.put(aTorrent(1), Buffer.from('d1:a0:e'))
      await torrents.put(aTorrent(1, { name: 'other' }), Buffer.from('d1:b0:e'))
      expect(torrents.list().map(({ name }) => name)).toEqual(['other'])
      expect(await torrents.read(Buffer.alloc(20, 1))).toEqual(Buffer.from('d1:b0:e'))
    })

    contract('lists the oldest first', async () => {
      const { torrents } = (await (await aSite()).node()).store
      for (const fill of [3, 1, 2]) await torrents.put(aTorrent(fill), Buffer.from('de'))
      expect(torrents.list().map(({ name }) => name)).toEqual(['image-1.iso', 'image-2.iso', 'image-3.iso'])
    })

    contract('returns whether the removed torrent was registered', async () => {
      const { torrents } = (await (await aSite()).node()).store
      await torrents.put(aTorrent(1), Buffer.from('de'))
      expect(await torrents.remove(Buffer.alloc(20, 2))).toBe(false)
      expect(await torrents.remove(Buffer.alloc(20, 1))).toBe(true)
      expect(torrents.list()).toEqual([])
    })

    contract('keeps the time of a removal until a later registration', async () => {
      const { torrents } = (await (await aSite()).node()).store
      const [v1, v2, other] = [1, 2, 3].map((fill) => Buffer.alloc(20, fill)) as [Buffer, Buffer, Buffer]
      const [removedAtMs, laterMs] = [Date.now(), Date.now() + 1]
      await torrents.put(aTorrent(1, { infoHashes: [v1, v2] }), Buffer.from('de'))
      await torrents.remove(v1, removedAtMs)
      await torrents.remove(other, removedAtMs)
      const removedAt = () => [v1, v2, other].map((hash) => torrents.removals().get(infoHashKey(hash)))
      expect(removedAt()).toEqual([removedAtMs, removedAtMs, removedAtMs])

      await torrents.put(aTorrent(1, { registeredAtMs: removedAtMs }), Buffer.from('de'))
      await torrents.put(aTorrent(3, { registeredAtMs: laterMs }), Buffer.from('de'))
      expect(removedAt()).toEqual([removedAtMs, removedAtMs, undefined])
    })

    contract('calls the listener after each change', async () => {
      const { torrents } = (await (await aSite()).node()).store
      let changes = 0
      torrents.onChange(() => changes++)
      await torrents.put(aTorrent(1), Buffer.from('de'))
      expect(changes).toBe(1)
      await torrents.remove(Buffer.alloc(20, 1))
      expect(changes).toBe(2)
    })

    contract('replicates to the others what one node put, replaced and removed', async () => {
      const site = await aSite()
      const [one, two] = [await site.node(), await site.node()]
      let changes = 0
      two.store.torrents.onChange(() => changes++)
      await one.store.torrents.put(aTorrent(1), Buffer.from('d1:a0:e'))
      await until(30_000, 'the other node has it', () => two.store.torrents.has(Buffer.alloc(20, 1)))
      expect(two.store.torrents.list()).toEqual([aTorrent(1)])
      expect(await two.store.torrents.read(Buffer.alloc(20, 1))).toEqual(Buffer.from('d1:a0:e'))
      await two.store.torrents.put(aTorrent(1, { name: 'other' }), Buffer.from('d1:b0:e'))
      await until(
        30_000,
        'the first node has the new one',
        () => one.store.torrents.list()[0]?.name === 'other',
      )
      await one.store.torrents.remove(Buffer.alloc(20, 1))
      await until(30_000, 'no node has it', () => !two.store.torrents.has(Buffer.alloc(20, 1)))
      expect(changes).toBe(3)
    })

    contract('gives a new node the registered torrents before it is open', async () => {
      const site = await aSite()
      await (await site.node()).store.torrents.put(aTorrent(1), Buffer.from('de'))
      expect((await site.node()).store.torrents.list()).toEqual([aTorrent(1)])
    })

    contract('keeps its torrents over a restart', async () => {
      const site = await aSite()
      const before = await site.node()
      await before.store.torrents.put(aTorrent(1), Buffer.from('de'))
      await before.store.close()
      const after = await site.restarted?.(before)
      expect(after?.store.torrents.list()).toEqual([aTorrent(1)])
    })

    contract('keeps its removals over a restart', async () => {
      const site = await aSite()
      const before = await site.node()
      const removedAtMs = Date.now()
      await before.store.torrents.put(aTorrent(1), Buffer.from('de'))
      await before.store.torrents.remove(Buffer.alloc(20, 1), removedAtMs)
      await before.store.close()
      const after = await site.restarted?.(before)
      expect(after?.store.torrents.removals().get(infoHashKey(Buffer.alloc(20, 1)))).toBe(removedAtMs)
    })
  })
}
