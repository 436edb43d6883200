import { describe, expect, it } from 'vitest'
import {
  aCarriedSwarm,
  Content,
  type PeerOptions,
  type SimulatedPeer,
  siteOf,
} from '../../simulated-peers.ts'

const MIB = 1_048_576
const CONTENT = new Content({ totalBytes: 4 * MIB + 5_000, pieceBytes: 131_072 })

/** A seed in site 1 and `hosts` leechers in each of `sites` sites. */
function aRollout({
  sites = 2,
  hosts = 3,
  isRegistered = true,
  content = CONTENT,
  seed = {},
  cacheBytes = 268_435_456,
}: {
  sites?: number
  hosts?: number
  isRegistered?: boolean
  content?: Content
  seed?: PeerOptions
  cacheBytes?: number
} = {}) {
  const swarm = aCarriedSwarm({ cacheBytes })
  if (isRegistered) swarm.carriers.setGeometry(content.infoHash, content.geometry)
  const source = swarm.join(1, 200, content, { has: 'all', ...seed })
  const leechers: SimulatedPeer[] = []
  for (let site = 1; site <= sites; site++)
    for (let host = 1; host <= hosts; host++) leechers.push(swarm.join(site, host, content))
  const areComplete = () => leechers.every(({ isAlive, isComplete }) => !isAlive || isComplete)
  return { ...swarm, source, leechers, areComplete, content }
}

describe('a carried rollout', () => {
  it('completes hosts that know no peer but the node, and takes each block from the source once', () => {
    const rollout = aRollout()
    expect(rollout.run(20_000, rollout.areComplete)).toBe(true)
    expect(rollout.source.sentBytes).toBe(CONTENT.bytes.length)
    expect(rollout.relayedBytes(2, 1)).toBe(CONTENT.bytes.length)
    expect(rollout.relayedBytes(1, 2)).toBe(0)
  })

  it('counts the outcomes of its connections as observers do', () => {
    const rollout = aRollout()
    expect(rollout.run(20_000, rollout.areComplete)).toBe(true)
    const { reachable, pieces, complete, refused } = rollout.carriers.counters.observations
    expect({ reachable, pieces, complete, refused }).toEqual({
      reachable: 7,
      pieces: 7,
      complete: 7,
      refused: 0,
    })
  })

  it('completes hosts and takes each block once for a torrent that is not registered', () => {
    const rollout = aRollout({ isRegistered: false })
    expect(rollout.run(20_000, rollout.areComplete)).toBe(true)
    expect(rollout.source.sentBytes).toBe(CONTENT.bytes.length)
    expect(rollout.relayedBytes(2, 1)).toBe(CONTENT.bytes.length)
  })

  it.each([true, false])(
    'keeps a client busy that pauses when it has all that it was offered (registered: %s)',
    (isRegistered) => {
      const rollout = aRollout({ hosts: 0, isRegistered })
      const hosts = [1, 2, 3].map((host) => rollout.join(1, host, CONTENT, { isPausing: true }))
      expect(rollout.run(10_000, () => hosts.every(({ isComplete }) => isComplete))).toBe(true)
    },
  )

  it('serves a host from one that completed its content elsewhere, although no source was there when they were linked', () => {
    const swarm = aCarriedSwarm()
    const pieces = Array.from({ length: CONTENT.pieces }, (_, piece) => piece)
    const first = swarm.join(1, 1, CONTENT, { has: pieces.slice(1) })
    const second = swarm.join(1, 2, CONTENT, { has: pieces.slice(5) })
    swarm.run(1_000)
    first.gain(0)
    const { address, port } = first
    swarm.carriers.updateClient(siteOf(1, CONTENT), { address, port, isAnnouncedComplete: true })
    expect(swarm.run(5_000, () => second.isComplete)).toBe(true)
  })

  it.each([
    { isRegistered: true, sites: 2 },
    { isRegistered: false, sites: 2 },
    { isRegistered: true, sites: 3 },
  ])('continues where a seed of a site shows all pieces and delivers none: %o', ({ isRegistered, sites }) => {
    const rollout = aRollout({ hosts: 0, isRegistered })
    rollout.join(2, 100, CONTENT, { has: 'all', isChoking: true })
    const hosts = Array.from({ length: sites - 1 }, (_, at) => rollout.join(at + 2, 1, CONTENT))
    expect(rollout.run(15_000, () => hosts.every(({ isComplete }) => isComplete))).toBe(true)
  })

  it('takes a seed that was silent for a while as a source again', () => {
    const rollout = aRollout({ sites: 1, hosts: 1, seed: { bytesPerSecond: 400_000 } })
    rollout.run(3_000)
    rollout.source.choke()
    rollout.run(20_000)
    rollout.source.unchoke()
    expect(rollout.run(12_000, rollout.areComplete)).toBe(true)
  })

  it('offers each piece to one host of a site first', () => {
    const rollout = aRollout({ hosts: 4, seed: { bytesPerSecond: 400_000 } })
    rollout.run(800)
    for (const site of [0, 1]) {
      const told = rollout.leechers.slice(site * 4, site * 4 + 4).flatMap((leecher) => leecher.told)
      expect(told.length).toBeGreaterThan(4)
      expect(new Set(told).size).toBe(told.length)
    }
  })

  it('offers the pieces of all sites in the same order', () => {
    const rollout = aRollout({ sites: 3, hosts: 2, seed: { bytesPerSecond: 400_000 } })
    rollout.run(2_000)
    const begun = [0, 1, 2].map((site) =>
      Math.max(
        ...rollout.leechers
          .slice(site * 2, site * 2 + 2)
          .flatMap(({ told }) => told.map((piece) => positionOf(piece))),
      ),
    )
    expect(Math.max(...begun) - Math.min(...begun)).toBeLessThanOrEqual(4)
  })

  it('fetches from the source once where the hosts exchange pieces with each other', () => {
    const rollout = aRollout({ hosts: 4 })
    for (const site of [0, 1]) {
      const hosts = rollout.leechers.slice(site * 4, site * 4 + 4)
      for (const host of hosts) host.neighbours.push(...hosts.filter((other) => other !== host))
    }
    expect(rollout.run(20_000, rollout.areComplete)).toBe(true)
    expect(rollout.source.sentBytes).toBe(CONTENT.bytes.length)
    expect(rollout.relayedBytes(2, 1)).toBe(CONTENT.bytes.length)
  })

  it('takes blocks that the cache has lost from the hosts of the site, and not from the source', () => {
    const rollout = aRollout({ sites: 2, hosts: 2, cacheBytes: MIB, seed: { bytesPerSecond: 2_000_000 } })
    expect(rollout.run(60_000, rollout.areComplete)).toBe(true)
    expect(rollout.source.sentBytes).toBe(CONTENT.bytes.length)
    expect(rollout.relayedBytes(2, 1)).toBe(CONTENT.bytes.length)
    expect(rollout.leechers.some(({ sentBytes }) => sentBytes > 0)).toBe(true)
  })

  it('does so while the hosts that have them close their connections, because they are complete', () => {
    const swarm = aCarriedSwarm({ cacheBytes: MIB })
    swarm.carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
    const source = swarm.join(1, 200, CONTENT, { has: 'all' })
    const fast = [1, 2].map((host) => swarm.join(1, host, CONTENT, { isClosingAtEnd: true }))
    swarm.carriers.setRate('1', '2', 500_000)
    const slow = swarm.join(2, 1, CONTENT)
    expect(swarm.run(30_000, () => [...fast, slow].every(({ isComplete }) => isComplete))).toBe(true)
    expect(source.sentBytes).toBe(CONTENT.bytes.length)
  })

  it('does so where one site takes its pieces much more slowly than the other one', () => {
    const swarm = aCarriedSwarm({ cacheBytes: MIB })
    swarm.carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
    const source = swarm.join(1, 200, CONTENT, { has: 'all' })
    const fast = [1, 2].map((host) => swarm.join(1, host, CONTENT))
    swarm.carriers.setRate('1', '2', 200_000)
    const slow = [1, 2].map((host) => swarm.join(2, host, CONTENT))
    expect(swarm.run(10_000, () => fast.every(({ isComplete }) => isComplete))).toBe(true)
    expect(swarm.run(60_000, () => slow.every(({ isComplete }) => isComplete))).toBe(true)
    expect(source.sentBytes).toBe(CONTENT.bytes.length)
    expect(swarm.relayedBytes(2, 1)).toBe(CONTENT.bytes.length)
  })

  it('keeps pieces that its hosts take slowly in memory, and fetches nothing twice', () => {
    const swarm = aCarriedSwarm({ cacheBytes: MIB })
    swarm.carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
    const source = swarm.join(1, 200, CONTENT, { has: 'all' })
    const hosts = [1, 2, 3].map((host) => swarm.join(2, host, CONTENT, { readsBytesPerSecond: 150_000 }))
    const other = swarm.join(1, 1, CONTENT)
    expect(swarm.run(120_000, () => [...hosts, other].every(({ isComplete }) => isComplete))).toBe(true)
    expect(source.sentBytes).toBe(CONTENT.bytes.length)
    expect(swarm.relayedBytes(2, 1)).toBe(CONTENT.bytes.length)
  })

  it('passes each piece into a site without a node of its own once, where its hosts exchange pieces', () => {
    const swarm = aCarriedSwarm()
    swarm.carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
    swarm.join(1, 200, CONTENT, { has: 'all', bytesPerSecond: 500_000 })
    const hosts = [1, 2, 3, 4].map((host) => swarm.join(2, host, CONTENT))
    for (const host of hosts) host.neighbours.push(...hosts.filter((other) => other !== host))
    expect(swarm.run(30_000, () => hosts.every(({ isComplete }) => isComplete))).toBe(true)
    const received = hosts.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0)
    expect(received).toBeLessThanOrEqual(1.02 * CONTENT.bytes.length)
  })

  it('gives a host its last pieces after a second where the neighbours that have them disconnected it', () => {
    const swarm = aCarriedSwarm()
    swarm.carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
    swarm.join(1, 200, CONTENT, { has: 'all' })
    const allBut = (lacking: readonly number[]) =>
      Array.from({ length: CONTENT.pieces }, (_, piece) => piece).filter((piece) => !lacking.includes(piece))
    const hosts = [[0, 1], [2]].map((lacking, host) =>
      swarm.join(2, host + 1, CONTENT, { has: allBut(lacking) }),
    )
    swarm.run(900)
    expect(hosts.map(({ receivedBytes }) => receivedBytes)).toEqual([0, 0])
    expect(swarm.run(4_000, () => hosts.every(({ isComplete }) => isComplete))).toBe(true)
    expect(swarm.relayedBytes(2, 1)).toBeLessThanOrEqual(3 * CONTENT.pieceBytes)
  })

  it('does not give a host the pieces that are on their way to its neighbours', () => {
    const content = new Content({ totalBytes: 8 * MIB, pieceBytes: MIB, seed: 2 })
    const swarm = aCarriedSwarm()
    swarm.carriers.setGeometry(content.infoHash, content.geometry)
    swarm.join(1, 200, content, { has: 'all' })
    const slow = swarm.join(2, 1, content, { readsBytesPerSecond: 60_000 })
    const fast = swarm.join(2, 2, content)
    slow.neighbours.push(fast)
    fast.neighbours.push(slow)
    expect(swarm.run(60_000, () => fast.isComplete)).toBe(true)
    expect(slow.receivedBytes + fast.receivedBytes).toBeLessThanOrEqual(content.bytes.length)
  })

  it('counts a piece of a client that sends no HAVE once its blocks were served', () => {
    const swarm = aCarriedSwarm()
    swarm.carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
    const source = swarm.join(1, 200, CONTENT, { has: 'all' })
    const hosts = [1, 2].map((host) => swarm.join(2, host, CONTENT, { isSilent: true }))
    expect(swarm.run(30_000, () => hosts.every(({ isComplete }) => isComplete))).toBe(true)
    expect(source.sentBytes).toBe(CONTENT.bytes.length)
  })

  it('uses several sources at once', () => {
    const rollout = aRollout({ seed: { bytesPerSecond: 1_000_000 } })
    const second = rollout.join(1, 201, CONTENT, { has: 'all', bytesPerSecond: 1_000_000 })
    expect(rollout.run(20_000, rollout.areComplete)).toBe(true)
    expect(rollout.source.sentBytes + second.sentBytes).toBe(CONTENT.bytes.length)
    expect(second.sentBytes).toBeGreaterThan(CONTENT.bytes.length / 4)
  })

  it('fetches nothing that the hosts of a site have from before', () => {
    const swarm = aCarriedSwarm()
    swarm.carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
    swarm.join(1, 200, CONTENT, { has: 'all' })
    const even = Array.from({ length: CONTENT.pieces }, (_, piece) => piece).filter(
      (piece) => piece % 2 === 0,
    )
    const hosts = [swarm.join(2, 1, CONTENT, { has: even }), swarm.join(2, 2, CONTENT)]
    expect(swarm.run(20_000, () => hosts.every(({ isComplete }) => isComplete))).toBe(true)
    expect(swarm.relayedBytes(2, 1)).toBeLessThan(0.55 * CONTENT.bytes.length)
  })
})

describe('a fault during a carried rollout', () => {
  it('loses a host: its pieces are offered to another one, and nothing is fetched twice', () => {
    const rollout = aRollout({ hosts: 3, seed: { bytesPerSecond: 1_000_000 } })
    rollout.run(2_000)
    rollout.leechers[3]!.kill()
    expect(rollout.run(20_000, rollout.areComplete)).toBe(true)
    expect(rollout.source.sentBytes).toBe(CONTENT.bytes.length)
    expect(rollout.relayedBytes(2, 1)).toBe(CONTENT.bytes.length)
  })

  it('loses the source when one site has everything: the other site fetches from there', () => {
    const swarm = aCarriedSwarm({ cacheBytes: MIB })
    swarm.carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
    const source = swarm.join(1, 200, CONTENT, { has: 'all' })
    const first = swarm.join(1, 1, CONTENT)
    expect(swarm.run(20_000, () => first.isComplete)).toBe(true)
    source.kill()
    const late = swarm.join(2, 1, CONTENT)
    expect(swarm.run(30_000, () => late.isComplete)).toBe(true)
    expect(swarm.relayedBytes(2, 1)).toBe(CONTENT.bytes.length)
  })

  it('meets a source that chokes for a while: the blocks come after it unchokes', () => {
    const rollout = aRollout({ seed: { bytesPerSecond: 1_000_000 } })
    rollout.run(1_000)
    rollout.source.choke()
    rollout.run(3_000)
    expect(rollout.areComplete()).toBe(false)
    rollout.source.unchoke()
    expect(rollout.run(20_000, rollout.areComplete)).toBe(true)
    expect(rollout.source.sentBytes).toBe(CONTENT.bytes.length)
  })

  it('loses the connection to a host, and dials it again', () => {
    const rollout = aRollout({ seed: { bytesPerSecond: 1_000_000 } })
    rollout.run(1_500)
    rollout.leechers[0]!.socket!.end('closed')
    rollout.leechers[4]!.socket!.end('closed')
    expect(rollout.run(30_000, rollout.areComplete)).toBe(true)
    expect(rollout.source.sentBytes).toBeLessThanOrEqual(1.02 * CONTENT.bytes.length)
  })
})

describe('a host whose link is cut', () => {
  it('is gone after seven seconds, and its pieces are offered to another host', () => {
    const rollout = aRollout({ hosts: 2, seed: { bytesPerSecond: 500_000 } })
    const cut = rollout.join(1, 50, CONTENT, {})
    rollout.run(2_000)
    cut.options.isFiltered = true
    rollout.run(7_500)
    expect(rollout.observations.findLast(({ address }) => address.equals(cut.address))).toMatchObject({
      isGone: true,
      reachability: 'unreachable',
    })
    expect(rollout.run(20_000, rollout.areComplete)).toBe(true)
    expect(rollout.source.sentBytes).toBe(CONTENT.bytes.length)
  })

  it('loses the source: another source serves the rest', () => {
    const rollout = aRollout({ hosts: 2, seed: { bytesPerSecond: 500_000 } })
    rollout.run(3_000)
    rollout.source.options.isFiltered = true
    rollout.join(1, 201, CONTENT, { has: 'all', bytesPerSecond: 500_000 })
    expect(rollout.run(20_000, rollout.areComplete)).toBe(true)
  })
})

describe('wrong data', () => {
  it('of a source reaches no host as a whole piece; the source is dropped, counted and named', () => {
    const swarm = aCarriedSwarm()
    swarm.carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
    const liar = swarm.join(1, 200, CONTENT, { has: 'all', lies: (piece) => piece % 3 === 0 })
    const host = swarm.join(1, 1, CONTENT)
    swarm.run(5_000)
    expect(swarm.carriers.counters.liars).toBe(1)
    expect(swarm.lines).toContainEqual(
      expect.objectContaining({ event: 'wrong-data', from: liar.name, site: '1' }),
    )
    expect(host.invalidPieces).toBe(0)
    expect(host.isComplete).toBe(false)
    swarm.join(1, 201, CONTENT, { has: 'all' })
    expect(swarm.run(20_000, () => host.isComplete)).toBe(true)
    expect(liar.socket?.isDestroyed).toBe(true)
  })

  it('of one of two sources is found, and the other source serves all', () => {
    const rollout = aRollout({ sites: 2 })
    const liar = rollout.join(1, 201, CONTENT, { has: 'all', lies: () => true })
    expect(rollout.run(30_000, rollout.areComplete)).toBe(true)
    expect(rollout.carriers.counters.liars).toBe(1)
    expect(rollout.lines).toContainEqual(expect.objectContaining({ event: 'wrong-data', from: liar.name }))
    expect(rollout.lines).toHaveLength(1)
  })
})

describe('a client that misbehaves', () => {
  it('requests everything and reads nothing: a bounded buffer, and the others complete in the same time', () => {
    const rollout = aRollout({ sites: 1, hosts: 3 })
    const deaf = rollout.join(1, 99, CONTENT, { isDeaf: true })
    rollout.run(500)
    const everything = CONTENT.geometry
    for (let piece = 0; piece < everything.pieces; piece++)
      for (let index = 0; index < everything.blocksOf(piece); index++)
        deaf.socket!.send(request(everything.block(piece, index)))
    expect(rollout.run(20_000, rollout.areComplete)).toBe(true)
    expect(deaf.socket!.unsentBytesMax).toBeLessThan(1_500_000)
    expect(rollout.source.sentBytes).toBe(CONTENT.bytes.length)
    rollout.run(62_000)
    expect(rollout.carriers.counters.faults['not-reading']).toBe(1)
  })

  it('floods requests: the further ones are dropped and counted', () => {
    const rollout = aRollout({ hosts: 1 })
    const flooder = rollout.join(2, 99, CONTENT, { isDeaf: true })
    rollout.run(500)
    const requests: Buffer[] = []
    for (let begin = 0; begin < 10_000; begin++) requests.push(request({ piece: 0, begin, length: 1 }))
    flooder.socket!.send(Buffer.concat(requests))
    rollout.run(100)
    expect(rollout.run(20_000, rollout.areComplete)).toBe(true)
    expect(rollout.carriers.counters.faults['requests-dropped']).toBeGreaterThan(1_000)
  })

  it('cancels in a storm: it is disconnected, and the others complete', () => {
    const rollout = aRollout({ hosts: 2 })
    const storm = rollout.join(2, 99, CONTENT)
    rollout.run(500)
    storm.socket!.send(
      Buffer.concat(Array.from({ length: 300_000 }, () => cancel({ piece: 0, begin: 0, length: 16_384 }))),
    )
    rollout.run(100)
    expect(rollout.carriers.counters.faults.flooding).toBe(1)
    storm.kill()
    expect(rollout.run(20_000, rollout.areComplete)).toBe(true)
  })

  it('requests what the torrent does not have: the request is counted', () => {
    const rollout = aRollout({ hosts: 1 })
    const client = rollout.join(2, 99, CONTENT)
    rollout.run(500)
    client.socket!.send(request({ piece: CONTENT.pieces, begin: 0, length: 16_384 }))
    client.socket!.send(request({ piece: 0, begin: 8_192, length: 16_384 }))
    rollout.run(100)
    expect(rollout.carriers.counters.faults['request-out-of-range']).toBe(2)
  })
})

describe('the observations of a carrier', () => {
  it('report each client once it is linked, and its completion', () => {
    const rollout = aRollout({ hosts: 1 })
    expect(rollout.run(20_000, rollout.areComplete)).toBe(true)
    rollout.run(500)
    const last = rollout.observations.findLast(({ address }) => address.equals(rollout.leechers[1]!.address))
    expect(last).toMatchObject({ reachability: 'reachable', isComplete: true, share: 1, isGone: false })
  })

  it('end when the client is removed: it is not dialled again', () => {
    const rollout = aRollout({ hosts: 1 })
    rollout.run(200)
    const { address, port } = rollout.leechers[1]!
    rollout.carriers.removeClient(siteOf(2, CONTENT), { address, port })
    rollout.leechers[1]!.kill()
    rollout.run(2_000)
    expect(rollout.leechers[1]!.socket).toBeUndefined()
  })
})

function positionOf(piece: number): number {
  const start = CONTENT.infoHash.readUInt32BE(0) % CONTENT.pieces
  return (piece - start + CONTENT.pieces) % CONTENT.pieces
}

function request(block: { piece: number; begin: number; length: number }): Buffer {
  return writeBlockMessage(6, block)
}

function cancel(block: { piece: number; begin: number; length: number }): Buffer {
  return writeBlockMessage(8, block)
}

function writeBlockMessage(
  id: number,
  { piece, begin, length }: { piece: number; begin: number; length: number },
): Buffer {
  const message = Buffer.alloc(17)
  message.writeUInt32BE(13, 0)
  message[4] = id
  message.writeUInt32BE(piece, 5)
  message.writeUInt32BE(begin, 9)
  message.writeUInt32BE(length, 13)
  return message
}
