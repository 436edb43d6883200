/**
 * Rewriting of thousands of generated torrents that no program would make: libtorrent must find the same infohash before
 * and after, and every byte that is not ours must be unchanged.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkRewrite } from '../checked-rewrite.ts'
import { LibtorrentReader } from '../libtorrent-reader.ts'
import { bencoded, bencodedString } from '../property/bencoded.ts'
import { needs } from '../setup/needs.ts'

const TORRENTS = 4_000

interface Entry {
  readonly key: Buffer
  readonly value: Buffer
}

const text = (content: string | Buffer) => {
  const bytes = Buffer.from(content)
  return Buffer.concat([Buffer.from(`${bytes.length}:`), bytes])
}
const entry = (key: string, value: string | Buffer): Entry => ({ key: text(key), value: Buffer.from(value) })
const dictionary = (entries: readonly Entry[]) =>
  Buffer.concat([Buffer.from('d'), ...entries.flatMap(({ key, value }) => [key, value]), Buffer.from('e')])

const V1 = [entry('length', 'i5e'), entry('pieces', text('a'.repeat(20)))]
const V2 = [
  entry(
    'file tree',
    dictionary([entry('a.txt', `d0:d6:lengthi5e11:pieces root${text('r'.repeat(32)).toString()}ee`)]),
  ),
  entry('meta version', 'i2e'),
]
const COMMON = [entry('name', '5:a.txt'), entry('piece length', 'i16384e')]

/** Nested lists or dictionaries: libtorrent reads 99 levels, we read 100. */
const deep = fc
  .tuple(fc.integer({ min: 1, max: 97 }), fc.boolean())
  .map(([depth, isList]) => Buffer.from(`${(isList ? 'l' : 'd1:x').repeat(depth)}0:${'e'.repeat(depth)}`))
const ordinary = fc.oneof(
  fc.maxSafeInteger().map((value) => Buffer.from(`i${value}e`)),
  fc.uint8Array({ maxLength: 30 }).map((bytes) => text(Buffer.from(bytes))),
)
const nonCanonical = fc
  .constantFrom('i007e', 'i-0e', '003:abc', 'd1:bi1e1:ai2ee', 'd1:ai1e1:ai2ee')
  .map((value) => Buffer.from(value))
/** Larger than every machine word; libtorrent refuses a file with one of these. */
const huge = fc.stringMatching(/^[1-9][0-9]{19,400}$/).map((digits) => Buffer.from(`i${digits}e`))
const value = fc.oneof(
  { weight: 20, arbitrary: ordinary },
  { weight: 4, arbitrary: deep },
  { weight: 4, arbitrary: nonCanonical },
  { weight: 1, arbitrary: huge },
  { weight: 1, arbitrary: bencoded },
)
const extra = fc.record({
  key: fc.oneof(
    bencodedString,
    fc.constantFrom('x', 'source', 'private', 'comment', 'collections', 'similar').map((key) => text(key)),
  ),
  value,
})

const shuffled = (entries: readonly Entry[]) =>
  fc.shuffledSubarray([...entries], { minLength: entries.length })

const infoOf = (known: readonly Entry[], extras: fc.Arbitrary<Entry[]>) =>
  extras.map((more) => sorted([...known, ...more]))
const wild = fc.array(extra, { maxLength: 3 })
/** One key, in its place, with an ordinary value: libtorrent accepts v2 and hybrid torrents only in canonical form. */
const tame = ordinary.map((content): Entry[] => [{ key: text('source'), value: content }])

const info = fc
  .oneof(
    { weight: 3, arbitrary: infoOf([...V1, ...COMMON], wild) },
    { weight: 2, arbitrary: infoOf([...V1, ...COMMON], wild).chain(shuffled) },
    // Twice the same length, or another one: the first counts.
    { weight: 1, arbitrary: infoOf([...V1, ...COMMON, entry('length', 'i6e')], wild) },
    { weight: 2, arbitrary: infoOf([...COMMON, ...V2], tame) },
    { weight: 2, arbitrary: infoOf([...V1, ...COMMON, ...V2], tame) },
    { weight: 1, arbitrary: infoOf([...V1, ...COMMON, ...V2], wild).chain(shuffled) },
  )
  .map(dictionary)

const topLevel = fc.oneof(
  extra,
  fc.constantFrom(
    entry('announce', '8:http://a'),
    entry('announce', 'i1e'),
    entry('announce-list', 'll8:http://b8:http://cel8:http://dee'),
    entry('announce-list', 'le'),
    entry('url-list', '8:http://w'),
    entry('url-list', 'l8:http://w8:http://xe'),
    entry('httpseeds', 'l8:http://ye'),
    entry('nodes', 'll9:127.0.0.1i6881eee'),
    entry('comment', text('é')),
    entry('creation date', 'i1700000000e'),
    entry('announce-lisu', '1:x'),
  ),
)

const torrent = fc
  .tuple(info, fc.array(topLevel, { maxLength: 6 }), fc.boolean())
  .chain(([infoBytes, others, isSorted]) => {
    const entries = [
      ...others.filter(({ key }) => !key.toString('latin1').endsWith(':info')),
      { key: text('info'), value: infoBytes },
      entry('piece layers', 'de'),
    ]
    return isSorted ? fc.constant(sorted(entries)) : shuffled(entries)
  })
  .map(dictionary)

const changes = fc.record({
  webSeeds: fc.constantFrom(undefined, [], ['http://seed.example/f']),
  dropsNodes: fc.boolean(),
})
const tiers = fc.constantFrom(
  [['http://t1.example:6969/announce', 'http://t2.example:6969/announce'], ['http://t0.example/announce']],
  [['udp://t.example:6969/announce']],
)

function sorted(entries: readonly Entry[]): Entry[] {
  const content = ({ key }: Entry) => key.subarray(key.indexOf(':') + 1)
  return entries.toSorted((left, right) => content(left).compare(content(right)))
}

const missing = needs('libtorrent')

describe.skipIf(missing !== false)('torrents that no program would make', () => {
  let libtorrent: LibtorrentReader
  beforeAll(() => {
    libtorrent = new LibtorrentReader()
  })
  afterAll(() => libtorrent.stop())

  it('are the same torrents to libtorrent after rewriting, and only our keys have changed', async ({
    annotate,
  }) => {
    const counts = { all: 0, canonical: 0, refused: 0, warned: 0, disputed: 0 }
    await fc.assert(
      fc.asyncProperty(torrent, tiers, changes, async (bytes, newTrackers, changed) => {
        const { before, isWarned, isDisputed } = await checkRewrite(bytes, newTrackers, changed, libtorrent)
        counts.all++
        if ('refused' in before) counts.refused++
        else if (!isWarned) counts.canonical++
        if (isWarned) counts.warned++
        if (isDisputed) counts.disputed++
        expect(isWarned || !isDisputed).toBe(true)
      }),
      { numRuns: TORRENTS },
    )
    await annotate(
      `libtorrent refused ${counts.refused} of ${counts.all}, before and after; ${JSON.stringify(counts)}`,
    )
    // A torrent that libtorrent refuses does not test the hashes, so it must accept most of them.
    expect(counts.refused).toBeLessThan(TORRENTS / 2)
    expect(counts.canonical).toBeGreaterThan(TORRENTS / 10)
    expect(counts.warned).toBeGreaterThan(TORRENTS / 10)
  }, 240_000)
})
