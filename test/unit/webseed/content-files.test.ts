import { describe, expect, it } from 'vitest'
import { readMetainfo } from '../../../src/metainfo/metainfo.ts'
import { findContentFile, matchOrigin, readContentFiles } from '../../../src/webseed/content-files.ts'
import { aTorrent } from '../../a-torrent.ts'

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
    '/b/c.txt',
    '/dir/b//c.txt',
    '/dir/b%2Fc.txt',
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
