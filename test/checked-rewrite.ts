/**
 * Checks of one rewritten torrent that do not use the rewriting code: libtorrent, and a slow reader that finds the entries.
 */
import { expect } from 'vitest'
import { readMetainfo } from '../src/metainfo/metainfo.ts'
import { type RewriteChanges, rewriteMetainfo, type Tiers } from '../src/metainfo/rewrite.ts'
import type { LibtorrentResult, LibtorrentReader } from './libtorrent-reader.ts'
import { slowEntries, slowHashes, slowKept } from './slow-bencode.ts'

export interface CheckedRewrite {
  readonly rewritten: Buffer
  readonly before: LibtorrentResult
  /** Our reader warned that clients disagree about the infohash. */
  readonly isWarned: boolean
  /** libtorrent computed another infohash; false where it refused the file. */
  readonly isDisputed: boolean
}

export async function checkRewrite(
  torrent: Buffer,
  tiers: Tiers,
  changes: RewriteChanges,
  libtorrent: LibtorrentReader,
): Promise<CheckedRewrite> {
  const metainfo = readMetainfo(torrent, 'x.torrent')
  const rewritten = rewriteMetainfo(metainfo, tiers, changes)
  const ours = [
    'announce',
    'announce-list',
    ...(changes.webSeeds === undefined ? [] : ['url-list', 'httpseeds']),
    ...(changes.dropsNodes === true ? ['nodes'] : []),
  ]

  // Every byte outside of our keys is unchanged, except for the order of keys.
  expect(slowKept(rewritten, ours)).toEqual(slowKept(torrent, ours))
  const keys = slowEntries(rewritten).map(({ key }) => key)
  expect(keys).toEqual(keys.toSorted())
  // With the entries in order, there are only entries between the first letter and the last.
  expect(rewritten.length).toBe(
    2 + slowEntries(rewritten).reduce((bytes, { whole }) => bytes + whole.length, 0),
  )

  const { sha1, sha256 } = slowHashes(torrent)
  expect(slowHashes(rewritten)).toEqual({ sha1, sha256 })
  const again = readMetainfo(rewritten, 'x.torrent')
  for (const { infoHashV1, infoHashV2 } of [metainfo, again]) {
    expect([infoHashV1?.toString('hex') ?? sha1, infoHashV2?.toString('hex') ?? sha256]).toEqual([
      sha1,
      sha256,
    ])
  }
  expect(rewriteMetainfo(again, tiers, changes).equals(rewritten)).toBe(true)

  const before = await libtorrent.read(torrent)
  const after = await libtorrent.read(rewritten)
  if ('refused' in before || 'refused' in after) expect(after).toEqual(before)
  else {
    const trackers = tiers.flatMap((tier, index) => tier.map((url) => `${index} ${url}`)).toSorted()
    expect(after).toMatchObject({ v1: before.v1, v2: before.v2, bytes: before.bytes, trackers })
  }
  const isWarned = metainfo.warnings.some(({ code }) => code === 'info-not-canonical')
  const isDisputed =
    !('refused' in before) &&
    (before.v1 !== (metainfo.infoHashV1?.toString('hex') ?? null) ||
      before.v2 !== (metainfo.infoHashV2?.toString('hex') ?? null))
  return { rewritten, before, isWarned, isDisputed }
}
