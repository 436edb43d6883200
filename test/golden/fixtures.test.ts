/** The .torrent files of WebTorrent's tests. The expected values come from libtorrent 2.0.8. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import fixtures from 'webtorrent-fixtures'
import { readMetainfo } from '../../src/metainfo/metainfo.ts'
import { rewriteMetainfo } from '../../src/metainfo/rewrite.ts'
import { summarize } from '../../src/metainfo/summary.ts'

const folder = dirname(fixtures.leaves.torrentPath)
const read = (file: string) => readMetainfo(readFileSync(join(folder, file)), file)
const TIERS = [['http://t1.example:6969/announce'], ['http://t0.example:6969/announce']]

/** Infohash, bytes, files, pieces, private. */
const expected: Readonly<Record<string, readonly [string, number, number, number, boolean]>> = {
  'alice.torrent': ['722fe65b2aa26d14f35b4ad627d20236e481d924', 163783, 1, 10, false],
  'bunny.torrent': ['af8f10f30bf9aefecf3686922bfa0d5bd290a395', 434839491, 1, 830, true],
  'folder.torrent': ['b88da2caac6648e6c7d7687e3f89085f7e230e6b', 15, 1, 1, false],
  'leaves-metadata.torrent': ['d2474e86c95b19b8bcfdb92bc12c9d44667cfa36', 362017, 1, 23, false],
  'leaves.torrent': ['d2474e86c95b19b8bcfdb92bc12c9d44667cfa36', 362017, 1, 23, false],
  'lots-of-numbers.torrent': ['114ead6243792ba56297edbb9a78dfba84d4fc00', 12, 6, 1, false],
  'numbers.torrent': ['89d97c2261a21b040cf11caa661a3ba7233bb7e6', 6, 3, 1, false],
  'sintel.torrent': ['c334138ef5bfc2d568ea7324e0e2a3a7ec229bdd', 5490455272, 1, 1310, false],
}

describe('the torrents of WebTorrent’s tests', () => {
  it('are the expected ones, and one without a name', () => {
    const found = readdirSync(folder).filter((file) => file.endsWith('.torrent'))
    expect(found.toSorted()).toEqual([...Object.keys(expected), 'corrupt.torrent'].toSorted())
  })

  it.each(Object.entries(expected))('are read as libtorrent reads them: %s', (file, values) => {
    const metainfo = read(file)
    const { contentBytes, fileCount, pieceCount, isPrivate } = summarize(metainfo)
    const infoHash = metainfo.infoHashV1?.toString('hex')
    expect([infoHash, contentBytes, fileCount, pieceCount, isPrivate]).toEqual(values)
  })

  it.each(Object.entries(expected))('are the same torrents after rewriting: %s', (file, [infoHash]) => {
    const before = read(file)
    const after = readMetainfo(rewriteMetainfo(before, TIERS), file)
    expect(after.infoHashV1?.toString('hex')).toBe(infoHash)
    expect(summarize(after).tiers).toEqual(TIERS)
    // All entries but the two that the rewriter owns are unchanged.
    const others = ({ bytes, entries }: typeof before) =>
      entries
        .filter(({ key }) => !key.toString().startsWith('announce'))
        .map(({ start, value }) => bytes.toString('latin1', start, value.end))
    expect(others(after)).toEqual(others(before))
  })

  it('include one without a name, with a warning', () => {
    expect(summarize(read('corrupt.torrent')).warnings).toContainEqual({
      code: 'info-incomplete',
      message:
        '`info` has no `name`: libtorrent and rtorrent refuse it, aria2 and Transmission name the content after the ' +
        '.torrent file; make the torrent again',
    })
  })
})
