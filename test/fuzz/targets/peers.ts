/** Byte streams of clients and of the carriers of other nodes. */
import { deepStrictEqual } from 'node:assert'
import {
  type Frame,
  PING,
  writeAvailable,
  writeBlockHead,
  writeBlockRequest,
  writeHello,
  writeInvalid,
  writePieces,
  writeState,
  writeSubscribe,
} from '../../../src/carriers/link/frame.ts'
import { FrameReader } from '../../../src/carriers/link/frame-reader.ts'
import { writeBitfield, writeHave } from '../../../src/wire/peer/availability.ts'
import { writePieceHead, writeRequest } from '../../../src/wire/peer/block.ts'
import { writeHandshake } from '../../../src/wire/peer/handshake.ts'
import { HAVE_ALL, KEEP_ALIVE, UNCHOKE } from '../../../src/wire/peer/message.ts'
import { readMessages } from '../../peer-messages.ts'
import { divisions, type FuzzTarget } from '../fuzz-target.ts'

const handshake = writeHandshake(Buffer.alloc(20, 1), Buffer.from('-TR4060-abcdefghijkl'))
const block = { piece: 3, begin: 16_384, length: 5 }

export const peerProtocol: FuzzTarget = {
  name: 'peer-protocol',
  bytesMax: 4_096,
  tokens: [
    '\x00\x00\x00\x01',
    '\x00\x00\x00\x05\x04',
    '\x00\x00\x00\x0d\x06',
    '\x00\x00\x00\x0e\x07',
    '\x00\x00\x40\x09\x07',
    '\x00\x00\x00\x03\x05\xff',
  ],
  examples: [
    Buffer.concat([handshake, writeBitfield(Buffer.of(0xff, 0x80)), UNCHOKE, KEEP_ALIVE, writeHave(7)]),
    Buffer.concat([
      handshake,
      HAVE_ALL,
      writeRequest(block),
      writePieceHead(block),
      Buffer.from('bytes'),
      writeHave(1),
    ]),
  ],
  read(input) {
    const whole = readMessages([input])
    for (const chunks of divisions(input)) deepStrictEqual(kindsOf(readMessages(chunks)), kindsOf(whole))
  },
}

/** A rejected start names the number of bytes that had arrived, which depends on the chunks. */
function kindsOf({ messages, violation }: ReturnType<typeof readMessages>) {
  return { messages, violation: violation?.code }
}

export const carrierLink: FuzzTarget = {
  name: 'carrier-link',
  bytesMax: 4_096,
  tokens: [
    '\x00\x00\x00\x01\x0b',
    '\x00\x00\x00\x05\x03',
    '\x00\x00\x00\x11\x07',
    '\x00\x00\x00\x09\x0a',
    '\xff\xff\xff\xff',
    '\x03fra',
  ],
  examples: [
    Buffer.concat([writeHello('0123456789abcdef', 'fra'), PING, writeSubscribe(1, Buffer.alloc(20, 1))]),
    Buffer.concat([
      writeState(2, { hasSource: true, rank: 1, sitesFed: 2, pieces: 9, path: ['fra', 'ams'] }),
      writePieces(2, Buffer.of(0xf0)),
      writeAvailable(2, [1, 5]),
      writeBlockRequest('request', 2, block),
      writeBlockHead(2, block),
      Buffer.from('bytes'),
      writeInvalid(2, 3),
    ]),
  ],
  read(input) {
    const whole = readFrames([input])
    for (const chunks of divisions(input)) deepStrictEqual(readFrames(chunks), whole)
  },
}

function readFrames(chunks: readonly Buffer[]): {
  readonly frames: readonly Frame[]
  readonly error: string | undefined
} {
  const frames: Frame[] = []
  const reader = new FrameReader((frame) => frames.push(frame))
  let error: string | undefined
  for (const chunk of chunks) error = reader.read(chunk)
  return { frames, error }
}
