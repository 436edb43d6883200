/**
 * A host that requests blocks that do not exist, of a torrent that the node carries and that is not registered: the node
 * passes requests of clients to a holder, and a holder may close the connection of a peer that asks for such a block.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { writeBitfield } from '../../src/wire/peer/availability.ts'
import { writePieceHead, writeRequest } from '../../src/wire/peer/block.ts'
import { writeHandshake } from '../../src/wire/peer/handshake.ts'
import { INTERESTED, UNCHOKE } from '../../src/wire/peer/message.ts'
import { MessageReader, type PeerMessage } from '../../src/wire/peer/message-reader.ts'
import { aNode } from '../a-node.ts'
import { reportFigure } from './report-figure.ts'
import { requestFrom } from './request-from.ts'

const INFO_HASH = Buffer.alloc(20, 0xab)
const PIECE_BYTES = 65_536
const BLOCK_BYTES = 16_384
const [SEED, HOSTILE, HONEST] = ['127.1.9.1', '127.1.9.2', '127.1.9.3']
/** Connections of the hostile host, of which each requests the block. */
const ATTEMPTS = 8

/** A client on a free port. `onMessage` is called with each message of the node. */
async function aClient(
  address: string,
  bits: readonly number[],
  onMessage: (message: PeerMessage, socket: Socket) => void,
): Promise<number> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => {}).on('close', () => open.delete(socket))
    socket.write(writeHandshake(INFO_HASH, Buffer.from('-XX0000-abcdefghijkl')))
    socket.write(writeBitfield(Buffer.from(bits)))
    const reader = new MessageReader((message) => onMessage(message, socket))
    socket.on('data', (chunk: Buffer) => void reader.read(chunk))
  })
  server.listen(0, address)
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

/** Each time the host connects again, the seed would lose its connection to the node. */
test('a host that requests a block that does not exist costs a seed two connections, and then has to wait', async () => {
  let [closings, served, attempts] = [0, 0, 0]
  const seedPort = await aClient(SEED, [0xff, 0xff], (message, socket) => {
    if (message.kind === 'interested') socket.write(UNCHOKE)
    if (message.kind !== 'request') return
    if (message.begin + message.length > PIECE_BYTES) {
      closings++
      socket.destroy()
      return
    }
    const { piece, begin, length } = message
    socket.write(Buffer.concat([writePieceHead({ piece, begin, length }), Buffer.alloc(length)]))
  })
  const hostilePort = await aClient(HOSTILE, [0, 0], (message, socket) => {
    if (message.kind === 'handshake') socket.write(INTERESTED)
    if (message.kind !== 'unchoke') return
    attempts++
    socket.end(writeRequest({ piece: 3, begin: PIECE_BYTES, length: BLOCK_BYTES }))
  })
  const node = await aNode({ carries: true })
  const announce = async (from: string, port: number, left: number) => {
    const hash = '%ab'.repeat(20)
    const query = `info_hash=${hash}&peer_id=-XX0000-${from.padEnd(12, '0')}&port=${port}&left=${left}&compact=1`
    const { status } = await requestFrom(from, `${node.announceUrl}?${query}`)
    expect(status).toBe(200)
  }
  await announce(SEED, seedPort, 0)
  await announce(HOSTILE, hostilePort, 16 * PIECE_BYTES)
  await expect.poll(() => attempts, { timeout: 60_000 }).toBeGreaterThanOrEqual(ATTEMPTS)
  reportFigure(
    `a block that does not exist, requested ${attempts} times: connections that the seed closed: ${closings}`,
  )
  expect(closings).toBeGreaterThan(0)
  expect(closings).toBeLessThanOrEqual(4)

  const honestPort = await aClient(HONEST, [0, 0], (message, socket) => {
    if (message.kind === 'handshake') socket.write(INTERESTED)
    if (message.kind === 'have')
      for (let begin = 0; begin < PIECE_BYTES; begin += BLOCK_BYTES)
        socket.write(writeRequest({ piece: message.piece, begin, length: BLOCK_BYTES }))
    if (message.kind === 'block') served++
  })
  await announce(HONEST, honestPort, 16 * PIECE_BYTES)
  await expect.poll(() => served, { timeout: 30_000 }).toBeGreaterThanOrEqual(4)
})
