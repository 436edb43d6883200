/** Real sockets on loopback: the other side sends fixed bytes, as a client or another service would. */
import { createServer, type AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { probeCompletion } from '../../../src/client/peer-probe.ts'
import { Address } from '../../../src/core/address.ts'
import { writeHandshake } from '../../../src/wire/peer/handshake.ts'

const INFO_HASH = Buffer.from('2bcb3dab253c7e8c9355b33f262efadd63005087', 'hex')
const HANDSHAKE = writeHandshake(INFO_HASH, Buffer.from('-lt0D80-abcdefghijkl', 'latin1'))
const LOOPBACK = Address.v4(0x7f00_0001)

/** The share that is read from a client which answers with these bytes and closes. */
async function shareOf(...answer: readonly Buffer[]): Promise<number | undefined> {
  const server = createServer((socket) => socket.on('error', () => {}).end(Buffer.concat(answer)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return probeCompletion({ infoHash: INFO_HASH, address: LOOPBACK, port })
}

it('reads a full bitfield as the whole torrent', async () => {
  expect(await shareOf(HANDSHAKE, Buffer.from([0, 0, 0, 3, 5, 0xff, 0xe0]))).toBe(1)
})

it('reads a missing piece', async () => {
  expect(await shareOf(HANDSHAKE, Buffer.from([0, 0, 0, 3, 5, 0xfb, 0xe0]))).toBe(10 / 11)
})

it('reads a client that begins with another message as a client without pieces', async () => {
  expect(await shareOf(HANDSHAKE, Buffer.from([0, 0, 0, 1, 2]))).toBe(0)
})

it('has no result for a client that closes before its bitfield, for another torrent and for another protocol', async () => {
  expect(await shareOf(HANDSHAKE)).toBeUndefined()
  const other = writeHandshake(Buffer.alloc(20), Buffer.alloc(20))
  expect(await shareOf(other, Buffer.from([0, 0, 0, 3, 5, 0xff, 0xe0]))).toBeUndefined()
  expect(await shareOf(Buffer.from('HTTP/1.1 400 Bad Request\r\n'))).toBeUndefined()
})
