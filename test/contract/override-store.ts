/** The contract of OverrideStore, run once per implementation. */
import { describe, expect } from 'vitest'
import type { HoldOverride, Override } from '../../src/replication/overrides.ts'
import { until } from '../a-redis.ts'
import { contractTests, type Skips, type TestSite } from './a-site.ts'

const TORRENT = Buffer.alloc(20, 1)
const HELD_AT_MS = 1_700_000_000_000

const aHold = (hold: Partial<HoldOverride> = {}): HoldOverride => ({
  kind: 'hold',
  infoHash: TORRENT,
  site: 'ams',
  isHeld: true,
  atMs: HELD_AT_MS,
  ...hold,
})
const aRate: Override = { kind: 'rate', between: ['ams', 'fra'], bytesPerSecond: 5_000_000, atMs: HELD_AT_MS }

export function describeOverrideStore(
  implementation: string,
  aSite: () => Promise<TestSite>,
  skips: Skips = {},
): void {
  const contract = contractTests(skips)

  describe(`OverrideStore: ${implementation}`, () => {
    contract('applies an override at once', async () => {
      const { overrides } = (await (await aSite()).node()).store
      const shared = overrides.put(aHold())
      expect(overrides.current.isHeld(TORRENT, 'ams')).toBe(true)
      expect(await shared).toBe('shared')
      await overrides.put(aRate)
      expect(overrides.current.rateOf('fra', 'ams')).toEqual(aRate)
    })

    contract('ignores an earlier override of the same subject', async () => {
      const { overrides } = (await (await aSite()).node()).store
      await overrides.put(aHold({ isHeld: false }))
      await overrides.put(aHold({ atMs: HELD_AT_MS - 1 }))
      expect(overrides.current.isHeld(TORRENT, 'ams')).toBe(false)
    })

    contract('calls the listener with what changed, once', async () => {
      const { overrides } = (await (await aSite()).node()).store
      const changed: Override[] = []
      overrides.onChange((overridden) => changed.push(...overridden))
      await overrides.put(aHold())
      await overrides.put(aHold())
      expect(changed).toEqual([aHold()])
    })

    contract('replicates an override to the other nodes', async () => {
      const site = await aSite()
      const [one, two] = [await site.node(), await site.node()]
      await one.store.overrides.put(aHold())
      await until(30_000, 'the other node holds it', () => two.store.overrides.current.isHeld(TORRENT, 'ams'))
      await two.store.overrides.put(aHold({ isHeld: false, atMs: HELD_AT_MS + 1 }))
      await until(
        30_000,
        'the first node releases it',
        () => !one.store.overrides.current.isHeld(TORRENT, 'ams'),
      )
    })

    contract('gives a new node the overrides before it is open', async () => {
      const site = await aSite()
      await (await site.node()).store.overrides.put(aRate)
      expect((await site.node()).store.overrides.current.all).toEqual([aRate])
    })

    contract('keeps the later of two overrides that two nodes make at the same time', async () => {
      const site = await aSite()
      const [one, two] = [await site.node(), await site.node()]
      const later = aHold({ isHeld: false, atMs: HELD_AT_MS + 1 })
      await Promise.all([one.store.overrides.put(aHold()), two.store.overrides.put(later)])
      for (const { store } of [one, two])
        await until(30_000, 'both nodes have the later one', () =>
          store.overrides.current.all.every(({ atMs }) => atMs === later.atMs),
        )
    })

    contract('keeps its overrides over a restart', async () => {
      const site = await aSite()
      const before = await site.node()
      await before.store.overrides.put(aHold({ site: undefined }))
      await before.store.close()
      const after = await site.restarted?.(before)
      expect(after?.store.overrides.current.isHeld(TORRENT, 'nyc')).toBe(true)
    })
  })
}
