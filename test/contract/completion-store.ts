/** The contract of CompletionStore, run once per implementation. */
import { describe, expect } from 'vitest'
import { until } from '../a-redis.ts'
import { contractTests, type Skips, type TestNode, type TestSite } from './a-site.ts'

const TORRENT = Buffer.alloc(20, 0xab)
const HEX = 'ab'.repeat(20)

const counted = ({ replica }: TestNode, count: number, hex = HEX) =>
  until(30_000, `a node has ${count} completions`, () => replica.counts.get(hex) === count)

export function describeCompletionStore(
  implementation: string,
  aSite: () => Promise<TestSite>,
  skips: Skips = {},
): void {
  const contract = contractTests(skips)

  describe(`CompletionStore: ${implementation}`, () => {
    contract('counts the clients of a torrent', async () => {
      const node = await (await aSite()).node()
      for (const client of [1, 2, 0xffffffff]) node.store.completions.add(TORRENT, client)
      await counted(node, 3)
      expect([...node.replica.counts]).toEqual([[HEX, 3]])
    })

    contract('counts a client once, also where it is added several times', async () => {
      const node = await (await aSite()).node()
      for (const client of [1, 1, 2, 1]) node.store.completions.add(TORRENT, client)
      await counted(node, 2)
      node.store.completions.add(TORRENT, 2)
      node.store.completions.add(TORRENT, 3)
      await counted(node, 3)
      expect(node.replica.counts.get(HEX)).toBe(3)
    })

    contract('counts a client once, whichever nodes add it, and gives all nodes the count', async () => {
      const site = await aSite()
      const [one, two] = [await site.node(), await site.node()]
      one.store.completions.add(TORRENT, 1)
      two.store.completions.add(TORRENT, 1)
      two.store.completions.add(TORRENT, 2)
      await counted(one, 2)
      await counted(two, 2)
      expect(one.replica.counts).toEqual(two.replica.counts)
    })

    contract('gives a new node all counts before it is open', async () => {
      const site = await aSite()
      const one = await site.node()
      const torrents = Array.from({ length: 1_200 }, (_, index) => Buffer.alloc(20, `${index} `))
      for (const infoHash of torrents) one.store.completions.add(infoHash, 5)
      await until(30_000, 'all are counted', () => one.replica.counts.size === 1_200)
      const two = await site.node()
      expect(two.replica.counts).toEqual(one.replica.counts)
    })
  })
}
