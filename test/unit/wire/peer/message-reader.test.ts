import { describe, expect, it } from 'vitest'
import { BLOCK_BYTES_MAX, PEER_MESSAGE_BYTES_MAX, PIECES_MAX } from '../../../../src/core/limits.ts'
import { writeHandshake } from '../../../../src/wire/peer/handshake.ts'
import { MessageReader, type PeerMessage } from '../../../../src/wire/peer/message-reader.ts'
import { readMessages } from '../../../peer-messages.ts'

const INFO_HASH = Buffer.from('2bcb3dab253c7e8c9355b33f262efadd63005087', 'hex')
const PEER_ID = Buffer.from('-lt0D80-abcdefghijkl', 'latin1')
const HANDSHAKE = writeHandshake(INFO_HASH, PEER_ID)

/** What follows the handshake. */
function after(...bytes: readonly number[]) {
  const { messages, violation } = readMessages([HANDSHAKE, Buffer.from(bytes)])
  return { messages: messages.slice(1), violation }
}

function uint32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]
}

describe('the handshake', () => {
  it('is written with the protocol, no extension, the infohash and the peer id', () => {
    expect(HANDSHAKE.toString('latin1')).toBe(
      `\x13BitTorrent protocol\0\0\0\0\0\0\0\0${INFO_HASH.toString('latin1')}-lt0D80-abcdefghijkl`,
    )
  })

  it('is read with the reserved bits of the client', () => {
    const handshake = Buffer.from(HANDSHAKE)
    handshake[25] = 0x10
    const { messages } = readMessages([handshake])
    expect(messages).toEqual([
      {
        kind: 'handshake',
        reserved: Buffer.from('0000000000100000', 'hex'),
        infoHash: INFO_HASH,
        peerId: PEER_ID,
      },
    ])
  })

  it('is rejected from another protocol before 68 bytes have arrived', () => {
    expect(readMessages([Buffer.from('SSH-2.0')]).violation?.code).toBe('protocol-unknown')
  })

  it('is rejected when its last byte of the protocol is wrong', () => {
    const handshake = Buffer.from(HANDSHAKE)
    handshake[19] = 0x4c
    expect(readMessages([handshake]).violation?.code).toBe('protocol-unknown')
  })
})

describe('messages', () => {
  it('without a body are read by their ids', () => {
    const bytes = [0, 1, 2, 3, 14, 15].flatMap((id) => [0, 0, 0, 1, id])
    expect(after(...bytes, 0, 0, 0, 0).messages.map(({ kind }) => kind)).toEqual([
      'choke',
      'unchoke',
      'interested',
      'not-interested',
      'have-all',
      'have-none',
      'keep-alive',
    ])
  })

  it('name the piece that a peer has', () => {
    expect(after(0, 0, 0, 5, 4, 0, 0, 1, 2).messages).toEqual([{ kind: 'have', piece: 258 }])
  })

  it('contain a bitfield, and again a bitfield', () => {
    expect(after(0, 0, 0, 3, 5, 0xf0, 0, 0, 0, 0, 3, 5, 0xff, 0xe0).messages).toEqual([
      { kind: 'bitfield', bits: Buffer.from([0xf0, 0]) },
      { kind: 'bitfield', bits: Buffer.from([0xff, 0xe0]) },
    ])
  })

  it('contain a bitfield without bits, of a client without the metadata', () => {
    expect(after(0, 0, 0, 1, 5, 0, 0, 0, 1, 1).messages).toEqual([
      { kind: 'bitfield', bits: Buffer.alloc(0) },
      { kind: 'unchoke' },
    ])
  })

  it('request and cancel a block', () => {
    const block = [...uint32(7), ...uint32(16_384), ...uint32(16_384)]
    expect(after(0, 0, 0, 13, 6, ...block, 0, 0, 0, 13, 8, ...block).messages).toEqual([
      { kind: 'request', piece: 7, begin: 16_384, length: 16_384 },
      { kind: 'cancel', piece: 7, begin: 16_384, length: 16_384 },
    ])
  })

  it('carry a block', () => {
    expect(after(...uint32(12), 7, ...uint32(7), ...uint32(16_384), 1, 2, 3).messages).toEqual([
      { kind: 'block', piece: 7, begin: 16_384, length: 3, data: Buffer.from([1, 2, 3]) },
    ])
  })

  it('with an unknown id are skipped', () => {
    expect(after(0, 0, 0, 4, 20, 9, 9, 9, 0, 0, 0, 1, 1).messages).toEqual([
      { kind: 'unknown', id: 20, length: 3 },
      { kind: 'unchoke' },
    ])
  })
})

describe('the bytes of a block', () => {
  it('are parts of the chunks, not copies', () => {
    const parts: Buffer[] = []
    const reader = new MessageReader((message) => {
      if (message.kind === 'block-part') parts.push(message.bytes)
    })
    const first = Buffer.concat([
      HANDSHAKE,
      Buffer.from([...uint32(13), 7, ...uint32(0), ...uint32(0), 1, 2]),
    ])
    const second = Buffer.from([3, 4])
    reader.read(first)
    reader.read(second)
    expect(parts.map(({ buffer }) => buffer)).toEqual([first.buffer, second.buffer])
  })

  it('are passed on before the block is complete', () => {
    const parts: [number, boolean][] = []
    const reader = new MessageReader((message) => {
      if (message.kind === 'block-part') parts.push([message.at, message.isLast])
    })
    reader.read(Buffer.concat([HANDSHAKE, Buffer.from([...uint32(12), 7, ...uint32(0), ...uint32(0), 1])]))
    expect(parts).toEqual([[0, false]])
    reader.read(Buffer.from([2, 3]))
    expect(parts).toEqual([
      [0, false],
      [1, true],
    ])
  })
})

describe('a violation', () => {
  it.each([
    ['a choke with a body', [0, 0, 0, 2, 0, 0], 'length-wrong'],
    ['a have of three bytes', [0, 0, 0, 4, 4], 'length-wrong'],
    ['a have of five bytes', [0, 0, 0, 6, 4], 'length-wrong'],
    ['a request of eleven bytes', [0, 0, 0, 12, 6], 'length-wrong'],
    ['a cancel of thirteen bytes', [0, 0, 0, 14, 8], 'length-wrong'],
    ['a piece message without a position', [0, 0, 0, 8, 7], 'length-wrong'],
    ['a have-all with a body', [0, 0, 0, 2, 14], 'length-wrong'],
    ['a piece above the limit', [0, 0, 0, 5, 4, ...uint32(PIECES_MAX)], 'piece-out-of-range'],
    [
      'a block above the limit',
      [...uint32(10 + BLOCK_BYTES_MAX), 7, ...uint32(0), ...uint32(0)],
      'block-length-wrong',
    ],
    ['an empty block', [0, 0, 0, 9, 7, ...uint32(0), ...uint32(0)], 'block-length-wrong'],
    [
      'a request above the limit',
      [0, 0, 0, 13, 6, ...uint32(0), ...uint32(0), ...uint32(BLOCK_BYTES_MAX + 1)],
      'block-length-wrong',
    ],
    [
      'a request of no bytes',
      [0, 0, 0, 13, 6, ...uint32(0), ...uint32(0), ...uint32(0)],
      'block-length-wrong',
    ],
    ['a bitfield above the limit', [...uint32(PEER_MESSAGE_BYTES_MAX + 1), 5], 'message-too-long'],
    ['an unknown message above the limit', [...uint32(0xffff_ffff), 99], 'message-too-long'],
  ] as const)('is %s', (_, bytes, code) => {
    const { messages, violation } = after(...bytes)
    expect(violation?.code).toBe(code)
    expect(messages).toEqual([])
  })

  it('ends the conversation: later bytes are not read', () => {
    const { messages, violation } = readMessages([
      HANDSHAKE,
      Buffer.from([0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 1]),
      Buffer.from([0, 0, 0, 1, 1]),
    ])
    expect(messages).toHaveLength(1)
    expect(violation?.message).toBe('the length of a message does not match its id (id 0, 2 bytes)')
  })
})

describe('the limits', () => {
  it('allow the highest piece, the largest block and the longest bitfield', () => {
    const kinds: string[] = []
    const reader = new MessageReader((message: PeerMessage) => kinds.push(message.kind))
    const highest = uint32(PIECES_MAX - 1)
    reader.read(HANDSHAKE)
    reader.read(Buffer.from([0, 0, 0, 5, 4, ...highest]))
    reader.read(Buffer.from([0, 0, 0, 13, 6, ...highest, ...uint32(0), ...uint32(BLOCK_BYTES_MAX)]))
    reader.read(Buffer.from([...uint32(9 + BLOCK_BYTES_MAX), 7, ...highest, ...uint32(0)]))
    reader.read(Buffer.alloc(BLOCK_BYTES_MAX))
    reader.read(Buffer.from([...uint32(PEER_MESSAGE_BYTES_MAX), 5]))
    expect(reader.read(Buffer.alloc(PIECES_MAX / 8))).toBeUndefined()
    expect(kinds).toEqual([
      'handshake',
      'have',
      'request',
      'block',
      'block-part',
      'bitfield',
      'bitfield-part',
    ])
  })
})

describe('a stopped reader', () => {
  it('ignores the rest of the chunk', () => {
    const kinds: string[] = []
    const reader = new MessageReader((message: PeerMessage) => {
      kinds.push(message.kind)
      if (message.kind === 'have') reader.stop()
    })
    reader.read(HANDSHAKE)
    reader.read(Buffer.from([0, 0, 0, 5, 4, 0, 0, 0, 1, 0, 0, 0, 1, 1]))
    expect(kinds).toEqual(['handshake', 'have'])
  })
})
