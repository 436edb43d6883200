/** The index of the files of torrents, changed step by step, is what an index built at once would be. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type KeptTorrent, KeptTorrents } from '../../../src/replication/kept-torrents.ts'

interface Step {
  readonly path: string
  readonly hashes: readonly number[]
  readonly registeredAtMs: number
  readonly hasDescription: boolean
  readonly isRemoved: boolean
}

const step: fc.Arbitrary<Step> = fc.record({
  path: fc.constantFrom('a', 'b', 'c', 'd'),
  hashes: fc.uniqueArray(fc.nat(3), { minLength: 1, maxLength: 2 }),
  registeredAtMs: fc.nat(2),
  hasDescription: fc.boolean(),
  isRemoved: fc.boolean(),
})

function fileOf({ path, hashes, registeredAtMs, hasDescription }: Step, version: number): KeptTorrent {
  const infoHashes = hashes.map((hash) => Buffer.alloc(20, hash))
  return {
    torrent: { infoHashes, name: `${path} ${version}`, sizeBytes: 1, registeredAtMs, note: '' },
    path,
    version: String(version),
    hasDescription,
  }
}

/** The last file with a description, or else the last file. */
function registeredIn(files: readonly KeptTorrent[], hash: number): KeptTorrent | undefined {
  const found = files.filter(({ torrent }) => torrent.infoHashes.some((each) => each[0] === hash))
  return found.findLast(({ hasDescription }) => hasDescription) ?? found.at(-1)
}

describe('the torrents of a directory', () => {
  it('are found by infohash and listed by age after any changes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), fc.nat(12), (steps, listedAfter) => {
        const kept = new KeptTorrents()
        let files: KeptTorrent[] = []
        for (const [version, each] of steps.entries()) {
          if (version === listedAfter) kept.list()
          files = files.filter(({ path }) => path !== each.path)
          if (each.isRemoved) kept.delete(each.path)
          else {
            const file = fileOf(each, version)
            files.push(file)
            kept.set(file)
          }
        }
        const registered = [0, 1, 2, 3].map((hash) => registeredIn(files, hash))
        expect([0, 1, 2, 3].map((hash) => kept.find(Buffer.alloc(20, hash)))).toEqual(registered)
        const listed = new Set(registered.flatMap((file) => file?.torrent ?? []))
        expect(new Set(kept.list())).toEqual(listed)
        expect(kept.list()).toHaveLength(listed.size)
        const ages = kept.list().map(({ registeredAtMs }) => registeredAtMs)
        expect(ages).toEqual(ages.toSorted((a, b) => a - b))
        expect([...kept.files()]).toEqual(files)
      }),
    )
  })

  it('are one list until a change', () => {
    const kept = new KeptTorrents()
    const one = fileOf(
      { path: 'a', hashes: [1], registeredAtMs: 1, hasDescription: true, isRemoved: false },
      1,
    )
    kept.set(one)
    const list = kept.list()
    expect(kept.set(one)).toBe(false)
    expect(kept.delete('b')).toBe(false)
    expect(kept.list()).toBe(list)
    kept.delete('a')
    expect([list, kept.list()]).toEqual([[one.torrent], []])
  })
})
