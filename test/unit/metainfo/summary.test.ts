import { describe, expect, it } from 'vitest'
import { readMetainfo } from '../../../src/metainfo/metainfo.ts'
import { summarize, type TorrentSummary } from '../../../src/metainfo/summary.ts'
import { aTorrent, PLAIN_TORRENT } from '../../a-torrent.ts'

const summaryOf = (torrent: Buffer): TorrentSummary => summarize(readMetainfo(torrent, 'x.torrent'))
const warningCodes = (torrent: Buffer) => summaryOf(torrent).warnings.map(({ code }) => code)

const PIECES = '6:pieces20:aaaaaaaaaaaaaaaaaaaa'

/** A private torrent of one file in one piece, without warnings. */
const GOOD_INFO = `d6:lengthi5e4:name1:a12:piece lengthi16384e${PIECES}7:privatei1ee`

describe('the summary of a torrent', () => {
  it('has its content and its creator', () => {
    expect(summaryOf(PLAIN_TORRENT)).toMatchObject({
      name: 'a.txt',
      contentBytes: 5,
      paddingBytes: 0,
      pieceBytes: 16384,
      pieceCount: 1,
      fileCount: 1,
      files: [{ path: 'a.txt', lengthBytes: 5 }],
      isPrivate: false,
      tiers: [['http://tracker.example.org/announce']],
      webSeeds: ['http://mirror.example.org/f'],
      comment: 'hello',
      createdBy: undefined,
      createdAtSeconds: 1700000000,
    })
    expect(warningCodes(PLAIN_TORRENT)).toEqual(['not-private', 'web-seeds'])
  })

  it('has no warnings for a torrent without problems', () => {
    expect(warningCodes(aTorrent({ info: GOOD_INFO }))).toEqual([])
  })

  it('lists files with their folders, without padding', () => {
    const info =
      'd5:filesl' +
      'd6:lengthi16000e4:pathl1:x5:a.txtee' +
      'd4:attr1:p6:lengthi384e4:pathl4:.pad3:384ee' +
      'd6:lengthi5e4:pathl3:bade10:path.utf-8l3:é!ee' +
      `e4:name4:many12:piece lengthi16384e6:pieces40:${'a'.repeat(40)}7:privatei1ee`
    expect(summaryOf(aTorrent({ info }))).toMatchObject({
      contentBytes: 16005,
      paddingBytes: 384,
      pieceCount: 2,
      fileCount: 2,
      files: [
        { path: 'many/x/a.txt', lengthBytes: 16000 },
        { path: 'many/é!', lengthBytes: 5 },
      ],
      // rtorrent reads `path` alone.
      warnings: [{ code: 'names-changed' }],
    })
  })

  it('reads the file tree of a v2 torrent, where each file begins a new piece', () => {
    const file = (length: number) => `d0:d6:lengthi${length}e11:pieces root32:${'x'.repeat(32)}ee`
    const info =
      `d9:file treed3:dird1:a${file(16385)}1:b${file(1)}e5:emptyd0:d6:lengthi0eeee` +
      '12:meta versioni2e4:name3:two12:piece lengthi16384e7:privatei1ee'
    expect(summaryOf(aTorrent({ info }))).toMatchObject({
      contentBytes: 16386,
      pieceCount: 3,
      fileCount: 3,
      files: [
        { path: 'two/dir/a', lengthBytes: 16385 },
        { path: 'two/dir/b', lengthBytes: 1 },
        { path: 'two/empty', lengthBytes: 0 },
      ],
      warnings: [{ code: 'v2-only' }],
    })
  })

  it('lists the only file of a v2 torrent without a folder', () => {
    const info =
      'd9:file treed5:a.txtd0:d6:lengthi5eeee12:meta versioni2e4:name5:a.txt12:piece lengthi16384e7:privatei1ee'
    expect(summaryOf(aTorrent({ info })).files).toMatchObject([{ path: 'a.txt', lengthBytes: 5 }])
  })

  it('counts every file and lists the first ten thousand', () => {
    const files = 'd6:lengthi1e4:pathl1:aee'.repeat(10_001)
    const summary = summaryOf(aTorrent({ info: `d5:filesl${files}e4:name1:xe` }))
    expect([summary.fileCount, summary.contentBytes, summary.files.length]).toEqual([10_001, 10_001, 10_000])
  })

  it('reads web seeds from a list, and those of the older kind', () => {
    const torrent = aTorrent({
      info: GOOD_INFO,
      before: '9:httpseedsl8:http://ae',
      behind: '8:url-listl8:http://b0:i5ee',
    })
    expect(summaryOf(torrent).webSeeds).toEqual(['http://b', 'http://a'])
  })
})

describe('the summary of a torrent that attempts to exhaust memory', () => {
  it('does not repeat a name of megabytes for each file', () => {
    const files = 'd6:lengthi1e4:pathl1:aee'.repeat(10_000)
    const summary = summaryOf(aTorrent({ info: `d5:filesl${files}e4:name5000000:${'x'.repeat(5_000_000)}e` }))
    expect([summary.fileCount, summary.contentBytes]).toEqual([10_000, 10_000])
    expect(summary.name).toHaveLength(65_537)
    expect(summary.name?.endsWith('x…')).toBe(true)
    expect(summary.files[0]?.path).toBe(`${'x'.repeat(4096)}…`)
    expect(summary.files).toHaveLength(1024)
  })

  it('cuts off paths of a thousand folders', () => {
    const parts = '3:abc'.repeat(50_000)
    const summary = summaryOf(aTorrent({ info: `d5:filesld6:lengthi1e4:pathl${parts}eee4:name1:ne` }))
    expect(summary.files[0]?.path).toBe(`n${'/abc'.repeat(1024).slice(0, 4095)}…`)
  })

  it('lists ten thousand trackers over all tiers', () => {
    const before = `13:announce-listl${`l${'1:a'.repeat(200)}e`.repeat(200)}e`
    const { tiers } = summaryOf(aTorrent({ info: GOOD_INFO, before }))
    expect([tiers.length, tiers.flat().length]).toEqual([50, 9_950])
  })
})

describe('the summary of a torrent before its rewrite', () => {
  const torrent = aTorrent({
    info: GOOD_INFO,
    before: '8:announce3:bad',
    behind: '8:url-list8:http://w',
  })
  const codesWith = (webSeeds?: string[]) =>
    summarize(readMetainfo(torrent, 'x.torrent'), { tiers: [['http://t/announce']], webSeeds }).warnings.map(
      ({ code }) => code,
    )

  it('has the new trackers, without warnings about the old ones', () => {
    expect(warningCodes(torrent)).toEqual(['tracker-refused', 'web-seeds'])
    const { tiers, warnings } = summarize(readMetainfo(torrent, 'x.torrent'), {
      tiers: [['http://t/announce']],
    })
    expect(tiers).toEqual([['http://t/announce']])
    expect(warnings.map(({ code }) => code)).toEqual(['web-seeds'])
  })

  it('has warnings about the new web seeds', () => {
    expect(codesWith([])).toEqual([])
    expect(codesWith(['http://w/?x'])).toEqual(['web-seeds', 'web-seed-query'])
  })
})

describe('the tiers of a torrent', () => {
  const tiersOf = (before: string) => summaryOf(aTorrent({ info: GOOD_INFO, before })).tiers

  it('are those of the list, without empty ones', () => {
    expect(tiersOf('8:announce1:a13:announce-listll1:a1:bele1:xl1:cee')).toEqual([['a', 'b'], ['c']])
  })

  it.each([
    ['is missing', '8:announce1:a'],
    ['is empty', '8:announce1:a13:announce-listle'],
    ['has one empty tier', '8:announce1:a13:announce-listllee'],
    ['is not a list', '8:announce1:a13:announce-listi5e'],
  ])('are only `announce` where the list %s', (_, before) => {
    expect(tiersOf(before)).toEqual([['a']])
  })

  it('are empty without `announce` and without a list', () => {
    expect(tiersOf('')).toEqual([])
  })
})

describe('a torrent has a warning', () => {
  const codesFor = (info: string) => warningCodes(aTorrent({ info }))

  it('when it is not private, also with an explicit 0', () => {
    expect(codesFor(GOOD_INFO.replace('7:privatei1e', ''))).toEqual(['not-private'])
    expect(codesFor(GOOD_INFO.replace('privatei1e', 'privatei0e'))).toEqual(['not-private'])
  })

  it('when only Transmission 4 would announce to its `announce`', () => {
    const announce = (list: string) =>
      aTorrent({ info: GOOD_INFO, before: `8:announce17:http://a/announce13:announce-list${list}` })
    expect(warningCodes(announce('ll17:http://b/announceee'))).toEqual(['announce-outside-list'])
    expect(warningCodes(announce('ll17:http://b/announceel17:http://a/announceee'))).toEqual([])
  })

  it('when some client refuses a tracker, once for each tracker', () => {
    const url = (text: string) => `${text.length}:${text}`
    const good = ['http://a/announce', 'udp://tracker.example:6969', 'http://b/announce.php?token=1'].map(url)
    const bad = ['wss://c', 'http://d/announce?key=1', 'http://d/announce?key=1'].map(url)
    const before = `13:announce-listll${good.join('')}el${bad.join('')}ee`
    const { warnings } = summaryOf(aTorrent({ info: GOOD_INFO, before }))
    expect(warnings).toEqual([
      {
        code: 'tracker-refused',
        message:
          'some clients refuse the tracker wss://c: wss is not a tracker protocol; ' +
          'libtorrent and rtorrent refuse it; write http, https or udp',
      },
      {
        code: 'tracker-refused',
        message:
          'some clients refuse the tracker http://d/announce?key=1: the parameter key in the query of a ' +
          'tracker URL; libtorrent, qBittorrent and Deluge block it; use another name, such as pk',
      },
    ])
  })

  it('when a web seed is invalid, or has a query, which is not printed', () => {
    const behind = '8:url-listl5:ftp:a23:http://a/?signature=xyze'
    const { warnings } = summaryOf(aTorrent({ info: GOOD_INFO, behind }))
    expect(warnings.map(({ code }) => code)).toEqual(['web-seeds', 'web-seed-refused', 'web-seed-query'])
    expect(warnings[1]?.message).toContain('some clients refuse the web seed ftp:a')
    expect(warnings[2]?.message).toContain('the web seed http://a/?… has a query')
    expect(JSON.stringify(warnings)).not.toContain('xyz')
  })

  it('when its meta version is unknown', () => {
    const versioned = (version: string) =>
      codesFor(GOOD_INFO.replace('4:name', `12:meta version${version}4:name`))
    expect(versioned('i3e')).toEqual(['version-unknown'])
    expect(versioned('1:2')).toEqual([])
    expect(versioned('i1e')).toEqual([])
  })

  it('when it has more hashes than pieces, which only rtorrent ignores', () => {
    expect(codesFor(GOOD_INFO.replace('20:a', '40:aaaaaaaaaaaaaaaaaaaaa'))).toEqual(['pieces-mismatch'])
    expect(codesFor(GOOD_INFO.replace('i5e', 'i16384e'))).toEqual([])
  })

  it.each([
    ['no `name`', GOOD_INFO.replace('4:name1:a', '')],
    ['`piece length` is not a positive number', GOOD_INFO.replace('i16384e', 'i0e')],
    ['`piece length` is not a positive number', GOOD_INFO.replace('i16384e', '1:x')],
    ['no files', GOOD_INFO.replace('6:lengthi5e', '')],
    ['a file has no `length`', GOOD_INFO.replace('i5e', 'i-5e')],
    ['no `pieces`', GOOD_INFO.replace(PIECES, '')],
    ['no `pieces`', GOOD_INFO.replace(PIECES, '6:piecesi5e')],
    ['`pieces` does not fit the length of its files', GOOD_INFO.replace('20:a', '19:')],
    ['`pieces` does not fit the length of its files', GOOD_INFO.replace('i5e', 'i16385e')],
    ['its files have 0 bytes', GOOD_INFO.replace('i5e', 'i0e').replace(PIECES, '6:pieces0:')],
  ])('when no client can download it: %s', (missing, info) => {
    const { warnings } = summaryOf(aTorrent({ info }))
    expect(warnings).toMatchObject([{ code: 'info-incomplete' }])
    expect(warnings[0]?.message).toContain(missing)
  })

  it('when it is a hybrid, which has two swarms', () => {
    const tree = `9:file treed1:ad0:d6:lengthi5e11:pieces root32:${'x'.repeat(32)}eee`
    const info = GOOD_INFO.replace('6:length', `${tree}6:length`).replace(
      '4:name',
      '12:meta versioni2e4:name',
    )
    expect(codesFor(info)).toEqual(['hybrid'])
  })

  it('when it exceeds the limit of libtorrent', () => {
    const sized = (bytes: number) => {
      const commentBytes = bytes - aTorrent({ info: GOOD_INFO }).length - '7:comment9999000:'.length
      return aTorrent({ info: GOOD_INFO, before: `7:comment${commentBytes}:${'x'.repeat(commentBytes)}` })
    }
    expect([sized(10_000_000).length, warningCodes(sized(10_000_000))]).toEqual([10_000_000, []])
    expect([sized(10_000_001).length, warningCodes(sized(10_000_001))]).toEqual([10_000_001, ['file-large']])
  })
})
