/** Rewriting, byte for byte: torrents before and after, and the bytes that stay in files that are not canonical. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readMetainfo } from '../../src/metainfo/metainfo.ts'
import { rewriteMetainfo } from '../../src/metainfo/rewrite.ts'
import { AWKWARD_INFO, AWKWARD_INFO_HASH, aTorrent, PLAIN_INFO_HASH, PLAIN_TORRENT } from '../a-torrent.ts'

const TIERS = [
  ['http://s1a.example.net:6969/announce', 'http://s1b.example.net:6969/announce'],
  ['http://s2a.example.net:6969/announce'],
]

const REWRITTEN =
  'd8:announce36:http://s1a.example.net:6969/announce13:announce-listll36:http://s1a.example.net:6969/announce' +
  '36:http://s1b.example.net:6969/announceel36:http://s2a.example.net:6969/announceee7:comment5:hello' +
  '13:creation datei1700000000e4:infod6:lengthi5e4:name5:a.txt12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaae' +
  '8:url-list27:http://mirror.example.org/fe'

const sha1 = (bytes: Buffer) => createHash('sha1').update(bytes).digest('hex')
const infoHashOf = (bytes: Buffer) => readMetainfo(bytes, 'x.torrent').infoHashV1?.toString('hex')

describe('the torrent whose infohash has awkward bytes', () => {
  it('has the infohash that every client computes', () => {
    const metainfo = readMetainfo(aTorrent(), 'x.torrent')
    expect(AWKWARD_INFO.length).toBe(111)
    expect(metainfo.infoHashV1?.toString('hex')).toBe('2bcb3dab253c7e8c9355b33f262efadd63005087')
    expect(metainfo.infoHashV2).toBeUndefined()
    expect(metainfo.warnings).toEqual([])
  })
})

describe('a torrent for a site with two trackers and a fallback', () => {
  it('is the expected file, to the byte', () => {
    expect([PLAIN_TORRENT.length, sha1(PLAIN_TORRENT)]).toEqual([
      219,
      '98106374d31fe26d2f3ac6f725db450c46a80b53',
    ])
    const rewritten = rewriteMetainfo(readMetainfo(PLAIN_TORRENT, 'x.torrent'), TIERS)
    expect(rewritten.toString()).toBe(REWRITTEN)
    expect([rewritten.length, sha1(rewritten)]).toEqual([359, '14977eba864f95e9dd48f47d8814baa4859edfec'])
  })

  it('keeps its infohash', () => {
    expect(infoHashOf(PLAIN_TORRENT)).toBe(PLAIN_INFO_HASH)
    expect(infoHashOf(Buffer.from(REWRITTEN))).toBe('7faf75b2447f88700c68f1eceda713cd90a0127a')
  })
})

/** `from` → `to` inside the `info` of the awkward torrent. */
function changed(from: string, to: string): Buffer {
  return Buffer.from(AWKWARD_INFO.toString('latin1').replace(from, to), 'latin1')
}

describe('an `info` that is not canonical', () => {
  it.each([
    [
      'keys out of order',
      '6:lengthi32768e4:name12:t0126238.bin',
      '4:name12:t0126238.bin6:lengthi32768e',
      '6cecc911396cb571de7e88011103eb126dcfff37',
      'a dictionary key that sorts before the one it follows',
      29,
    ],
    [
      'an integer with a leading zero',
      'i32768e',
      'i032768e',
      '814a483017e71f37ff9c52449828e13f0b6e692b',
      'an integer with a leading zero',
      16,
    ],
    [
      'a string length with a leading zero',
      '4:name12:',
      '4:name012:',
      'cbd7ac75f80560f0eddc5ef6da1b920e848ae020',
      'a string length with a leading zero',
      29,
    ],
    [
      'a key twice',
      '4:name12:t0126238.bin',
      '4:name12:t0126238.bin4:name12:t0126238.bin',
      '546a3bbc8ee461d828dea5ca9f5d20bfe2f1a410',
      'a repeated dictionary key',
      44,
    ],
  ])('keeps its bytes and has a warning: %s', (_, from, to, hash, problem, offset) => {
    const torrent = aTorrent({ info: changed(from, to) })
    const metainfo = readMetainfo(torrent, 'x.torrent')
    expect(metainfo.infoHashV1?.toString('hex')).toBe(hash)
    expect(metainfo.warnings).toMatchObject([{ code: 'info-not-canonical', offset }])
    expect(metainfo.warnings[0]?.message).toContain(`${problem} at byte ${offset}.`)
    expect(infoHashOf(rewriteMetainfo(metainfo, TIERS))).toBe(hash)
  })

  it('keeps its bytes and has a warning: -0', () => {
    const info = Buffer.concat([AWKWARD_INFO.subarray(0, -1), Buffer.from('7:privatei-0ee')])
    const metainfo = readMetainfo(aTorrent({ info }), 'x.torrent')
    expect(metainfo.infoHashV1?.toString('hex')).toBe('2fe136cdc22a45410aa797b09243707e8154db62')
    expect(metainfo.warnings).toMatchObject([{ code: 'info-not-canonical', offset: 126 }])
    expect(infoHashOf(rewriteMetainfo(metainfo, TIERS))).toBe('2fe136cdc22a45410aa797b09243707e8154db62')
  })
})

describe('problems outside of `info`', () => {
  it('do not change the infohash when `announce` comes after `info`', () => {
    const metainfo = readMetainfo(aTorrent({ behind: '8:announce8:http://x' }), 'x.torrent')
    expect(metainfo.infoHashV1?.toString('hex')).toBe(AWKWARD_INFO_HASH)
    expect(metainfo.warnings.map(({ code }) => code)).toEqual(['outside-not-canonical'])
  })

  it('do not change the infohash when a line ending follows the file', () => {
    const metainfo = readMetainfo(Buffer.concat([aTorrent(), Buffer.from('\r\n')]), 'x.torrent')
    expect(metainfo.infoHashV1?.toString('hex')).toBe(AWKWARD_INFO_HASH)
    expect(metainfo.warnings.map(({ code }) => code)).toEqual(['trailing-whitespace'])
  })
})
