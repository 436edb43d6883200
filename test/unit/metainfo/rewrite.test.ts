import { describe, expect, it } from 'vitest'
import { readMetainfo } from '../../../src/metainfo/metainfo.ts'
import {
  type RewriteChanges,
  rewriteInParts,
  rewriteMetainfo,
  type Tiers,
} from '../../../src/metainfo/rewrite.ts'
import { aTorrent } from '../../a-torrent.ts'

const rewrite = (torrent: Buffer, tiers: Tiers = [['http://t']]) =>
  rewriteMetainfo(readMetainfo(torrent, 'x.torrent'), tiers).toString('latin1')

const NEW_KEYS = '8:announce8:http://t13:announce-listll8:http://tee'

describe('a rewritten torrent', () => {
  it('gets trackers where it had none', () => {
    expect(rewrite(aTorrent({ info: 'de' }))).toBe(`d${NEW_KEYS}4:infodee`)
  })

  it('loses all old trackers, repeated keys included', () => {
    const torrent = aTorrent({
      info: 'de',
      before: '8:announce5:old-113:announce-listll5:old-2ee',
      behind: '8:announce5:old-313:announce-listle',
    })
    expect(rewrite(torrent)).toBe(`d${NEW_KEYS}4:infodee`)
  })

  it('announces to the first tracker of the first tier', () => {
    expect(rewrite(aTorrent({ info: 'de' }), [['http://a', 'http://b'], ['http://c']])).toBe(
      'd8:announce8:http://a13:announce-listll8:http://a8:http://bel8:http://cee4:infodee',
    )
  })

  it('has its top level sorted by bytes, and each entry verbatim', () => {
    const torrent = aTorrent({
      info: 'd1:zi01e1:ai2ee',
      before: '01:zi-0e1:ali007ee',
      behind: '12:piece layersde',
    })
    expect(rewrite(torrent)).toBe(`d1:ali007ee${NEW_KEYS}4:infod1:zi01e1:ai2ee12:piece layersde01:zi-0ee`)
  })

  it('keeps repeated keys in their order', () => {
    expect(rewrite(aTorrent({ info: 'de', before: '7:comment1:x', behind: '7:comment1:y' }))).toBe(
      `d${NEW_KEYS}7:comment1:x7:comment1:y4:infodee`,
    )
  })

  it('keeps binary keys and values', () => {
    const layers = Buffer.from('12:piece layersd4:\xff\x00\xfe\x80l', 'latin1').toString('latin1')
    const torrent = Buffer.from(`d4:infode${layers}4:\x00\xff\xfe\xfdeee`, 'latin1')
    expect(rewrite(torrent)).toBe(`d${NEW_KEYS}4:infode${layers}4:\x00\xff\xfe\xfdeee`)
  })

  it('loses the bytes after the torrent', () => {
    expect(rewrite(Buffer.from('d4:infodee\r\n'))).toBe(`d${NEW_KEYS}4:infodee`)
  })

  it('writes the length of a tracker in bytes', () => {
    expect(rewrite(aTorrent({ info: 'de' }), [['http://é']])).toContain('9:http://Ã©')
  })

  it('is never written without a tracker, with an empty tier, or with a tracker twice', () => {
    const torrent = aTorrent({ info: 'de' })
    expect(() => rewrite(torrent, [])).toThrow('a torrent without a tracker is not rewritten')
    expect(() => rewrite(torrent, [['http://a'], []])).toThrow('no tier is empty')
    expect(() => rewrite(torrent, [['http://a'], ['http://a']])).toThrow('no tracker is in two tiers')
  })
})

describe('a torrent rewritten with other changes', () => {
  const torrent = aTorrent({
    info: 'de',
    before: '5:nodesll1:ai1eee9:httpseedsl8:http://ae',
    behind: '8:url-list08:http://b8:url-list8:http://c1:z0:',
  })
  const change = (changes: RewriteChanges) =>
    rewriteMetainfo(readMetainfo(torrent, 'x.torrent'), [['http://t']], changes).toString()

  it('keeps web seeds and nodes verbatim by default', () => {
    expect(change({})).toBe(
      `d${NEW_KEYS}9:httpseedsl8:http://ae4:infode5:nodesll1:ai1eee8:url-list08:http://b8:url-list8:http://c1:z0:e`,
    )
  })

  it('has the given web seeds in place of both kinds, as a list', () => {
    expect(change({ webSeeds: ['http://x/y'] })).toBe(
      `d${NEW_KEYS}4:infode5:nodesll1:ai1eee8:url-listl10:http://x/ye1:z0:e`,
    )
  })

  it('has neither web seeds nor an empty list after their removal', () => {
    expect(change({ webSeeds: [] })).toBe(`d${NEW_KEYS}4:infode5:nodesll1:ai1eee1:z0:e`)
  })

  it('has no nodes after their removal', () => {
    expect(change({ webSeeds: [], dropsNodes: true })).toBe(`d${NEW_KEYS}4:infode1:z0:e`)
    expect(change({ webSeeds: [], dropsNodes: false })).toContain('5:nodesll1:ai1eee')
  })

  it('consists of parts that share memory with the input', () => {
    const bytes = Buffer.from(torrent)
    const parts = rewriteInParts(readMetainfo(bytes, 'x.torrent'), [['http://t']])
    expect(Buffer.concat(parts).toString()).toBe(change({}))
    const info = parts.find((part) => part.toString() === '4:infode')
    expect([info?.buffer === bytes.buffer, info?.byteOffset]).toEqual([
      true,
      bytes.byteOffset + bytes.indexOf('4:info'),
    ])
  })
})
