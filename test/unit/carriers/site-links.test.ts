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
    nodes[0]!.carriers.setRate('2', 250_000)
    run(2_000)
    const started = into(2)
    run(4_000)
    expect((into(2) - started) / 4).toBeGreaterThan(0.95 * 250_000)
    expect((into(2) - started) / 4).toBeLessThan(1.05 * 250_000)
    nodes[0]!.carriers.setRate('2', undefined)
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
    receive(writeHello('9'))
    expect(node.carriers.linkedSites).toEqual([])
    expect(node.lines).toContainEqual(
      expect.objectContaining({ event: 'carrier-link-closed', reason: 'the site 9 is not expected' }),
    )
  })
})
