/**
 * The peer protocol: writing and reading undo each other, the division into chunks has no effect, and no input makes the
 * reader throw or keep more than one handshake.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BLOCK_BYTES_MAX, PIECES_MAX } from '../../src/core/limits.ts'
import { writeBitfield, writeHave } from '../../src/wire/peer/availability.ts'
import { writeCancel, writePieceHead, writeRequest } from '../../src/wire/peer/block.ts'
import { writeHandshake } from '../../src/wire/peer/handshake.ts'
import {
  CHOKE,
  HAVE_ALL,
  HAVE_NONE,
  INTERESTED,
  KEEP_ALIVE,
  NOT_INTERESTED,
  startMessage,
  UNCHOKE,
} from '../../src/wire/peer/message.ts'
import { MessageReader } from '../../src/wire/peer/message-reader.ts'
import { PieceSet } from '../../src/wire/peer/piece-set.ts'
import { bytes } from '../broken-targets.ts'
import { readMessages, type WholeMessage } from '../peer-messages.ts'

const RUNS = { numRuns: 5_000 }

interface Written {
  readonly bytes: Buffer
  readonly message: WholeMessage
}

const piece = fc.nat({ max: PIECES_MAX - 1 })
const block = fc.record({
  piece,
  begin: fc.nat({ max: 0xffff_ffff }),
  length: fc.integer({ min: 1, max: BLOCK_BYTES_MAX }),
})
const bare = fc.constantFrom<Written>(
  { bytes: KEEP_ALIVE, message: { kind: 'keep-alive' } },
  { bytes: CHOKE, message: { kind: 'choke' } },
  { bytes: UNCHOKE, message: { kind: 'unchoke' } },
  { bytes: INTERESTED, message: { kind: 'interested' } },
  { bytes: NOT_INTERESTED, message: { kind: 'not-interested' } },
  { bytes: HAVE_ALL, message: { kind: 'have-all' } },
  { bytes: HAVE_NONE, message: { kind: 'have-none' } },
)
const message: fc.Arbitrary<Written> = fc.oneof(
  bare,
  piece.map((index) => ({ bytes: writeHave(index), message: { kind: 'have' as const, piece: index } })),
  bytes(0, 300).map((bits) => ({ bytes: writeBitfield(bits), message: { kind: 'bitfield' as const, bits } })),
  block.map((asked) => ({ bytes: writeRequest(asked), message: { kind: 'request' as const, ...asked } })),
  block.map((asked) => ({ bytes: writeCancel(asked), message: { kind: 'cancel' as const, ...asked } })),
  fc
    .record({ piece, begin: fc.nat({ max: 0xffff_ffff }), data: bytes(1, 300) })
    .map(({ data, ...position }) => {
      const sent = { ...position, length: data.length }
      return {
        bytes: Buffer.concat([writePieceHead(sent), data]),
        message: { kind: 'block' as const, ...sent, data },
      }
    }),
  fc.record({ id: fc.integer({ min: 16, max: 255 }), body: bytes(0, 60) }).map(({ id, body }) => {
    const written = startMessage(id, body.length)
    body.copy(written, 5)
    return { bytes: written, message: { kind: 'unknown' as const, id, length: body.length } }
  }),
)
const handshake = fc
  .record({ infoHash: bytes(20, 20), peerId: bytes(20, 20) })
  .map(({ infoHash, peerId }): Written => {
    const read = { kind: 'handshake' as const, reserved: Buffer.alloc(8), infoHash, peerId }
    return { bytes: writeHandshake(infoHash, peerId), message: read }
  })
const conversation = fc
  .tuple(handshake, fc.array(message, { maxLength: 20 }))
  .map((written) => written.flat())

/** Cuts at pseudo-random distances, of which many are one byte. */
function cut(whole: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0, turn = 0; at < whole.length; turn++) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? 1)
    // A copy, because a socket reuses nothing either and the reader must not depend on the bytes of a neighbour.
    chunks.push(Buffer.from(whole.subarray(at, at + size)))
    at += size
  }
  return chunks
}
const sizes = fc.array(fc.oneof(fc.nat({ max: 4 }), fc.nat({ max: 200 })), { minLength: 1, maxLength: 12 })

describe('what one side writes', () => {
  it('the other side reads, however it is divided into chunks', () => {
    fc.assert(
      fc.property(conversation, sizes, (written, distances) => {
        const whole = Buffer.concat(written.map((each) => each.bytes))
        const { messages, violation } = readMessages(cut(whole, distances))
        expect(violation).toBeUndefined()
        expect(messages).toEqual(written.map((each) => each.message))
      }),
      RUNS,
    )
  })
})

describe('any input', () => {
  const noise = fc.oneof(
    bytes(0, 400),
    // A conversation with bytes that are changed, cut off or repeated.
    fc
      .tuple(conversation, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 6 }))
      .map(([written, changes]) => {
        const whole = Buffer.concat(written.map((each) => each.bytes))
        for (const [at, byte] of changes) whole[at % whole.length] = byte
        return whole
      }),
    // Correct handshake, then noise with plausible heads.
    fc
      .tuple(
        handshake,
        fc.array(fc.tuple(fc.nat({ max: 20 }), fc.nat({ max: 22 }), bytes(0, 20)), { maxLength: 10 }),
      )
      .map(([shook, heads]) =>
        Buffer.concat([
          shook.bytes,
          ...heads.flatMap(([length, id, body]) => [Buffer.from([0, 0, 0, length, id]), body]),
        ]),
      ),
  )

  it('gives the same messages and the same violation in one chunk and in many', () => {
    fc.assert(
      fc.property(noise, sizes, (whole, distances) => {
        const together = readMessages([whole])
        const divided = readMessages(cut(whole, distances))
        expect(divided.violation?.code).toBe(together.violation?.code)
        expect(divided.messages).toEqual(together.messages)
      }),
      RUNS,
    )
  })

  it('is never passed on beyond the bytes that arrived', () => {
    fc.assert(
      fc.property(noise, sizes, (whole, distances) => {
        let passed = 0
        const reader = new MessageReader((read) => {
          if (read.kind === 'bitfield-part' || read.kind === 'block-part') passed += read.bytes.length
        })
        let arrived = 0
        for (const chunk of cut(whole, distances)) {
          arrived += chunk.length
          reader.read(chunk)
          expect(passed).toBeLessThanOrEqual(arrived)
        }
      }),
      RUNS,
    )
  })
})

describe('a set of pieces', () => {
  it('agrees with a set of numbers after any sequence of bitfields and haves', () => {
    const step = fc.oneof(
      fc.nat({ max: 79 }).map((index) => ({ kind: 'have' as const, index })),
      fc.record({ kind: fc.constant('bits' as const), at: fc.nat({ max: 9 }), part: bytes(0, 4) }),
      fc.nat({ max: 80 }).map((count) => ({ kind: 'fill' as const, count })),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const pieces = new PieceSet(10)
        const model = new Set<number>()
        for (const each of steps) {
          if (each.kind === 'have') {
            expect(pieces.add(each.index)).toBe(!model.has(each.index))
            model.add(each.index)
          } else if (each.kind === 'fill') {
            pieces.fill(each.count)
            model.clear()
            for (let index = 0; index < each.count; index++) model.add(index)
          } else {
            const part = each.part.subarray(0, 10 - each.at)
            pieces.replace(part, each.at)
            for (let bit = 0; bit < part.length * 8; bit++) {
              const isSet = ((part[bit >> 3] as number) & (0x80 >> (bit & 7))) !== 0
              if (isSet) model.add(each.at * 8 + bit)
              else model.delete(each.at * 8 + bit)
            }
          }
          expect(pieces.count).toBe(model.size)
          expect(pieces.highest()).toBe(Math.max(-1, ...model))
        }
      }),
      RUNS,
    )
  })
})
