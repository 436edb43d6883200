import { expect, it } from 'vitest'
import { BitfieldMemory } from '../../../src/observers/bitfield-memory.ts'
import { ObserverConnection } from '../../../src/observers/observer-connection.ts'
import { PieceRecord } from '../../../src/observers/piece-record.ts'
import { TorrentPieces } from '../../../src/observers/torrent-pieces.ts'
import { aClient, LIBTORRENT, ScriptedNetwork } from '../../scripted-clients.ts'

function aConnection() {
  const network = new ScriptedNetwork()
  const memory = new BitfieldMemory(1_000)
  const ends: unknown[] = []
  const connection = new ObserverConnection({
    client: aClient(1),
    peerId: LIBTORRENT,
    pieces: new PieceRecord(new TorrentPieces(undefined), memory),
    dial: network.dial,
    nowMs: () => 0,
    events: {
      onHandshake: () => {},
      onReachable: () => {},
      onData: () => {},
      onEnd: (end) => ends.push(end),
    },
  })
  network.deliver()
  network.latest(aClient(1)).greet([0xff, 0xff])
  return { connection, memory, ends, socket: network.latest(aClient(1)) }
}

it('a connection gives its memory back when the node closes it, without an event', () => {
  const { connection, memory, ends, socket } = aConnection()
  expect([connection.phase, memory.usedBytes]).toEqual(['open', 2])
  connection.close()
  connection.close()
  expect([memory.usedBytes, ends.length, socket.isDestroyed]).toEqual([0, 0, true])
})

it('a connection gives its memory back when the client closes it, with one event', () => {
  const { connection, memory, ends, socket } = aConnection()
  socket.end()
  connection.close()
  expect([connection.phase, memory.usedBytes, ends]).toEqual(['ended', 0, ['closed']])
})

it('a connection sends one handshake with reserved bits of zero, and nothing else', () => {
  const { socket } = aConnection()
  expect(socket.written).toHaveLength(1)
  expect(socket.written[0]?.subarray(20, 28)).toEqual(Buffer.alloc(8))
})
