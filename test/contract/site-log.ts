/** The contract of SiteLog, run once per implementation. */
import { describe, expect } from 'vitest'
import { until } from '../a-redis.ts'
import { contractTests, type SentenceMemory, type Skips, type TestSite } from './a-site.ts'

/** What a test waits for takes milliseconds; a busy machine may take longer. */
const SOON_MS = 30_000

/** At least once is what a log promises: after a connection that broke, some of it comes again. */
const firstTimes = ({ heard }: SentenceMemory): string[] => [...new Set(heard)]

export function describeSiteLog(
  implementation: string,
  aSite: () => Promise<TestSite>,
  skips: Skips = {},
): void {
  const contract = contractTests(skips)

  describe(`SiteLog: ${implementation}`, () => {
    contract('delivers the batches of a node to itself in the order in which it appended them', async () => {
      const { memory } = await (await aSite()).node()
      const sentences = Array.from({ length: 500 }, (_, index) => `peer ${index}`)
      memory.hear(...sentences)
      await until(SOON_MS, 'all batches came back', () => firstTimes(memory).length >= 500)
      expect(firstTimes(memory)).toEqual(sentences)
    })

    contract('delivers the batches of a node to all others in order', async () => {
      const site = await aSite()
      const [one, two, three] = [await site.node(), await site.node(), await site.node()]
      const sentences = Array.from({ length: 500 }, (_, index) => `peer ${index}`)
      two.memory.hear(...sentences)
      for (const { memory } of [one, three])
        await until(SOON_MS, 'the others heard all of them', () => firstTimes(memory).length >= 500)
      expect(firstTimes(one.memory)).toEqual(sentences)
      expect(firstTimes(three.memory)).toEqual(sentences)
    })

    contract('replays what was said before to a new node, which is not open until it knows it', async () => {
      const site = await aSite()
      const old = await site.node()
      const sentences = Array.from({ length: 3_000 }, (_, index) => `peer ${index}`)
      for (const sentence of sentences) {
        old.memory.hear(sentence)
        if (sentence.endsWith('99')) await new Promise((resolve) => setImmediate(resolve))
      }
      await until(SOON_MS, 'everything is written', () => old.store.state.backlogBytes === 0)
      const young = await site.node()
      expect(young.store.state.isCaughtUp).toBe(true)
      expect(firstTimes(young.memory)).toEqual(sentences)
    })

    contract('takes a batch that is larger than any other', async () => {
      const site = await aSite()
      const [one, two] = [await site.node(), await site.node()]
      const large = 'x'.repeat(1_000_000)
      one.memory.hear(large, 'small')
      await until(SOON_MS, 'both arrived', () => firstTimes(two.memory).length === 2)
      expect(firstTimes(two.memory).map((each) => each.length)).toEqual([1_000_000, 5])
    })

    contract('sites do not hear each other', async () => {
      const [here, there] = [await (await aSite()).node(), await (await aSite()).node()]
      here.memory.hear('of here')
      there.memory.hear('of there')
      await until(
        SOON_MS,
        'both heard themselves',
        () => here.memory.heard.length > 0 && there.memory.heard.length > 0,
      )
      expect([firstTimes(here.memory), firstTimes(there.memory)]).toEqual([['of here'], ['of there']])
    })

    contract('keeps what a node knew over its restart', async () => {
      const site = await aSite()
      const before = await site.node()
      before.memory.hear('a seed', 'a leecher')
      await before.store.close()
      const after = await site.restarted?.(before)
      expect(after?.memory.known).toEqual(['a leecher', 'a seed'])
    })

    contract('says that all is well, in a sentence', async () => {
      const { store } = await (await aSite()).node()
      expect(store.state).toMatchObject({ isUp: true, isCaughtUp: true, backlogBytes: 0, droppedBatches: 0 })
      expect(store.state.sentence).toMatch(/\w+ \w+/)
    })
  })
}
