/** Names that clients give the files of a torrent. test/system/client-names.test.ts compares the same cases with the clients. */
import { describe, expect, it } from 'vitest'
import { aZeroTorrent, type ZeroTorrentCase } from '../a-zero-torrent.ts'
import { namesFromReaders } from '../client-names-text.ts'
import { readCases } from './a-case.ts'

describe('the names that clients give the files of a torrent', () => {
  for (const { name, input, expected } of readCases('test/golden/client-names')) {
    it(`are known for ${name}`, () => {
      expect(namesFromReaders(aZeroTorrent(JSON.parse(input) as ZeroTorrentCase)).trimEnd()).toBe(expected)
    })
  }
})
