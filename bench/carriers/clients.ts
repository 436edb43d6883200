/**
 * Clients in a process of their own: a source that answers each request, and a host that requests each piece that it is
 * offered. Both store nothing.
 *
 * The parent gets the ports of the two as a message.
 */
import { fork } from 'node:child_process'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { writeBitfield, writeHave } from '../../src/wire/peer/availability.ts'
import { writePieceHead, writeRequest } from '../../src/wire/peer/block.ts'
import { writeHandshake } from '../../src/wire/peer/handshake.ts'
import { INTERESTED, UNCHOKE } from '../../src/wire/peer/message.ts'
import { MessageReader, type PeerMessage } from '../../src/wire/peer/message-reader.ts'
import { PieceSet } from '../../src/wire/peer/piece-set.ts'
import { BLOCK_BYTES, INFO_HASH, PEER_ID, PIECE_BYTES, ZEROS } from './content.ts'

export interface Clients {
  readonly sourcePort: number
  readonly hostPort: number
  readonly processId: number
  stop(): void
}

/** `infoHash`: of the torrent, which has `pieces` pieces. */
export async function startClients(
  address: string,
  pieces: number,
  infoHash: Buffer = INFO_HASH,
): Promise<Clients> {
  const program = fileURLToPath(import.meta.url)
  const child = fork(program, ['--serve', address, `${pieces}`, infoHash.toString('hex')])
  const [sourcePort, hostPort] = await new Promise<[number, number]>((resolve, reject) => {
    child.once('message', (ports) => resolve(ports as [number, number]))
    child.once('exit', () => reject(new Error('the clients ended')))
  })
  return { sourcePort, hostPort, processId: child.pid ?? 0, stop: () => void child.kill() }
}

class ServedClients {
  readonly #pieces: number
  readonly #infoHash: Buffer

  constructor(pieces: number, infoHash: Buffer) {
    this.#pieces = pieces
    this.#infoHash = infoHash
  }

  async listen(address: string): Promise<[number, number]> {
    const listen = (serve: (socket: Socket) => void) =>
      new Promise<number>((resolve) => {
        const server = createServer({ noDelay: true }, serve)
        server.listen(0, address, () => resolve((server.address() as AddressInfo).port))
      })
    return Promise.all([
      listen((socket) => this.#serveSource(socket)),
      listen((socket) => this.#serveHost(socket)),
    ])
  }

  #serve(socket: Socket, receive: (message: PeerMessage) => void): void {
    const reader = new MessageReader(receive)
    socket.on('error', () => {})
    socket.on('data', (chunk) => void reader.read(chunk))
    socket.write(writeHandshake(this.#infoHash, PEER_ID))
  }

  #serveSource(socket: Socket): void {
    this.#serve(socket, (message) => {
      if (message.kind !== 'request') return
      socket.cork()
      socket.write(writePieceHead(message))
      socket.write(ZEROS.subarray(0, message.length))
      process.nextTick(() => socket.uncork())
    })
    const all = new PieceSet((this.#pieces + 7) >> 3)
    all.fill(this.#pieces)
    socket.write(writeBitfield(all.bits))
    socket.write(UNCHOKE)
  }

  #serveHost(socket: Socket): void {
    const missing = new Map<number, number>()
    let piece = 0
    this.#serve(socket, (message) => {
      if (message.kind === 'have') {
        if (missing.size === 0) socket.write(INTERESTED)
        missing.set(message.piece, PIECE_BYTES / BLOCK_BYTES)
        for (let begin = 0; begin < PIECE_BYTES; begin += BLOCK_BYTES)
          socket.write(writeRequest({ piece: message.piece, begin, length: BLOCK_BYTES }))
      } else if (message.kind === 'block') piece = message.piece
      else if (message.kind === 'block-part' && message.isLast) {
        const left = (missing.get(piece) ?? 0) - 1
        missing.set(piece, left)
        if (left === 0) socket.write(writeHave(piece))
      }
    })
  }
}

const [role, address = '', pieces, infoHash = ''] = process.argv.slice(2)
if (role === '--serve') {
  const clients = new ServedClients(Number(pieces), Buffer.from(infoHash, 'hex'))
  process.send?.(await clients.listen(address))
  process.on('disconnect', () => process.exit())
}
