/** Tests of the piece layout and of the choice of the piece length. */
import { describe, expect, it } from 'vitest'
import { layOut, segmentsOf } from '../../../src/publish/layout.ts'
import { choosePieceLength, isPieceLength } from '../../../src/publish/piece-length.ts'

const files = [
  { path: ['a'], sizeBytes: 20_000, tag: 'a' },
  { path: ['b'], sizeBytes: 0, tag: 'b' },
  { path: ['c'], sizeBytes: 16_384, tag: 'c' },
  { path: ['d'], sizeBytes: 5, tag: 'd' },
]

describe('the layout', () => {
  it('concatenates files', () => {
    const layout = layOut(files, { pieceBytes: 16_384, isHybrid: false })
    expect(layout.files.map(({ startByte, paddingBytes }) => [startByte, paddingBytes])).toEqual([
      [0, 0],
      [20_000, 0],
      [20_000, 0],
      [36_384, 0],
    ])
    expect(layout).toMatchObject({ totalBytes: 36_389, paddingBytes: 0, pieceCount: 3 })
  })

  it('starts each file of a hybrid torrent at a piece boundary, without padding after the last', () => {
    const layout = layOut(files, { pieceBytes: 16_384, isHybrid: true })
    expect(layout.files.map(({ startByte, paddingBytes }) => [startByte, paddingBytes])).toEqual([
      [0, 12_768],
      [32_768, 0],
      [32_768, 0],
      [49_152, 0],
    ])
    expect(layout).toMatchObject({ totalBytes: 49_157, paddingBytes: 12_768, pieceCount: 4 })
  })

  it('maps a part to file segments', () => {
    const layout = layOut(files, { pieceBytes: 16_384, isHybrid: false })
    expect(segmentsOf(layout, { startByte: 16_384, endByte: 36_386 })).toEqual([
      { fileIndex: 0, startByte: 16_384, lengthBytes: 3_616, at: 0 },
      { fileIndex: 2, startByte: 0, lengthBytes: 16_384, at: 3_616 },
      { fileIndex: 3, startByte: 0, lengthBytes: 2, at: 20_000 },
    ])
  })

  it('leaves gaps for padding', () => {
    const layout = layOut(files, { pieceBytes: 16_384, isHybrid: true })
    expect(segmentsOf(layout, { startByte: 16_384, endByte: 49_154 })).toEqual([
      { fileIndex: 0, startByte: 16_384, lengthBytes: 3_616, at: 0 },
      { fileIndex: 2, startByte: 0, lengthBytes: 16_384, at: 16_384 },
      { fileIndex: 3, startByte: 0, lengthBytes: 2, at: 32_768 },
    ])
  })
})

describe('the piece length', () => {
  const KIB = 1_024
  const MIB = 1_048_576
  const GIB = 1_073_741_824

  it.each([
    [1, 16 * KIB],
    [32 * MIB, 16 * KIB],
    [32 * MIB + 1, 32 * KIB],
    [192 * MIB, 128 * KIB],
    [1 * GIB, 512 * KIB],
    [5 * GIB, 4 * MIB],
    [16 * GIB, 8 * MIB],
    [32 * GIB, 16 * MIB],
    [4_096 * GIB, 16 * MIB],
  ])('for %i bytes is %i', (contentBytes, pieceBytes) => {
    expect(choosePieceLength(contentBytes)).toBe(pieceBytes)
  })

  it('is a power of two within the limits of clients', () => {
    expect([8 * KIB, 16 * KIB, 24 * KIB, 16 * MIB, 32 * MIB].map(isPieceLength)).toEqual([
      false,
      true,
      false,
      true,
      false,
    ])
  })
})
