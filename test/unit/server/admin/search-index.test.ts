/** The index finds what a comparison with each torrent finds, after any changes of the list. */
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../../../src/core/random.ts'
import { SearchIndex } from '../../../../src/server/admin/search-index.ts'
import { type Named, torrentSearch } from '../../../../src/server/admin/torrent-search.ts'

const random = new SeededRandom(15)
const PARTS = ['a', 'AB', 'ß', 'ẞ', 'é', '\0', '\n', '.*', '12', 'ab12', '\u{1f4a9}', '\ud83d', '\udca9', '']

const part = () => PARTS[random.below(PARTS.length)] as string
const infoHash = () => Buffer.alloc(20, random.below(256))
const aTorrent = (): Named => ({
  name: `${part()}${part()}${part()}`,
  infoHashes: random.below(4) === 0 ? [infoHash(), infoHash()] : [infoHash()],
})
const torrents = (count: number) => Array.from({ length: count }, aTorrent)

const TEXTS = [...PARTS, 'A', 'ss', 'b1', 'abab', '1212', 'ab'.repeat(20), 'ab'.repeat(21), '\0a', 'x']

async function expectSame(index: SearchIndex<Named>, list: readonly Named[]): Promise<void> {
  for (const text of TEXTS) {
    const isFound = torrentSearch(text)
    const found = await index.find(list, text)
    expect(found.length).toBe(list.filter(isFound).length)
    expect(found).toEqual(list.filter(isFound))
  }
}

describe('the index of a list of torrents', () => {
  it('finds the same as a comparison with each, in the order of the list', async () => {
    await expectSame(new SearchIndex(), torrents(5_000))
  })

  it('and after torrents were added, removed and replaced anywhere', async () => {
    const index = new SearchIndex<Named>()
    let list: readonly Named[] = torrents(4_000)
    for (let change = 0; change < 12; change++) {
      const at = change < 3 ? list.length : change < 6 ? 0 : random.below(list.length)
      list = list.toSpliced(at, random.below(3), ...torrents(random.below(3)))
      await expectSame(index, list)
    }
    list = list.slice(0, 5)
    await expectSame(index, list)
    await expectSame(index, [])
    await expectSame(index, torrents(3))
  })

  it('finds in the list of its call, also while a later list is searched', async () => {
    const index = new SearchIndex<Named>()
    const list = torrents(3_000)
    const [before, after] = await Promise.all([index.find(list, 'a'), index.find(list.slice(1_500), 'a')])
    const isFound = torrentSearch('a')
    expect([before.length, after.length]).toEqual([
      list.filter(isFound).length,
      list.slice(1_500).filter(isFound).length,
    ])
  })
})
