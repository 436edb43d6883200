import { describe, expect, it } from 'vitest'
import { readMetainfo } from '../../../src/metainfo/metainfo.ts'
import { findContentFile, matchOrigin, readContentFiles } from '../../../src/webseed/content-files.ts'
import { aTorrent } from '../../a-torrent.ts'
import { aZeroTorrent, type ZeroTorrentCase } from '../../a-zero-torrent.ts'

const PIECES = `6:pieces20:${'a'.repeat(20)}`
const single = `d6:lengthi5e4:name5:a.txt12:piece lengthi16384e${PIECES}e`
const folder =
  'd5:filesl' +
  'd6:lengthi5e4:pathl1:b5:c.txteed4:attr1:p6:lengthi3e4:pathl4:.pad1:3eed6:lengthi7e4:pathl8:d ü.binee' +
  `e4:name3:dir12:piece lengthi16384e${PIECES}e`

const filesOf = (info: string) =>
  readContentFiles(readMetainfo(aTorrent({ info: Buffer.from(info) }), 'test'))
const anOrigin = (isFolder: boolean, ...files: readonly [string, number][]) => ({
  isFolder,
  files: files.map(([path, sizeBytes]) => ({ path: path === '' ? [] : path.split('/'), sizeBytes, tag: '' })),
})

describe('the file that a web seed request selects', () => {
  it.each(['', '/', '/a.txt', '/a%2etxt'])('is the only one of a single-file torrent for %j', (path) => {
    expect(findContentFile(filesOf(single), path)).toEqual({ number: 0, sizeBytes: 5, isPadding: false })
  })

  it.each([
    ['/dir/b/c.txt', 0, 5],
    ['/dir/d%20%C3%BC.bin', 2, 7],
    ['/dir/d%20%c3%bc.bin', 2, 7],
  ])('is found by folders and name: %s', (path, number, sizeBytes) => {
    expect(findContentFile(filesOf(folder), path)).toEqual({ number, sizeBytes, isPadding: false })
  })

  it('may be padding, which aria2 requests', () => {
    expect(findContentFile(filesOf(folder), '/dir/.pad/3')).toEqual({
      number: 1,
      sizeBytes: 3,
      isPadding: true,
    })
  })

  it.each([
    '',
    '/',
    '/dir',
    '/dir/',
    '//dir/b/c.txt',
    '/b/c.txt',
    '/dir/b//c.txt',
    '/dir/./b/c.txt',
    '/dir/b/../b/c.txt',
    '/../../etc/passwd',
    '//etc/passwd',
    '/dir/%',
    '/dir/%ff',
    '/dir/b/c.txt%00',
  ])('does not exist for %j', (path) => {
    expect(findContentFile(filesOf(folder), path)).toBeUndefined()
  })

  const numberOf = (info: ZeroTorrentCase['info'], path: string) =>
    findContentFile(
      readContentFiles(readMetainfo(aZeroTorrent({ info: { name: 'd', ...info } }), 'test')),
      path,
    )?.number
  const folderOf = (...names: string[]) => ({ files: names.map((each) => ({ path: [each] })) })

  it.each([
    ['libtorrent, without the backslash', '/d/xx2dy'],
    ['Transmission, with an underscore in its place', '/d/x_x2dy'],
    ['aria2, with the backslash', '/d/x%5Cx2dy'],
  ])('has the name that it has in %s', (_client, path) => {
    expect(numberOf(folderOf('x\\x2dy', 'b'), path)).toBe(0)
  })

  it('has its name in UTF-8 and the one in an old encoding', () => {
    const info = { name: { hex: 'cfee' }, 'name.utf-8': 'По', ...folderOf('a', 'b') }
    expect(numberOf(info, '/%D0%9F%D0%BE/b')).toBe(1)
    expect(numberOf(info, '/%cf%ee/b')).toBe(1)
  })

  it('is found by bytes that are not UTF-8, and by what clients make of them', () => {
    const info = { files: [{ path: [{ hex: '66e92e62696e' }] }, { path: [{ hex: '66e82e62' }] }] }
    expect(
      ['/d/f%E9.bin', '/d/f%C3%A9.bin', '/d/f%E8.b', '/d/f_'].map((path) => numberOf(info, path)),
    ).toEqual([0, 0, 1, 1])
  })

  it('is the only one of a folder for the name of the folder, which libtorrent requests', () => {
    expect(numberOf(folderOf('a.bin'), '/d')).toBe(0)
    expect(numberOf(folderOf('a.bin', 'b'), '/d')).toBeUndefined()
  })

  it('may have a slash in its name', () => {
    const info = { name: 'R1/beta' }
    expect(
      ['/R1beta', '/R1_beta', '/R1/beta', '/R1%2Fbeta', '/'].map((path) => numberOf(info, path)),
    ).toEqual([0, 0, 0, 0, 0])
  })

  it('may have question marks, percent signs and number signs, escaped or not', () => {
    const info = folderOf('a?b', '50%', 'c#d', '%41')
    const paths = [
      '/d/a?b',
      '/d/a%3Fb',
      '/d/a_b',
      '/d/50%',
      '/d/50%25',
      '/d/c%23d',
      '/d/c',
      '/d/%2541',
      '/d/%41',
    ]
    expect(paths.map((path) => numberOf(info, path))).toEqual([0, 0, 0, 1, 1, 2, 2, 3, 3])
  })

  it('is found before a query', () => {
    expect(numberOf(folderOf('a', 'b'), '/d/a?x=y')).toBe(0)
  })

  it('is the one with that very name where a client gives it to another one too', () => {
    expect(numberOf(folderOf('a:b', 'a_b'), '/d/a_b')).toBe(1)
  })

  it('does not exist for a name that a client gives to two files', () => {
    expect(numberOf(folderOf('a:b', 'a|b'), '/d/a_b')).toBeUndefined()
    expect(numberOf(folderOf('a:b', 'a|b'), '/d/a%7Cb')).toBe(1)
  })
})

describe('the origin of a torrent', () => {
  it('is one file for a single-file torrent, regardless of its name there', () => {
    expect([...matchOrigin(filesOf(single), anOrigin(false, ['', 5]))]).toEqual([[0, 0]])
  })

  it('is a folder for a folder, regardless of its name, and has all its files but padding', () => {
    const origin = anOrigin(true, ['b/c.txt', 5], ['d ü.bin', 7], ['more', 1])
    expect([...matchOrigin(filesOf(folder), origin)]).toEqual([
      [0, 0],
      [2, 1],
    ])
  })

  const filesOfZeros = (info: ZeroTorrentCase['info']) =>
    readContentFiles(readMetainfo(aZeroTorrent({ info: { name: 'd', ...info } }), 'test'))

  it('may lack links and empty files, and have them with any size', () => {
    const link = { path: ['bin', 'link'], attr: 'l', 'symlink path': ['a'] }
    const files = [{ path: ['a'] }, { ...link, length: 0 }, { path: ['empty'], length: 0 }]
    expect([...matchOrigin(filesOfZeros({ files }), anOrigin(true, ['a', 20_000]))]).toEqual([[0, 0]])
    const followed = anOrigin(true, ['a', 20_000], ['bin/link', 20_000], ['empty', 0])
    expect([...matchOrigin(filesOfZeros({ files }), followed)]).toEqual([[0, 0]])
    const withoutLength = [{ path: ['a'] }, { ...link, length: null }]
    expect([...matchOrigin(filesOfZeros({ files: withoutLength }), followed)]).toEqual([[0, 0]])
  })

  it('may be the download of a client, with the names of that client', () => {
    const files = filesOfZeros({ files: [{ path: ['x\\y'] }, { path: ['Foo::Bar'] }] })
    expect([...matchOrigin(files, anOrigin(true, ['Foo::Bar', 20_000], ['xy', 20_000]))]).toEqual([
      [0, 1],
      [1, 0],
    ])
    expect(matchOrigin(files, anOrigin(true, ['Foo__Bar', 20_000], ['x_y', 20_000])).size).toBe(2)
  })

  it('reports a name in another normal form, which looks the same', () => {
    const files = filesOfZeros({ files: [{ path: ['di\u0301a.bin'] }] })
    expect(() => matchOrigin(files, anOrigin(true, ['d\u00eda.bin', 20_000]))).toThrow(
      'the origin has "d\u00eda.bin" with composed or decomposed letters (NFC), and the torrent the same name in the other form (NFD)',
    )
  })

  it.each([
    ['of another size', single, anOrigin(false, ['', 6]), 'the origin has 6 bytes; in the torrent it has 5'],
    [
      'a folder instead of a file',
      single,
      anOrigin(true, ['a.txt', 5]),
      'the origin is a folder, and the torrent is a single file',
    ],
    [
      'a file instead of a folder',
      folder,
      anOrigin(false, ['', 5]),
      'the origin is a single file, and the torrent is a folder',
    ],
    ['without one of the files', folder, anOrigin(true, ['b/c.txt', 5]), 'the origin has no file "d ü.bin"'],
    [
      'with one of another size',
      folder,
      anOrigin(true, ['b/c.txt', 4], ['d ü.bin', 7]),
      '"b/c.txt" has 4 bytes; in the torrent it has 5',
    ],
  ])('cannot be one %s', (_case, info, origin, message) => {
    expect(() => matchOrigin(filesOf(info), origin)).toThrow(message)
  })
})
