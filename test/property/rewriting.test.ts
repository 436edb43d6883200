/** Rewriting changes the trackers of any torrent and no other byte. */
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { readMetainfo } from '../../src/metainfo/metainfo.ts'
import { rewriteMetainfo } from '../../src/metainfo/rewrite.ts'
import { bencoded, bencodedString } from './bencoded.ts'

interface Entry {
  /** Length, colon, key. */
  readonly key: Buffer
  readonly value: Buffer
}

const encodeText = (text: string) => Buffer.from(`${Buffer.byteLength(text)}:${text}`)
const contentOf = (encoded: Buffer) => encoded.subarray(encoded.indexOf(':') + 1)
const isNamed = (entry: Entry, name: string) => contentOf(entry.key).equals(Buffer.from(name))

const deep = fc
  .integer({ min: 1, max: 97 })
  .map((depth) => Buffer.from('d1:x'.repeat(depth) + 'i1e' + 'e'.repeat(depth)))

const value = fc.oneof(bencoded, deep)

const info = fc
  .array(fc.tuple(bencodedString, bencoded), { maxLength: 5 })
  .map((entries) => Buffer.concat([Buffer.from('d'), ...entries.flat(), Buffer.from('e')]))

const otherKey = fc.oneof(
  bencodedString,
  fc
    .constantFrom('comment', 'announce', 'announce-list', 'piece layers', 'announce-lisu', 'a')
    .map(encodeText),
)

/** Entries in any order, one `info` among them. */
const entriesOfTorrent = fc
  .tuple(
    fc.array(fc.record({ key: otherKey, value }), { maxLength: 8 }),
    info.map((content): Entry => ({ key: Buffer.from('4:info'), value: content })),
    fc.nat(),
  )
  .map(([others, infoEntry, at]) => {
    const entries: Entry[] = others.filter((entry) => !isNamed(entry, 'info'))
    entries.splice(at % (entries.length + 1), 0, infoEntry)
    return entries
  })

const torrentOf = (entries: readonly Entry[]) =>
  Buffer.concat([Buffer.from('d'), ...entries.flatMap((entry) => [entry.key, entry.value]), Buffer.from('e')])

const tiersOfUrls = fc.uniqueArray(fc.webUrl(), { minLength: 1, maxLength: 6 }).chain((urls) =>
  fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 6, maxLength: 6 }).map((sizes) => {
    const left = [...urls]
    const tiers: string[][] = []
    for (const size of sizes) if (left.length > 0) tiers.push(left.splice(0, size))
    return tiers
  }),
)

describe('rewriting any torrent', () => {
  it('keeps every byte of every other entry, and the infohash', () => {
    fc.assert(
      fc.property(entriesOfTorrent, tiersOfUrls, (entries, tiers) => {
        const metainfo = readMetainfo(torrentOf(entries), 'x.torrent')
        const rewritten = rewriteMetainfo(metainfo, tiers)

        // An independent implementation: the new entries and the kept ones, sorted stably by bytes.
        const list = tiers.map(
          (tier) => `l${tier.map((url) => `${Buffer.byteLength(url)}:${url}`).join('')}e`,
        )
        const ours: Entry[] = [
          { key: encodeText('announce'), value: encodeText(tiers[0]?.[0] ?? '') },
          { key: encodeText('announce-list'), value: Buffer.from(`l${list.join('')}e`) },
        ]
        const theirs = entries.filter(
          (entry) => !isNamed(entry, 'announce') && !isNamed(entry, 'announce-list'),
        )
        const expected = [...ours, ...theirs].sort((left, right) =>
          contentOf(left.key).compare(contentOf(right.key)),
        )

        const again = readMetainfo(rewritten, 'x.torrent')
        return (
          rewritten.equals(torrentOf(expected)) &&
          (metainfo.infoHashV1 ?? metainfo.infoHashV2)?.equals(
            (again.infoHashV1 ?? again.infoHashV2) as Buffer,
          ) === true
        )
      }),
      { numRuns: 5_000 },
    )
  })

  it('twice equals rewriting it once', () => {
    fc.assert(
      fc.property(entriesOfTorrent, tiersOfUrls, (entries, tiers) => {
        const once = rewriteMetainfo(readMetainfo(torrentOf(entries), 'x.torrent'), tiers)
        return rewriteMetainfo(readMetainfo(once, 'x.torrent'), tiers).equals(once)
      }),
      { numRuns: 5_000 },
    )
  })

  it('for another site and back equals rewriting it once', () => {
    fc.assert(
      fc.property(entriesOfTorrent, tiersOfUrls, tiersOfUrls, (entries, tiers, others) => {
        const read = (bytes: Buffer) => readMetainfo(bytes, 'x.torrent')
        const once = rewriteMetainfo(read(torrentOf(entries)), tiers)
        return rewriteMetainfo(read(rewriteMetainfo(read(once), others)), tiers).equals(once)
      }),
      { numRuns: 2_000 },
    )
  })
})
