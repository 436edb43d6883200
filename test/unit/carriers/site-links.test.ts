import { describe, expect, it } from 'vitest'
import { PING, writeHello } from '../../../src/carriers/link/frame.ts'
import {
  type CarriedSwarm,
  aCarriedSwarm,
  Content,
  NodeLink,
  runNodes,
  type SimulatedPeer,
} from '../../simulated-peers.ts'

const MIB = 1_048_576
const CONTENT = new Content({ totalBytes: 3 * MIB + 777, pieceBytes: 131_072 })

/** A node for each of `sites` sites, each connected to each other one, a seed in site 1 and two leechers in each other. */
function aFederation({
  sites = 2,
  linkBytesPerSecond = 100_000_000,
  isRegistered = true,
  seedBytesPerSecond = 100_000_000,
  contents = [CONTENT],
} = {}) {
  const nodes: CarriedSwarm[] = []
  const links = new Map<string, NodeLink>()
  for (let site = 1; site <= sites; site++) nodes.push(aCarriedSwarm({ ownSite: String(site), seed: site }))
  for (const [a, first] of nodes.entries())
    for (const [b, second] of nodes.entries())
      if (a < b) links.set(`${a + 1}-${b + 1}`, new NodeLink(first, second, linkBytesPerSecond))
  const leechers: SimulatedPeer[] = []
  const sources: SimulatedPeer[] = []
  for (const [at, content] of contents.entries()) {
    if (isRegistered)
      for (const { carriers } of nodes) carriers.setGeometry(content.infoHash, content.geometry)
    sources.push(nodes[0]!.join(1, 200 + at, content, { has: 'all', bytesPerSecond: seedBytesPerSecond }))
    for (let site = 2; site <= sites; site++)
      for (const host of [1, 2]) leechers.push(nodes[site - 1]!.join(site, host + 2 * at, content))
  }
  const areComplete = () => leechers.every(({ isComplete }) => isComplete)
  const into = (site: number) => {
    const { counters } = nodes[site - 1]!.carriers
    return [...counters.relayed()]
      .filter(({ to }) => to === String(site))
      .reduce((sum, { bytes }) => sum + bytes, 0)
  }
  const run = (ms: number, isDone: () => boolean = areComplete) =>
    runNodes(nodes, [...links.values()], ms, isDone)
  return { nodes, links, leechers, sources, areComplete, into, run }
}

describe('carriers of several nodes', () => {
  it('complete the hosts of the other site, and each block crosses once', () => {
    const { run, sources, into } = aFederation()
    expect(run(20_000)).toBe(true)
    expect(sources[0]!.sentBytes).toBe(CONTENT.bytes.length)
    expect(into(2)).toBe(CONTENT.bytes.length)
  })

  it('use one connection with little beside the blocks', () => {
    const { run, links } = aFederation()
    expect(run(20_000)).toBe(true)
    const [there = 0, back = 0] = links.get('1-2')!.carriedBytes
    expect(there).toBeLessThan(1.005 * CONTENT.bytes.length)
    expect(back).toBeLessThan(0.01 * CONTENT.bytes.length)
  })

  it('take each block into each of four sites once, and from the source once', () => {
    const { run, sources, into } = aFederation({ sites: 4 })
    expect(run(30_000)).toBe(true)
    expect(sources[0]!.sentBytes).toBe(CONTENT.bytes.length)
    for (const site of [2, 3, 4]) expect(into(site)).toBe(CONTENT.bytes.length)
  })

  it('form a chain where that is cheaper, and the source feeds one site', () => {
    const { run, nodes, into } = aFederation({ sites: 3 })
    const cost = (a: string, b: string) => (Math.abs(Number(a) - Number(b)) === 1 ? 1 : 100)
    for (const { carriers } of nodes) carriers.setCost(cost)
    expect(run(30_000)).toBe(true)
    expect(nodes[2]!.carriers.counters.relayedBytes('3', '2')).toBe(CONTENT.bytes.length)
    expect(into(2)).toBe(CONTENT.bytes.length)
  })

  it.each([0, 200, 300, 400, 700, 1_500])(
    'form a chain where all sites are equally near, and one joins %i ms after the other one',
    (laterMs) => {
      const nodes = ['1', '2', '3'].map((site) => aCarriedSwarm({ ownSite: site, seed: Number(site) }))
      const [first, second, third] = nodes as [CarriedSwarm, CarriedSwarm, CarriedSwarm]
      const links = [
        new NodeLink(first, second, 500_000),
        new NodeLink(first, third, 500_000),
        new NodeLink(second, third, 500_000),
      ]
      // The order of equal sites differs from torrent to torrent.
      const CONTENTS = 6
      for (let at = 0; at < CONTENTS; at++) {
        const content = new Content({ totalBytes: MIB, pieceBytes: 65_536, seed: 20 + at })
        for (const { carriers } of nodes) carriers.setGeometry(content.infoHash, content.geometry)
        const source = first.join(1, 200 + at, content, { has: 'all' })
        const hosts = [second.join(2, 1 + at, content)]
        runNodes(nodes, links, laterMs)
        hosts.push(third.join(3, 1 + at, content))
        expect(runNodes(nodes, links, 20_000, () => hosts.every(({ isComplete }) => isComplete))).toBe(true)
        expect(source.sentBytes).toBe(content.bytes.length)
      }
      const total = CONTENTS * MIB
      const uplink =
        second.carriers.counters.relayedBytes('2', '1') + third.carriers.counters.relayedBytes('3', '1')
      expect(uplink).toBeLessThan(1.15 * total)
      for (const site of [2, 3]) {
        const { counters } = nodes[site - 1]!.carriers
        const into = [...counters.relayed()].reduce((sum, { bytes }) => sum + bytes, 0)
        expect(into).toBeLessThanOrEqual(1.02 * total)
      }
    },
  )

  it('pass blocks on before a piece or the torrent is complete', () => {
    const { run, nodes, leechers } = aFederation({ sites: 3, seedBytesPerSecond: 800_000 })
    const cost = (a: string, b: string) => (Math.abs(Number(a) - Number(b)) === 1 ? 1 : 100)
    for (const { carriers } of nodes) carriers.setCost(cost)
    run(2_500)
    expect(leechers[0]!.isComplete).toBe(false)
    const behind =
      nodes[1]!.carriers.counters.relayedBytes('2', '1') - nodes[2]!.carriers.counters.relayedBytes('3', '2')
    expect(nodes[2]!.carriers.counters.relayedBytes('3', '2')).toBeGreaterThan(0)
    expect(behind).toBeLessThanOrEqual(8 * 16_384)
  })

  it('carry a torrent that is not registered', () => {
    const { run, into } = aFederation({ isRegistered: false })
    expect(run(20_000)).toBe(true)
    expect(into(2)).toBe(CONTENT.bytes.length)
  })

  it('keep a rate within five percent, and a change of it while they run', () => {
    const { run, nodes, into } = aFederation({ linkBytesPerSecond: 10_000_000 })
    nodes[0]!.carriers.setRate('1', '2', 250_000)
    run(2_000)
    const started = into(2)
    run(4_000)
    expect((into(2) - started) / 4).toBeGreaterThan(0.95 * 250_000)
    expect((into(2) - started) / 4).toBeLessThan(1.05 * 250_000)
    nodes[0]!.carriers.setRate('1', '2', undefined)
    expect(run(10_000)).toBe(true)
  })

  it('send two torrents at the same pace where one has many more requests', () => {
    const small = new Content({ totalBytes: MIB, pieceBytes: 32_768, seed: 2 })
    const large = new Content({ totalBytes: 8 * MIB, pieceBytes: 262_144, seed: 3 })
    const { run, leechers } = aFederation({ linkBytesPerSecond: 500_000, contents: [large, small] })
    run(6_000, () => leechers.slice(2).every(({ isComplete }) => isComplete))
    expect(leechers.slice(2).every(({ isComplete }) => isComplete)).toBe(true)
    expect(leechers[0]!.isComplete).toBe(false)
  })

  it('notice a silent connection within five seconds, and continue over a new one where they stopped', () => {
    const { run, nodes, links, into } = aFederation({ linkBytesPerSecond: 1_000_000 })
    run(1_500)
    links.get('1-2')!.isCut = true
    run(5_500)
    expect(nodes[1]!.carriers.linkedSites).toEqual([])
    expect(nodes[1]!.lines).toContainEqual(
      expect.objectContaining({ event: 'carrier-link-closed', reason: 'the other node is silent' }),
    )
    links.set('new', new NodeLink(nodes[0]!, nodes[1]!, 1_000_000))
    expect(run(20_000)).toBe(true)
    expect(into(2)).toBeLessThanOrEqual(1.05 * CONTENT.bytes.length)
  })

  it('end the connection to a site that the topology no longer joins, and fetch from another one', () => {
    const { run, nodes, areComplete, into } = aFederation({ sites: 3, seedBytesPerSecond: 1_000_000 })
    run(1_500)
    const [first, second] = [nodes[0]!, nodes[1]!]
    expect(second.carriageOf(2, CONTENT)!.upstream).toBe('1')
    second.carriers.keepLinks((site) => site === '3')
    run(300)
    expect(second.carriers.linkedSites).toEqual(['3'])
    expect(first.carriers.linkedSites).toEqual(['3'])
    expect(second.lines).toContainEqual(
      expect.objectContaining({
        event: 'carrier-link-closed',
        site: '1',
        reason: expect.stringContaining('topology'),
      }),
    )
    expect(areComplete()).toBe(false)
    expect(run(20_000)).toBe(true)
    expect(second.carriers.counters.relayedBytes('2', '3')).toBeGreaterThan(0)
    expect(into(2)).toBeLessThanOrEqual(1.05 * CONTENT.bytes.length)
  })

  it('drop a site that sends wrong data, and name it', () => {
    const { run, nodes, sources } = aFederation({ isRegistered: false })
    // Only the second node knows the hashes: the first one passes on what its source sends.
    nodes[1]!.carriers.removeTorrent(CONTENT.infoHash)
    nodes[1]!.carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
    const victim = nodes[1]!.join(2, 9, CONTENT)
    const liar = nodes[0]!.join(1, 201, CONTENT, { has: 'all', lies: () => true })
    nodes[0]!.carriers.removeClient({ site: '1', infoHash: CONTENT.infoHash }, sources[0]!)
    run(5_000, () => false)
    expect(liar.sentBytes).toBeGreaterThan(0)
    expect(victim.isComplete).toBe(false)
    expect(victim.invalidPieces).toBe(0)
    expect(nodes[1]!.lines).toContainEqual(
      expect.objectContaining({ event: 'wrong-data', from: '1', site: '2' }),
    )
  })

  it('do not serve a torrent that they do not carry', () => {
    const { nodes, run, into } = aFederation()
    const other = new Content({ totalBytes: MIB, pieceBytes: 131_072, seed: 9 })
    nodes[1]!.join(2, 50, other)
    run(3_000)
    expect(into(2)).toBeLessThanOrEqual(CONTENT.bytes.length)
  })
})

describe('carriers of a site with two nodes', () => {
  /** Nodes `a` and `b` of site 1, and `far` of site 2. `a` carries for site 1. */
  function aPair() {
    const [a, b] = [aCarriedSwarm({ seed: 1 }), aCarriedSwarm({ seed: 2 })]
    const far = aCarriedSwarm({ ownSite: '2', seed: 3 })
    for (const { carriers } of [a, b, far]) carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
    const links = [new NodeLink(a, far), new NodeLink(b, far)]
    const source = a.join(1, 200, CONTENT, { has: 'all', bytesPerSecond: 800_000 })
    return { a, b, far, links, source }
  }

  it('are both connected, and one of them publishes the torrent', () => {
    const { a, b, far, links } = aPair()
    const host = far.join(2, 1, CONTENT)
    expect(runNodes([a, b, far], links, 20_000, () => host.isComplete)).toBe(true)
    expect(far.carriers.linkedNodes).toBe(2)
    expect(far.carriers.linkedSites).toEqual(['1'])
    expect(far.carriers.counters.relayedBytes('2', '1')).toBe(CONTENT.bytes.length)
  })

  it('take over from each other: the other site continues where it was', () => {
    const { a, b, far, links, source } = aPair()
    const hosts = [1, 2].map((host) => far.join(2, host, CONTENT))
    runNodes([a, b, far], links, 2_500)
    a.kill()
    links[0]!.close()
    b.take(1, source)
    expect(runNodes([b, far], links, 5_000, () => hosts.every(({ isComplete }) => isComplete))).toBe(true)
    expect(far.carriers.counters.relayedBytes('2', '1')).toBeLessThanOrEqual(1.02 * CONTENT.bytes.length)
    expect(source.sentBytes).toBeLessThanOrEqual(1.1 * CONTENT.bytes.length)
  })

  it('hand a torrent over while both run: the other site changes at once', () => {
    const { a, b, far, links, source } = aPair()
    const host = far.join(2, 1, CONTENT)
    expect(runNodes([a, b, far], links, 5_000, () => host.pieces.count >= CONTENT.pieces / 3)).toBe(true)
    a.carriers.removeTorrent(CONTENT.infoHash)
    b.take(1, source)
    runNodes([a, b, far], links, 1_000)
    expect(far.carriageOf(2, CONTENT)!.upstream).toBe('1')
    expect(runNodes([a, b, far], links, 5_000, () => host.isComplete)).toBe(true)
    expect(far.carriers.counters.relayedBytes('2', '1')).toBeLessThanOrEqual(1.05 * CONTENT.bytes.length)
  })

  it('take over the hosts of the site too, and fetch few pieces again', () => {
    const { a, b, far, links } = aPair()
    const hosts = [1, 2].map((host) => far.join(2, host, CONTENT))
    const successor = aCarriedSwarm({ ownSite: '2', seed: 4 })
    successor.carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
    const later = new NodeLink(a, successor)
    runNodes([a, b, far, successor], [...links, later], 2_500)
    far.kill()
    for (const link of links) link.close()
    for (const host of hosts) successor.take(2, host)
    const isDone = () => hosts.every(({ isComplete }) => isComplete)
    expect(runNodes([a, successor], [later], 6_000, isDone)).toBe(true)
    const crossed =
      far.carriers.counters.relayedBytes('2', '1') + successor.carriers.counters.relayedBytes('2', '1')
    expect(crossed).toBeLessThanOrEqual(1.25 * CONTENT.bytes.length)
  })

  it('are connected once where both sides dial', () => {
    const [a, far] = [aCarriedSwarm({ seed: 1 }), aCarriedSwarm({ ownSite: '2', seed: 3 })]
    const links = [new NodeLink(a, far), new NodeLink(far, a)]
    runNodes([a, far], links, 1_000)
    for (const node of [a, far]) expect(node.carriers.linkedNodes).toBe(1)
    expect(links.filter(({ isClosed }) => isClosed)).toHaveLength(1)
    runNodes([a, far], links, 10_000)
    for (const node of [a, far]) expect(node.carriers.linkedNodes).toBe(1)
  })

  it('are connected once where two URLs lead to one node', () => {
    const [a, far] = [aCarriedSwarm({ seed: 1 }), aCarriedSwarm({ ownSite: '2', seed: 3 })]
    const first = new NodeLink(a, far)
    runNodes([a, far], [first], 500)
    const second = new NodeLink(a, far)
    runNodes([a, far], [first, second], 500)
    expect([first.isClosed, second.isClosed]).toEqual([false, true])
    expect(far.carriers.linkedNodes).toBe(1)
  })
})

describe('a torrent on hold', () => {
  it('stops flowing to all sites within a second, and continues after the release', () => {
    const { run, nodes, sources, leechers, into } = aFederation({ seedBytesPerSecond: 600_000 })
    run(2_000)
    for (const { carriers } of nodes) carriers.setHold(CONTENT.infoHash, undefined, true)
    run(1_000)
    const [sent, crossed] = [sources[0]!.sentBytes, into(2)]
    const received = leechers.map(({ receivedBytes }) => receivedBytes)
    run(20_000)
    expect([sources[0]!.sentBytes, into(2)]).toEqual([sent, crossed])
    expect(leechers.map(({ receivedBytes }) => receivedBytes)).toEqual(received)
    for (const { carriers } of nodes) carriers.setHold(CONTENT.infoHash, undefined, false)
    expect(run(10_000)).toBe(true)
    expect(into(2)).toBeLessThanOrEqual(1.05 * CONTENT.bytes.length)
  })

  it('for one site leaves the others running, also those that it fed', () => {
    const { run, nodes, leechers, into } = aFederation({ sites: 3, seedBytesPerSecond: 600_000 })
    const cost = (a: string, b: string) => (Math.abs(Number(a) - Number(b)) === 1 ? 1 : 100)
    for (const { carriers } of nodes) carriers.setCost(cost)
    run(2_000)
    nodes[1]!.carriers.setHold(CONTENT.infoHash, '2', true)
    run(1_000)
    const crossed = into(2)
    expect(run(20_000, () => leechers.slice(2).every(({ isComplete }) => isComplete))).toBe(true)
    expect(into(2)).toBe(crossed)
    expect(nodes[2]!.carriers.counters.relayedBytes('3', '1')).toBeGreaterThan(0)
  })

  it('is every one while the node of the process does not respond, and other sites see none', () => {
    const { run, nodes, sources, into } = aFederation({ seedBytesPerSecond: 600_000 })
    run(2_000)
    nodes[0]!.carriers.setSuspended(true)
    run(1_000)
    const [sent, crossed] = [sources[0]!.sentBytes, into(2)]
    run(3_000)
    expect([sources[0]!.sentBytes, into(2)]).toEqual([sent, crossed])
    expect(nodes[1]!.carriageOf(2, CONTENT)!.upstream).toBeUndefined()
    nodes[0]!.carriers.setSuspended(false)
    expect(run(10_000)).toBe(true)
  })

  it('is on hold for clients that join later', () => {
    const swarm = aCarriedSwarm()
    swarm.carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
    swarm.carriers.setHold(CONTENT.infoHash, undefined, true)
    const source = swarm.join(1, 200, CONTENT, { has: 'all' })
    const host = swarm.join(1, 1, CONTENT)
    swarm.run(3_000)
    expect([source.sentBytes, host.told.length]).toEqual([0, 0])
    swarm.carriers.setHold(CONTENT.infoHash, undefined, false)
    expect(swarm.run(5_000, () => host.isComplete)).toBe(true)
  })
})

describe('the rate of a link', () => {
  it('of zero stops the flow, and it continues where it was', () => {
    const { run, nodes, into } = aFederation()
    nodes[0]!.carriers.setRate('1', '2', 250_000)
    run(2_000)
    nodes[0]!.carriers.setRate('1', '2', 0)
    run(500)
    const crossed = into(2)
    run(20_000)
    expect(into(2)).toBe(crossed)
    nodes[0]!.carriers.setRate('1', '2', undefined)
    expect(run(10_000)).toBe(true)
    expect(into(2)).toBeLessThanOrEqual(1.02 * CONTENT.bytes.length)
  })

  it('is kept between two sites of one process', () => {
    const swarm = aCarriedSwarm()
    swarm.carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
    swarm.carriers.setRate('1', '2', 250_000)
    swarm.join(1, 200, CONTENT, { has: 'all' })
    const host = swarm.join(2, 1, CONTENT)
    swarm.run(2_000)
    const started = swarm.relayedBytes(2, 1)
    swarm.run(4_000)
    const rate = (swarm.relayedBytes(2, 1) - started) / 4
    expect(rate).toBeGreaterThan(0.95 * 250_000)
    expect(rate).toBeLessThan(1.05 * 250_000)
    swarm.carriers.setRate('1', '2', 0)
    swarm.run(500)
    const crossed = swarm.relayedBytes(2, 1)
    swarm.run(15_000)
    expect(swarm.relayedBytes(2, 1)).toBe(crossed)
    swarm.carriers.setRate('1', '2', 1_000_000)
    expect(swarm.run(5_000, () => host.isComplete)).toBe(true)
  })

  it('is shared by the nodes of the other site', () => {
    const near = aCarriedSwarm({ seed: 1 })
    const nodes = [aCarriedSwarm({ ownSite: '2', seed: 2 }), aCarriedSwarm({ ownSite: '2', seed: 3 })]
    const links = nodes.map((node) => new NodeLink(near, node))
    const other = new Content({ totalBytes: 3 * MIB, pieceBytes: 131_072, seed: 5 })
    near.carriers.setRate('1', '2', 300_000)
    for (const [at, content] of [CONTENT, other].entries()) {
      for (const { carriers } of [near, ...nodes]) carriers.setGeometry(content.infoHash, content.geometry)
      near.join(1, 200 + at, content, { has: 'all' })
      nodes[at]!.join(2, 1 + at, content)
    }
    const into = () =>
      nodes.map(({ carriers }) => carriers.counters.relayedBytes('2', '1')).reduce((a, b) => a + b, 0)
    runNodes([near, ...nodes], links, 2_000)
    const started = into()
    runNodes([near, ...nodes], links, 4_000)
    expect((into() - started) / 4).toBeGreaterThan(0.95 * 300_000)
    expect((into() - started) / 4).toBeLessThan(1.05 * 300_000)
    for (const node of nodes) expect(node.carriers.counters.relayedBytes('2', '1')).toBeGreaterThan(200_000)
  })
})

describe('a connection between nodes', () => {
  it('ends where the other side sends anything before its name', () => {
    const node = aCarriedSwarm({ ownSite: '1' })
    let receive: (chunk: Buffer) => void = () => {}
    const sent: Buffer[] = []
    node.carriers.addLink({
      isAccepted: false,
      admits: () => true,
      connect: (events) => {
        receive = (chunk) => events.onData(chunk)
        return {
          write: (bytes) => void sent.push(bytes),
          unsentBytes: 0,
          pause: () => {},
          resume: () => {},
          destroy: () => {},
        }
      },
    })
    node.run(2_000)
    expect(sent).toEqual([])
    receive(PING)
    expect(node.lines).toContainEqual(
      expect.objectContaining({
        event: 'carrier-link-closed',
        reason: 'a frame of kind ping before the first one',
      }),
    )
  })

  it('ends where the other side is a site that is not expected', () => {
    const node = aCarriedSwarm({ ownSite: '1' })
    let receive: (chunk: Buffer) => void = () => {}
    node.carriers.addLink({
      isAccepted: true,
      admits: (site) => site === '2',
      connect: (events) => {
        receive = (chunk) => events.onData(chunk)
        return { write: () => {}, unsentBytes: 0, pause: () => {}, resume: () => {}, destroy: () => {} }
      },
    })
    receive(writeHello('00000000000000ff', '9'))
    expect(node.carriers.linkedSites).toEqual([])
    expect(node.lines).toContainEqual(
      expect.objectContaining({ event: 'carrier-link-closed', reason: 'the site 9 is not expected' }),
    )
  })
})
