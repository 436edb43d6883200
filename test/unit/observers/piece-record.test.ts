import { describe, expect, it } from 'vitest'
import { PIECES_MAX } from '../../../src/core/limits.ts'
import { BitfieldMemory } from '../../../src/observers/bitfield-memory.ts'
import { PieceRecord, type Rejection } from '../../../src/observers/piece-record.ts'
import { TorrentPieces } from '../../../src/observers/torrent-pieces.ts'
import { writeBitfield, writeHave } from '../../../src/wire/peer/availability.ts'
import { writeHandshake } from '../../../src/wire/peer/handshake.ts'
import { HAVE_ALL, HAVE_NONE, INTERESTED } from '../../../src/wire/peer/message.ts'
import { MessageReader } from '../../../src/wire/peer/message-reader.ts'

function aRecord(pieces: number | undefined, memory = new BitfieldMemory(1_000_000)) {
  const record = new PieceRecord(new TorrentPieces(pieces), memory)
  let rejection: Rejection | undefined
  const reader = new MessageReader((message) => {
    rejection ??= record.apply(message)
  })
  reader.read(writeHandshake(Buffer.alloc(20), Buffer.alloc(20)))
  return {
    record,
    memory,
    send: (...messages: readonly Buffer[]) => void reader.read(Buffer.concat(messages)),
    rejection: () => (typeof rejection === 'object' ? rejection.code : rejection),
  }
}

describe('the pieces that a client shows', () => {
  it('are unknown until its first message', () => {
    const { record, send } = aRecord(16)
    expect(record.isShown).toBe(false)
    send(INTERESTED)
    expect([record.isShown, record.pieces.count, record.hasBitfield]).toEqual([true, 0, false])
  })

  it('are known at the end of the bitfield, not in the middle', () => {
    const { record, send } = aRecord(16)
    const bitfield = writeBitfield(Buffer.from([0xff, 0xf0]))
    send(bitfield.subarray(0, 6))
    expect([record.isShown, record.isPartial]).toEqual([false, true])
    send(bitfield.subarray(6))
    expect([record.isShown, record.isPartial, record.pieces.count]).toEqual([true, false, 12])
  })

  it('are all with have-all, and none with have-none', () => {
    const { record, send } = aRecord(11)
    send(HAVE_ALL)
    expect([record.hasAll, record.pieces.count]).toEqual([true, 11])
    send(HAVE_NONE)
    expect([record.hasAll, record.pieces.count]).toEqual([false, 0])
  })

  it('grow with HAVE where the number of pieces is unknown', () => {
    const { record, send } = aRecord(undefined)
    send(writeHave(5), writeHave(100_000), writeHave(5))
    expect([record.pieces.count, record.pieces.has(100_000)]).toEqual([2, true])
  })

  it('keep the memory of torrents with an unknown number of pieces within the budget, and give it back', () => {
    const { record, memory, send, rejection } = aRecord(undefined, new BitfieldMemory(1_000))
    send(writeBitfield(Buffer.alloc(900)))
    expect([memory.usedBytes, rejection()]).toEqual([900, undefined])
    const second = aRecord(undefined, memory)
    second.send(writeBitfield(Buffer.alloc(101)))
    expect([memory.usedBytes, second.rejection()]).toEqual([900, 'memory'])
    record.release()
    expect(memory.usedBytes).toBe(0)
  })

  it('do not use the budget where the number of pieces is known', () => {
    const { memory, send, rejection } = aRecord(PIECES_MAX, new BitfieldMemory(0))
    send(writeBitfield(Buffer.alloc(PIECES_MAX / 8)))
    expect([memory.usedBytes, rejection()]).toEqual([0, undefined])
  })
})

describe('a violation', () => {
  it('is a bitfield of another length than the number of pieces needs', () => {
    const { send, rejection } = aRecord(17)
    send(writeBitfield(Buffer.alloc(2)))
    expect(rejection()).toBe('bitfield-wrong')
  })

  it('is a set spare bit', () => {
    const { send, rejection } = aRecord(11)
    send(writeBitfield(Buffer.from([0, 0x10])))
    expect(rejection()).toBe('bitfield-wrong')
  })

  it('is a second bitfield of another length', () => {
    const { send, rejection } = aRecord(undefined)
    send(writeBitfield(Buffer.alloc(2)), writeBitfield(Buffer.alloc(3)))
    expect(rejection()).toBe('bitfield-wrong')
  })

  it('is a piece beyond the number of pieces, or beyond the own bitfield', () => {
    const known = aRecord(11)
    known.send(writeHave(10))
    expect(known.rejection()).toBeUndefined()
    known.send(writeHave(11))
    expect(known.rejection()).toBe('piece-out-of-range')
    const unknown = aRecord(undefined)
    unknown.send(writeBitfield(Buffer.alloc(2)), writeHave(16))
    expect(unknown.rejection()).toBe('piece-out-of-range')
  })
})
