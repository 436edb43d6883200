import { describe, expect, it } from 'vitest'
import { type ShownPieces, TorrentPieces } from '../../../src/observers/torrent-pieces.ts'
import { PieceSet } from '../../../src/wire/peer/piece-set.ts'

function shown(bits: readonly number[], options: Partial<ShownPieces> = {}): ShownPieces {
  const pieces = new PieceSet(bits.length)
  pieces.replace(Buffer.from(bits), 0)
  return { pieces, hasBitfield: true, hasAll: false, ...options }
}

describe('the completion of a client of a registered torrent', () => {
  const torrent = new TorrentPieces(11)

  it('is exact', () => {
    expect(torrent.completionOf(shown([0xff, 0xe0]))).toBe('certain')
    expect(torrent.completionOf(shown([0xff, 0xc0]))).toBe('no')
    expect(torrent.shareOf(shown([0xff, 0xc0]))).toBe(10 / 11)
  })

  it('needs no bitfield', () => {
    expect(torrent.completionOf(shown([0xff, 0xe0], { hasBitfield: false }))).toBe('certain')
  })

  it('is not changed by what other clients claim', () => {
    torrent.note('10.1.0.1', shown([0xff, 0xff]))
    torrent.note('10.1.0.2', shown([0xff, 0xff]))
    expect(torrent.completionOf(shown([0xff, 0xe0]))).toBe('certain')
  })
})

describe('the completion of a client of a torrent with an unknown number of pieces', () => {
  it('is provisional where spare bits follow the last piece', () => {
    const torrent = new TorrentPieces(undefined)
    expect(torrent.completionOf(shown([0xff, 0xe0]))).toBe('provisional')
    expect(torrent.shareOf(shown([0xff, 0xe0]))).toBe(1)
  })

  it('is certain without spare bits, and with have-all', () => {
    const torrent = new TorrentPieces(undefined)
    expect(torrent.completionOf(shown([0xff, 0xff]))).toBe('certain')
    expect(torrent.completionOf(shown([], { hasBitfield: false, hasAll: true }))).toBe('certain')
  })

  it.each([
    ['a piece in the middle is missing', [0xfb, 0xe0], 10 / 11],
    ['the last byte has a hole', [0xff, 0xa0], 10 / 11],
    ['the last byte is empty', [0xff, 0x00], 8 / 9],
    ['it has nothing', [0, 0], 0],
  ])('is not given where %s', (_, bits, share) => {
    const torrent = new TorrentPieces(undefined)
    expect(torrent.completionOf(shown(bits))).toBe('no')
    expect(torrent.shareOf(shown(bits))).toBe(share)
  })

  it('is certain where two addresses have shown the last piece, and then not given to a client without it', () => {
    const torrent = new TorrentPieces(undefined)
    torrent.note('10.1.0.1', shown([0xff, 0xe0]))
    expect(torrent.completionOf(shown([0xff, 0xe0]))).toBe('provisional')
    torrent.note('10.1.0.2', shown([0xff, 0xe0]))
    expect(torrent.completionOf(shown([0xff, 0xe0]))).toBe('certain')
    expect(torrent.completionOf(shown([0xff, 0xc0]))).toBe('no')
    expect(torrent.shareOf(shown([0xff, 0xc0]))).toBe(10 / 11)
  })

  it('cannot be denied by one address that claims spare bits, regardless of the number of its ports', () => {
    const torrent = new TorrentPieces(undefined)
    torrent.note('10.1.0.66', shown([0xff, 0xff]))
    torrent.note('10.1.0.66', shown([0xff, 0xff]))
    torrent.note('10.1.0.1', shown([0xff, 0xe0]))
    torrent.note('10.1.0.2', shown([0xff, 0xe0]))
    expect(torrent.completionOf(shown([0xff, 0xe0]))).toBe('certain')
  })

  it('is not given to a client without a bitfield, whose share is an estimate by the bitfields of others', () => {
    const torrent = new TorrentPieces(undefined)
    const withoutBitfield = shown([0xff, 0], { hasBitfield: false })
    expect(torrent.shareOf(withoutBitfield)).toBeUndefined()
    torrent.note('10.1.0.1', shown([0xff, 0xff]))
    expect(torrent.shareOf(withoutBitfield)).toBe(0.5)
    expect(torrent.completionOf(shown([0xff, 0xff], { hasBitfield: false }))).toBe('no')
  })
})
