import { describe, expect, it } from 'vitest'
import { readMetainfo } from '../../../src/metainfo/metainfo.ts'
import { summarize } from '../../../src/metainfo/summary.ts'
import { aZeroTorrent, type ZeroTorrentCase } from '../../a-zero-torrent.ts'

function warningsOf(info: ZeroTorrentCase['info']): string[] {
  const { warnings } = summarize(readMetainfo(aZeroTorrent({ info: { name: 'd', ...info } }), 'x.torrent'))
  return warnings.map(({ code, message }) => `${code}: ${message}`)
}

const folder = (...paths: string[]) => warningsOf({ files: paths.map((path) => ({ path: path.split('/') })) })

describe('a torrent has a warning', () => {
  it('not for names that no client changes', () => {
    expect(folder('a.bin', 'sub folder/Größe (1).txt', '日本.iso', 'i\u0301.bin')).toEqual([])
  })

  it('for a backslash, which libtorrent removes and Transmission replaces', () => {
    expect(folder('dev-disk-by\\x2dlabel.device', 'b')).toEqual([
      'names-changed: libtorrent changes a name: "dev-disk-by\\x2dlabel.device" becomes "dev-disk-byx2dlabel.device", so a host ' +
        'that has the content is not a seed with it; rename the file and make the torrent again',
      'names-changed: Transmission changes a name: "dev-disk-by\\x2dlabel.device" becomes "dev-disk-by_x2dlabel.device", so a host ' +
        'that has the content is not a seed with it; rename the file and make the torrent again',
    ])
  })

  it('for characters that Windows reserves, once for all names of a client', () => {
    expect(folder('Foo::Bar.3pm', 'what?.txt', 'con')).toEqual([
      expect.stringMatching(
        /^names-changed: Transmission changes 3 names: "Foo::Bar\.3pm" becomes "Foo__Bar\.3pm", /,
      ),
    ])
  })

  it('for names that differ only in case, of which libtorrent renames one', () => {
    expect(folder('README', 'readme')).toEqual([
      'names-collide: libtorrent renames a file whose path is taken, without regard to case: "d/readme" becomes "d/readme.1", so a host ' +
        'that has the content is not a seed with it; rename the file and make the torrent again',
    ])
  })

  it('for a file and a folder of one name, which only libtorrent can write', () => {
    expect(folder('a', 'a/b')).toEqual([
      expect.stringMatching(/^names-collide: libtorrent renames .* "d\/a" becomes "d\/a\.1"/),
      'names-collide: aria2, Transmission and rtorrent cannot write a name that another file or a folder has, such as "d/a"; ' +
        'rename the file and make the torrent again',
    ])
  })

  it('for names that collide only in the client that changes them', () => {
    expect(folder('a:b', 'a?b')).toEqual([
      expect.stringMatching(/^names-changed: Transmission changes 2 names/),
      expect.stringMatching(/^names-collide: Transmission cannot write a name .* "d\/a_b"/),
    ])
  })

  it('for names that are not UTF-8, with escapes of their bytes', () => {
    const files = [{ path: [{ hex: '66e92e62696e' }] }, { path: [{ hex: '66e82e62696e' }] }]
    expect(warningsOf({ files })).toEqual([
      'names-not-utf8: 2 names are not UTF-8, such as "f\\xe9.bin": libtorrent, aria2 and Transmission each write and request ' +
        'another name; make the torrent again with names in UTF-8',
      expect.stringMatching(/^names-collide: libtorrent renames .* "d\/f_in" becomes "d\/f_in\.1"/),
    ])
  })

  it('for a name in UTF-8 beside one in an old encoding, which rtorrent writes', () => {
    const info = { name: { hex: 'cfee' }, 'name.utf-8': 'По', files: [{ path: ['a'] }, { path: ['b'] }] }
    expect(warningsOf(info)).toEqual([
      expect.stringMatching(/^names-changed: rtorrent changes a name: "По" becomes "\\xcf\\xee", /),
    ])
  })

  it('for a slash in the name of one file, with the client that refuses it', () => {
    expect(warningsOf({ name: 'R1/beta' })).toEqual([
      'client-refuses: rtorrent does not download this: a name is `.` or `..`, or contains a slash or a zero byte',
      expect.stringMatching(/^names-changed: libtorrent changes a name: "R1\/beta" becomes "R1beta", /),
      expect.stringMatching(/^names-changed: Transmission changes a name: "R1\/beta" becomes "R1_beta", /),
    ])
  })

  it('for a link without a length, with the clients that refuse it', () => {
    const link = { path: ['link'], attr: 'l', 'symlink path': ['a'] }
    const info = { files: [{ path: ['a'] }, { ...link, length: null }] }
    expect(warningsOf(info)).toEqual([
      'client-refuses: aria2, Transmission and rtorrent do not download this: a file has no `length`',
    ])
    expect(warningsOf({ files: [{ path: ['a'] }, { ...link, length: 0 }] })).toEqual([])
  })

  it('for empty files, which Transmission does not create', () => {
    expect(warningsOf({ files: [{ path: ['a'] }, { path: ['__init__.py'], length: 0 }] })).toEqual([
      'empty-files: Transmission does not create the empty file "__init__.py"',
    ])
  })

  it('for a content of 0 bytes', () => {
    expect(warningsOf({ length: 0 })).toEqual([
      'info-incomplete: no client downloads this: its files have 0 bytes; make the torrent again',
    ])
  })

  it('for a v2 torrent that libtorrent refuses, and so every client', () => {
    const info = { 'meta version': 2, 'piece length': 32_767, length: null, pieces: null, 'file tree': {} }
    expect(warningsOf(info)).toEqual([
      expect.stringMatching(
        /^info-incomplete: no client downloads this: the `piece length` of a v2 torrent must be a power/,
      ),
      expect.stringMatching(/^v2-only: /),
    ])
  })

  it('with one example of a thousand changed names', () => {
    const names = Array.from({ length: 1000 }, (_, index) => `a:${index}`)
    const [warning, ...others] = folder(...names)
    expect(warning).toContain('Transmission changes 1000 names: "a:0" becomes "a_0"')
    expect(others).toEqual([])
  })
})

describe('a torrent that attempts to exhaust memory or time', () => {
  it('may have twenty thousand files of one name', () => {
    const files = 'd6:lengthi1e4:pathl1:aee'.repeat(20_000)
    const info = `d5:filesl${files}e4:name1:d12:piece lengthi65536e6:pieces20:${'x'.repeat(20)}7:privatei1ee`
    const { warnings } = summarize(readMetainfo(Buffer.from(`d4:info${info}e`), 'x.torrent'))
    expect(warnings.map(({ code }) => code)).toEqual(['names-collide', 'names-collide'])
  })

  it('may have paths of two thousand folders', () => {
    const file = (name: string) => `d6:lengthi1e4:pathl${'1:a'.repeat(2000)}${name.length}:${name}ee`
    const files = Array.from({ length: 500 }, (_, index) => file(String(index))).join('')
    const info = `d5:filesl${files}e4:name1:d12:piece lengthi65536e6:pieces20:${'x'.repeat(20)}7:privatei1ee`
    const { warnings } = summarize(readMetainfo(Buffer.from(`d4:info${info}e`), 'x.torrent'))
    expect(warnings).toEqual([])
  })
})
