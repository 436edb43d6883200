/** The contract of DocumentStore, run once per implementation. */
import { describe, expect } from 'vitest'
import { until } from '../a-redis.ts'
import { contractTests, type Skips, type TestSite } from './a-site.ts'

export function describeDocumentStore(
  implementation: string,
  aSite: () => Promise<TestSite>,
  skips: Skips = {},
): void {
  const contract = contractTests(skips)

  describe(`DocumentStore: ${implementation}`, () => {
    contract('returns at once what was put, and no more what was removed', async () => {
      const { documents } = (await (await aSite()).node()).store
      documents.put('a', 'one')
      documents.put('b', 'two')
      documents.put('a', 'three')
      documents.remove('b')
      documents.remove('c')
      expect([...documents.entries()]).toEqual([['a', 'three']])
      expect([documents.get('a'), documents.get('b')]).toEqual(['three', undefined])
    })

    contract('gives the other nodes what one node put, replaced and removed', async () => {
      const site = await aSite()
      const [one, two] = [await site.node(), await site.node()]
      const changes: (readonly [string, string | undefined])[] = []
      two.store.documents.onChange((key, document) => void changes.push([key, document]))
      one.store.documents.put('a', 'one')
      await until(30_000, 'the document arrives', () => two.store.documents.get('a') === 'one')
      one.store.documents.put('a', 'two')
      await until(30_000, 'the new text arrives', () => two.store.documents.get('a') === 'two')
      one.store.documents.remove('a')
      await until(30_000, 'the removal arrives', () => two.store.documents.get('a') === undefined)
      expect(changes).toEqual([
        ['a', 'one'],
        ['a', 'two'],
        ['a', undefined],
      ])
    })

    contract('gives a new node all documents before it is open', async () => {
      const site = await aSite()
      const one = await site.node()
      for (let index = 0; index < 450; index++) one.store.documents.put(`key-${index}`, `${index}`)
      await one.store.close()
      const two = await site.node()
      expect([...two.store.documents.entries()].length).toBe(450)
    })

    contract('keeps documents over a restart', async () => {
      const site = await aSite()
      const one = await site.node()
      one.store.documents.put('a', 'one')
      await one.store.close()
      const again = await site.restarted?.(one)
      expect(again?.store.documents.get('a')).toBe('one')
    })
  })
}
