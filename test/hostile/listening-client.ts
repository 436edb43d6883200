/** A client that answers the handshake of the peer protocol and shows these pieces, on a loopback address of its own. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { writeBitfield } from '../../src/wire/peer/availability.ts'
import { writeHandshake } from '../../src/wire/peer/handshake.ts'

const PORT = 6881
/** Of the torrent of `announceFrom`. */
const INFO_HASH = Buffer.alloc(20, 0xab)

/** Of sixteen pieces. */
export const ALL_PIECES = [0xff, 0xff]
export const NO_PIECES = [0, 0]

export async function listensAt(address: string, bits: readonly number[]): Promise<void> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => {}).on('close', () => open.delete(socket))
    socket.resume()
    socket.write(writeHandshake(INFO_HASH, Buffer.from('-XX0000-abcdefghijkl')))
    socket.write(writeBitfield(Buffer.from(bits)))
  })
  server.listen(PORT, address)
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    for (const socket of open) socket.destroy()
  })
}
