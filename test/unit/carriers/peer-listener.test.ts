import { describe, expect, it } from 'vitest'
import { parseAddress } from '../../../src/core/address.ts'
import { writeHandshake } from '../../../src/wire/peer/handshake.ts'
import { aCarriedSwarm, Content, PeerSocket, SimulatedPeer, siteOf } from '../../simulated-peers.ts'

const CONTENT = new Content({ totalBytes: 1_000_000, pieceBytes: 65_536 })
const OTHER = new Content({ totalBytes: 1_000_000, pieceBytes: 65_536, seed: 2 })

/** A source, and a host that the node cannot dial. */
function aSwarm() {
  const swarm = aCarriedSwarm()
  swarm.carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
  const source = swarm.join(1, 200, CONTENT, { has: 'all' })
  const closed = swarm.join(1, 1, CONTENT, { isFiltered: true })
  swarm.run(4_000)
  return { swarm, source, closed }
}

/** A connection of which the test writes each byte. */
function aConnection(swarm: ReturnType<typeof aCarriedSwarm>, peer: SimulatedPeer) {
  const socket = new PeerSocket(peer, { onOpen: () => {}, onData: () => {}, onEnd: () => {} })
  socket.isOpen = true
  socket.isIncoming = true
  swarm.carriers.listener.accept({ address: peer.address, attach: (events) => socket.attach(events) })
  const send = (bytes: Buffer) => {
    socket.send(bytes)
    socket.step()
  }
  return { socket, send }
}

describe('a client that the node cannot dial', () => {
  it('connects to the node and completes', async () => {
    const { swarm, source, closed } = aSwarm()
    expect(swarm.carriageOf(1, CONTENT)!.hosts).toBe(0)
    swarm.connectToNode(closed)
    swarm.step()
    await Promise.resolve()
    expect(swarm.run(5_000, () => closed.isComplete)).toBe(true)
    expect(source.sentBytes).toBe(CONTENT.bytes.length)
    expect(swarm.carriageOf(1, CONTENT)!.hosts).toBe(1)
  })

  it('remains unreachable, and its progress is observed', async () => {
    const { swarm, closed } = aSwarm()
    swarm.connectToNode(closed)
    swarm.step()
    await Promise.resolve()
    swarm.run(5_000, () => closed.isComplete)
    swarm.run(500)
    expect(swarm.observations.findLast(({ address }) => address.equals(closed.address))).toMatchObject({
      reachability: 'unreachable',
      isComplete: true,
    })
  })

  it('is reachable where it accepts a later connection while its own one is open', async () => {
    const { swarm, closed } = aSwarm()
    swarm.connectToNode(closed)
    closed.options.isFiltered = false
    swarm.step()
    await Promise.resolve()
    swarm.run(500)
    expect(swarm.observations.findLast(({ address }) => address.equals(closed.address))).toMatchObject({
      reachability: 'reachable',
    })
  })

  it('remains unreachable where it accepts no connection within three and a half seconds', async () => {
    const { swarm, closed } = aSwarm()
    swarm.connectToNode(closed)
    swarm.step()
    await Promise.resolve()
    swarm.run(4_000)
    closed.options.isFiltered = false
    swarm.run(4_000)
    expect(swarm.observations.findLast(({ address }) => address.equals(closed.address))).toMatchObject({
      reachability: 'unreachable',
    })
  })

  it('serves its pieces to others', async () => {
    const swarm = aCarriedSwarm()
    swarm.carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
    const seed = swarm.join(1, 200, CONTENT, { has: 'all', isFiltered: true })
    const host = swarm.join(1, 1, CONTENT)
    swarm.run(4_000)
    swarm.connectToNode(seed)
    swarm.step()
    await Promise.resolve()
    expect(swarm.run(5_000, () => host.isComplete)).toBe(true)
  })
})

describe('a connection to the node', () => {
  it('of an address without a client of the torrent is closed', () => {
    const { swarm } = aSwarm()
    const stranger = new SimulatedPeer(swarm.join(1, 77, OTHER).address, CONTENT, {})
    const { socket, send } = aConnection(swarm, stranger)
    send(writeHandshake(CONTENT.infoHash, Buffer.alloc(20)))
    swarm.run(5_200)
    expect(socket.isDestroyed).toBe(true)
    expect(swarm.carriers.listener.rejected).toBe(1)
  })

  it('of a client that is linked already is closed, and the client stays linked', () => {
    const { swarm, source } = aSwarm()
    const { socket, send } = aConnection(swarm, source)
    send(writeHandshake(CONTENT.infoHash, Buffer.alloc(20)))
    swarm.run(5_200)
    expect(socket.isDestroyed).toBe(true)
    expect(source.socket!.isDestroyed).toBe(false)
  })

  it('about a torrent that is not carried is closed', () => {
    const { swarm, closed } = aSwarm()
    const { socket, send } = aConnection(swarm, closed)
    send(writeHandshake(OTHER.infoHash, Buffer.alloc(20)))
    swarm.run(5_200)
    expect(socket.isDestroyed).toBe(true)
  })

  it('with an encrypted handshake is closed at its first byte', () => {
    const { swarm, closed } = aSwarm()
    const { socket, send } = aConnection(swarm, closed)
    send(Buffer.from([0x18]))
    expect(socket.isDestroyed).toBe(true)
  })

  it('that sends no whole handshake is closed after five seconds', () => {
    const { swarm, closed } = aSwarm()
    const { socket, send } = aConnection(swarm, closed)
    send(writeHandshake(CONTENT.infoHash, Buffer.alloc(20)).subarray(0, 67))
    swarm.run(4_800)
    expect(socket.isDestroyed).toBe(false)
    swarm.run(400)
    expect(socket.isDestroyed).toBe(true)
  })

  it('is one of eight of an address, and one of 256 in all', () => {
    const { swarm, closed } = aSwarm()
    const sockets = Array.from({ length: 9 }, () => aConnection(swarm, closed).socket)
    expect(sockets.map(({ isDestroyed }) => isDestroyed)).toEqual([...Array(8).fill(false), true])
    const others = Array.from({ length: 300 }, (_, at) => {
      const { address } = swarm.join(2 + (at >> 7), 1 + (at & 127), OTHER, { isFiltered: true })
      return aConnection(swarm, new SimulatedPeer(address, CONTENT, {})).socket
    })
    // Each of the last ones closes one of the address with the most, until none has more than one.
    expect(others.filter(({ isDestroyed }) => !isDestroyed)).toHaveLength(255)
    expect(sockets.filter(({ isDestroyed }) => !isDestroyed)).toHaveLength(1)
    expect(swarm.carriers.listener.greetings).toBe(256)
    swarm.run(6_000)
    expect(swarm.carriers.listener.greetings).toBe(0)
  })

  it('waits although one host keeps as many open as it can, from all addresses of its /64', () => {
    const { swarm, closed } = aSwarm()
    const flood = Array.from({ length: 300 }, (_, at) => {
      const address = parseAddress(`fd00::${at.toString(16)}`)!
      return aConnection(swarm, Object.assign(new SimulatedPeer(closed.address, CONTENT, {}), { address }))
    })
    const { socket } = aConnection(swarm, closed)
    expect(flood.filter(({ socket: { isDestroyed } }) => !isDestroyed)).toHaveLength(255)
    expect(socket.isDestroyed).toBe(false)
    expect(swarm.carriers.listener.greetings).toBe(256)
  })

  it('of a client that was removed is closed', () => {
    const { swarm, closed } = aSwarm()
    swarm.carriers.removeClient(siteOf(1, CONTENT), closed)
    const { socket, send } = aConnection(swarm, closed)
    send(writeHandshake(CONTENT.infoHash, Buffer.alloc(20)))
    swarm.run(5_200)
    expect(socket.isDestroyed).toBe(true)
  })

  it('waits for the announce of its client', async () => {
    const swarm = aCarriedSwarm()
    swarm.carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
    const early = new SimulatedPeer(swarm.join(1, 9, OTHER, { isFiltered: true }).address, CONTENT, {
      isFiltered: true,
    })
    const socket = swarm.connectToNode(early)
    swarm.run(2_000)
    expect(socket.isDestroyed).toBe(false)
    swarm.join(1, 200, CONTENT, { has: 'all' })
    swarm.take(1, early)
    swarm.run(200)
    await Promise.resolve()
    expect(swarm.run(3_000, () => early.isComplete)).toBe(true)
  })

  it('waits while another connection of its client ends', async () => {
    const { swarm, closed } = aSwarm()
    const first = swarm.connectToNode(closed)
    swarm.step()
    await Promise.resolve()
    swarm.run(100)
    swarm.connectToNode(closed)
    swarm.run(500)
    first.end('closed')
    swarm.run(200)
    await Promise.resolve()
    expect(swarm.run(3_000, () => closed.isComplete)).toBe(true)
  })

  it('that sends much before the node has answered is closed', () => {
    const { swarm } = aSwarm()
    const stranger = new SimulatedPeer(swarm.join(1, 77, OTHER).address, CONTENT, {})
    const { socket, send } = aConnection(swarm, stranger)
    send(writeHandshake(CONTENT.infoHash, Buffer.alloc(20)))
    for (let at = 0; at < 5; at++) send(Buffer.alloc(65_536))
    expect(socket.isDestroyed).toBe(true)
  })
})
