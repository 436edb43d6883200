/** The contract of SiteLog, run once per implementation. */
import { describe, expect } from 'vitest'
import { until } from '../a-redis.ts'
import { contractTests, type TextReplica, type Skips, type TestSite } from './a-site.ts'

/** Waits of a test take milliseconds; on a busy machine they may take longer. */
const SOON_MS = 30_000

/** A log delivers at least once: after a broken connection, some batches are repeated. */
const withoutRepeats = ({ received }: TextReplica): string[] => [...new Set(received)]

export function describeSiteLog(
  implementation: string,
  aSite: () => Promise<TestSite>,
  skips: Skips = {},
): void {
  const contract = contractTests(skips)

  describe(`SiteLog: ${implementation}`, () => {
    contract('delivers the batches of a node to itself in the order in which it appended them', async () => {
      const { replica } = await (await aSite()).node()
      const texts = Array.from({ length: 500 }, (_, index) => `peer ${index}`)
      replica.record(...texts)
      await until(SOON_MS, 'all batches arrived', () => withoutRepeats(replica).length >= 500)
      expect(withoutRepeats(replica)).toEqual(texts)
    })

    contract('delivers the batches of a node to all others in order', async () => {
      const site = await aSite()
      const [one, two, three] = [await site.node(), await site.node(), await site.node()]
      const texts = Array.from({ length: 500 }, (_, index) => `peer ${index}`)
      two.replica.record(...texts)
      for (const { replica } of [one, three])
        await until(
          SOON_MS,
          'the others have received all of them',
          () => withoutRepeats(replica).length >= 500,
        )
      expect(withoutRepeats(one.replica)).toEqual(texts)
      expect(withoutRepeats(three.replica)).toEqual(texts)
    })

    contract('replays earlier batches to a new node, which is open once it has applied them', async () => {
      const site = await aSite()
      const old = await site.node()
      const texts = Array.from({ length: 3_000 }, (_, index) => `peer ${index}`)
      for (const text of texts) {
        old.replica.record(text)
        if (text.endsWith('99')) await new Promise((resolve) => setImmediate(resolve))
      }
      await until(SOON_MS, 'everything is written', () => old.store.state.backlogBytes === 0)
      const young = await site.node()
      expect(young.store.state.isCaughtUp).toBe(true)
      expect(withoutRepeats(young.replica)).toEqual(texts)
    })

    contract('takes a batch that is larger than any other', async () => {
      const site = await aSite()
      const [one, two] = [await site.node(), await site.node()]
      const large = 'x'.repeat(1_000_000)
      one.replica.record(large, 'small')
      await until(SOON_MS, 'both arrived', () => withoutRepeats(two.replica).length === 2)
      expect(withoutRepeats(two.replica).map((each) => each.length)).toEqual([1_000_000, 5])
    })

    contract('does not deliver batches to other sites', async () => {
      const [here, there] = [await (await aSite()).node(), await (await aSite()).node()]
      here.replica.record('of here')
      there.replica.record('of there')
      await until(
        SOON_MS,
        'both received their own batches',
        () => here.replica.received.length > 0 && there.replica.received.length > 0,
      )
      expect([withoutRepeats(here.replica), withoutRepeats(there.replica)]).toEqual([
        ['of here'],
        ['of there'],
      ])
    })

    contract('keeps the records of a node over its restart', async () => {
      const site = await aSite()
      const before = await site.node()
      before.replica.record('a seed', 'a leecher')
      await before.store.close()
      const after = await site.restarted?.(before)
      expect(after?.replica.texts).toEqual(['a leecher', 'a seed'])
    })

    contract('reports its state in a sentence', async () => {
      const { store } = await (await aSite()).node()
      expect(store.state).toMatchObject({ isUp: true, isCaughtUp: true, backlogBytes: 0, droppedBatches: 0 })
      expect(store.state.sentence).toMatch(/\w+ \w+/)
    })
  })
}
