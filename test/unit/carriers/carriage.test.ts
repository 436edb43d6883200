import { describe, expect, it } from 'vitest'
import { aCarriedSwarm, Content, siteOf } from '../../simulated-peers.ts'

const MIB = 1_048_576
const CONTENT = new Content({ totalBytes: 2 * MIB, pieceBytes: 131_072 })

function aRegisteredSwarm() {
  const swarm = aCarriedSwarm()
  swarm.carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
  return swarm
}

describe('the carriage of a torrent', () => {
  it('shows its source, its upstream and the hosts that lack pieces', () => {
    const swarm = aRegisteredSwarm()
    swarm.join(1, 200, CONTENT, { has: 'all', bytesPerSecond: 400_000 })
    for (const host of [1, 2]) swarm.join(2, host, CONTENT)
    swarm.run(2_000)
    expect(swarm.carriageOf(1, CONTENT)).toMatchObject({
      site: '1',
      hasSource: true,
      upstream: undefined,
      needsPieces: false,
      hosts: 0,
    })
    expect(swarm.carriageOf(2, CONTENT)).toMatchObject({
      hasSource: false,
      upstream: '1',
      needsPieces: true,
      hosts: 2,
    })
    expect(swarm.carriageOf(2, CONTENT)!.bytesPerSecond).toBeGreaterThan(200_000)
  })

  it('has no upstream where the source is in no other site', () => {
    const swarm = aRegisteredSwarm()
    swarm.join(2, 1, CONTENT)
    swarm.run(2_000)
    expect(swarm.carriageOf(2, CONTENT)).toMatchObject({ hasSource: false, upstream: undefined })
  })

  it('needs no pieces once all hosts are complete', () => {
    const swarm = aRegisteredSwarm()
    swarm.join(1, 200, CONTENT, { has: 'all' })
    const host = swarm.join(2, 1, CONTENT)
    swarm.run(10_000, () => host.isComplete)
    swarm.run(1_000)
    expect(swarm.carriageOf(2, CONTENT)).toMatchObject({ hasSource: true, needsPieces: false })
  })

  it('ends a minute after the last client, and its memory is free', () => {
    const swarm = aRegisteredSwarm()
    const source = swarm.join(1, 200, CONTENT, { has: 'all' })
    const host = swarm.join(2, 1, CONTENT)
    swarm.run(10_000, () => host.isComplete)
    expect(swarm.carriers.cachedBytes).toBeGreaterThan(0)
    swarm.carriers.removeClient(siteOf(1, CONTENT), source)
    swarm.carriers.removeClient(siteOf(2, CONTENT), host)
    swarm.run(59_000)
    expect(swarm.carriageOf(2, CONTENT)).toBeDefined()
    swarm.run(2_000)
    expect(swarm.carriageOf(1, CONTENT)).toBeUndefined()
    expect(swarm.carriageOf(2, CONTENT)).toBeUndefined()
    expect([...swarm.carriers.carried()]).toEqual([])
    expect(swarm.carriers.cachedBytes).toBe(0)
  })

  it('begins again with the next client, in whole pieces', () => {
    const swarm = aRegisteredSwarm()
    const first = swarm.join(1, 1, CONTENT)
    swarm.carriers.removeClient(siteOf(1, CONTENT), first)
    swarm.run(61_000)
    expect([...swarm.carriers.carried()]).toEqual([])
    swarm.join(1, 200, CONTENT, { has: 'all', lies: () => true })
    swarm.join(1, 2, CONTENT)
    swarm.run(2_000)
    expect(swarm.carriers.counters.liars).toBe(1)
  })
})

describe('the outcome of a dial', () => {
  it('is reported at once, without a tick', () => {
    const swarm = aRegisteredSwarm()
    const [open, closed] = [swarm.join(1, 1, CONTENT), swarm.join(1, 2, CONTENT)]
    closed.isAlive = false
    swarm.stepPeers()
    expect(swarm.observations).toContainEqual(
      expect.objectContaining({ address: open.address, reachability: 'reachable' }),
    )
    expect(swarm.observations).toContainEqual(
      expect.objectContaining({ address: closed.address, reachability: 'unreachable', isGone: false }),
    )
  })

  it('tells a client that takes the handshake of the node from one that refuses it', () => {
    const swarm = aRegisteredSwarm()
    const [plain, encrypted] = [
      swarm.join(1, 1, CONTENT),
      swarm.join(1, 2, CONTENT, { requiresEncryption: true }),
    ]
    swarm.stepPeers()
    const ofPeer = (peer: { readonly address: unknown }) =>
      swarm.observations.filter(({ address }) => address === peer.address)
    expect(ofPeer(plain)).toMatchObject([{ reachability: 'reachable', refusesNode: false }])
    expect(ofPeer(encrypted)).toMatchObject([{ reachability: 'reachable', refusesNode: true }])
  })

  it('is unreachable after a tenth of a second without an answer, and reachable with a later one', () => {
    const swarm = aRegisteredSwarm()
    const host = swarm.join(1, 1, CONTENT, { isFiltered: true })
    swarm.run(100)
    expect(swarm.observations).toEqual([])
    swarm.run(40)
    expect(swarm.observations).toMatchObject([{ reachability: 'unreachable', isGone: false }])
    host.options.isFiltered = false
    swarm.run(100)
    expect(swarm.observations.at(-1)).toMatchObject({ reachability: 'reachable' })
  })

  it('finds a killed client gone within a second', () => {
    const swarm = aRegisteredSwarm()
    const host = swarm.join(1, 1, CONTENT)
    swarm.run(6_000)
    host.kill()
    swarm.run(1_000)
    expect(swarm.observations.at(-1)).toMatchObject({ reachability: 'unreachable', isGone: true })
  })

  it('shows a client without pieces after two seconds, although it sends no bitfield', () => {
    const swarm = aRegisteredSwarm()
    swarm.join(1, 1, CONTENT)
    swarm.run(2_500)
    expect(swarm.observations.at(-1)).toMatchObject({ reachability: 'reachable', share: 0 })
  })
})

describe('a torrent that is registered while it is carried', () => {
  it('completes, with few blocks fetched twice', () => {
    const swarm = aCarriedSwarm()
    const source = swarm.join(1, 200, CONTENT, { has: 'all', bytesPerSecond: 500_000 })
    const hosts = [1, 2].flatMap((site) => [1, 2].map((host) => swarm.join(site, host, CONTENT)))
    swarm.run(1_500)
    swarm.carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
    expect(swarm.run(20_000, () => hosts.every(({ isComplete }) => isComplete))).toBe(true)
    expect(source.sentBytes).toBeLessThanOrEqual(1.4 * CONTENT.bytes.length)
  })

  it('is checked from then on', () => {
    const swarm = aCarriedSwarm()
    swarm.join(1, 200, CONTENT, { has: 'all', bytesPerSecond: 500_000, lies: (piece) => piece % 4 === 0 })
    swarm.join(1, 1, CONTENT)
    swarm.run(1_000)
    expect(swarm.carriers.counters.liars).toBe(0)
    swarm.carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
    swarm.run(10_000)
    expect(swarm.carriers.counters.liars).toBe(1)
  })
})
