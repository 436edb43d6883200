import { describe, expect, it } from 'vitest'
import { torrentSearch } from '../../../../src/server/admin/torrent-search.ts'

const torrent = {
  name: 'Größe (v1.2) [x86]\\a^b$c|d{2}/e*f+g?-.ISO',
  infoHashes: [Buffer.alloc(20, 0xab), Buffer.alloc(20, 0x12)],
}

describe('a torrent is found', () => {
  it.each([
    torrent.name,
    ...String.raw`\^$.|?*+()[]{}/-`.split(''),
    'größE',
    '(V1.2)',
    '.iso',
    'abab',
    '1212',
    'AB'.repeat(20),
  ])('with %j', (text) => expect(torrentSearch(text)(torrent)).toBe(true))

  it.each(['v1x2', '.*', 'bab', 'e**', '0', 'g??'])('and not with %j', (text) =>
    expect(torrentSearch(text)(torrent)).toBe(false),
  )
})
