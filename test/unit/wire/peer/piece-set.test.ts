import { describe, expect, it } from 'vitest'
import { PieceSet } from '../../../../src/wire/peer/piece-set.ts'

function ofBitfield(...bits: readonly number[]): PieceSet {
  const pieces = new PieceSet(bits.length)
  pieces.replace(Buffer.from(bits), 0)
  return pieces
}

describe('a set of pieces', () => {
  it('counts each piece once', () => {
    const pieces = new PieceSet(2)
    expect([pieces.add(0), pieces.add(9), pieces.add(9)]).toEqual([true, true, false])
    expect(pieces.count).toBe(2)
    expect([...pieces.bits]).toEqual([0x80, 0x40])
  })

  it('takes a bitfield in parts, and a later one replaces it', () => {
    const pieces = new PieceSet(3)
    pieces.replace(Buffer.from([0xff]), 0)
    pieces.replace(Buffer.from([0xf0, 0x01]), 1)
    expect(pieces.count).toBe(13)
    pieces.replace(Buffer.from([0x01, 0, 0]), 0)
    expect([pieces.count, pieces.has(7), pieces.has(0), pieces.has(23)]).toEqual([1, true, false, false])
  })

  it('is filled up to a piece in the middle of a byte', () => {
    const pieces = ofBitfield(0, 0xff, 0xff)
    pieces.fill(11)
    expect([...pieces.bits]).toEqual([0xff, 0xe0, 0])
    expect(pieces.count).toBe(11)
    pieces.clear()
    expect([...pieces.bits, pieces.count]).toEqual([0, 0, 0, 0])
  })

  it('keeps its pieces when it grows', () => {
    const pieces = ofBitfield(0x81)
    pieces.grow(3)
    expect([...pieces.bits, pieces.count]).toEqual([0x81, 0, 0, 2])
  })

  it('knows its highest piece', () => {
    expect(ofBitfield(0, 0).highest()).toBe(-1)
    expect(ofBitfield(0x80, 0).highest()).toBe(0)
    expect(ofBitfield(0x80, 0xe0).highest()).toBe(10)
    expect(ofBitfield(0, 0x01).highest()).toBe(15)
  })

  it('has no piece beyond its capacity', () => {
    expect(ofBitfield(0xff).has(8)).toBe(false)
    expect(() => new PieceSet(1).add(8)).toThrow('within the capacity')
    expect(() => new PieceSet(1).replace(Buffer.alloc(1), 1)).toThrow('within the capacity')
  })
})

describe('the lowest number of pieces that a bitfield allows', () => {
  it('ends at the highest piece of the last byte', () => {
    expect(ofBitfield(0, 0xe0).piecesMin()).toBe(11)
    expect(ofBitfield(0xff, 0xff).piecesMin()).toBe(16)
  })

  it('includes one piece of an empty last byte, since a byte has at most seven spare bits', () => {
    expect(ofBitfield(0xff, 0).piecesMin()).toBe(9)
  })

  it('is zero without a bitfield', () => {
    expect(new PieceSet(0).piecesMin()).toBe(0)
  })
})
