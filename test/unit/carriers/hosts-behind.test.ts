import { describe, expect, it } from 'vitest'
import { aCarriedSwarm, Content, NodeLink, runNodes, type SimulatedPeer } from '../../simulated-peers.ts'

const MIB = 1_048_576
const CONTENT = new Content({ totalBytes: 20 * MIB, pieceBytes: 262_144 })
const SEED_BYTES_PER_SECOND = 2_000_000
/** Three times the rate at which the pieces arrive. */
const HOST_BYTES_PER_SECOND = 6_000_000

function introduce(hosts: readonly SimulatedPeer[]): void {
  for (const host of hosts) host.neighbours.push(...hosts.filter((other) => other !== host))
}

const lacks = ({ pieces }: SimulatedPeer) => CONTENT.pieces - pieces.count

describe('a host that no neighbour delivers pieces to', () => {
  it.each([true, false])(
    'completes with the other hosts of its site, and not after them (registered: %s)',
    (isRegistered) => {
      const swarm = aCarriedSwarm()
      if (isRegistered) swarm.carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
      const source = swarm.join(1, 200, CONTENT, { has: 'all', bytesPerSecond: SEED_BYTES_PER_SECOND })
      const hosts = [1, 2, 3, 4, 5].map((host) => swarm.join(1, host, CONTENT))
      introduce(hosts)
      const alone = swarm.join(1, 6, CONTENT, { readsBytesPerSecond: HOST_BYTES_PER_SECOND })
      expect(swarm.run(25_000, () => hosts.every(({ isComplete }) => isComplete))).toBe(true)
      expect(lacks(alone)).toBeLessThan(CONTENT.pieces / 8)
      expect(swarm.run(500, () => alone.isComplete)).toBe(true)
      expect(source.sentBytes).toBe(CONTENT.bytes.length)
    },
  )

  it('does so where its node has blocks to send to another site', () => {
    const nodes = ['1', '2', '3'].map((site) => aCarriedSwarm({ ownSite: site, seed: Number(site) }))
    const [first, second, third] = nodes as [(typeof nodes)[0], (typeof nodes)[0], (typeof nodes)[0]]
    const cost = (a: string, b: string) => (Math.abs(Number(a) - Number(b)) === 1 ? 1 : 100)
    for (const { carriers } of nodes) carriers.setCost(cost)
    const links = [
      new NodeLink(first, second, SEED_BYTES_PER_SECOND),
      new NodeLink(second, third, SEED_BYTES_PER_SECOND / 2),
    ]
    first.join(1, 200, CONTENT, { has: 'all' })
    const hosts = [1, 2, 3, 4, 5].map((host) => second.join(2, host, CONTENT))
    introduce(hosts)
    const alone = second.join(2, 6, CONTENT, { readsBytesPerSecond: HOST_BYTES_PER_SECOND })
    third.join(3, 1, CONTENT)
    const areComplete = () => hosts.every(({ isComplete }) => isComplete)
    expect(runNodes(nodes, links, 25_000, areComplete)).toBe(true)
    expect(lacks(alone)).toBeLessThan(CONTENT.pieces / 8)
    expect(runNodes(nodes, links, 500, () => alone.isComplete)).toBe(true)
    expect(second.carriers.counters.relayedBytes('2', '1')).toBe(CONTENT.bytes.length)
  })

  it('may have one neighbour in the same position', () => {
    const swarm = aCarriedSwarm()
    swarm.join(1, 200, CONTENT, { has: 'all', bytesPerSecond: SEED_BYTES_PER_SECOND })
    const hosts = [1, 2, 3, 4].map((host) => swarm.join(1, host, CONTENT))
    const pair = [5, 6].map((host) =>
      swarm.join(1, host, CONTENT, { readsBytesPerSecond: HOST_BYTES_PER_SECOND }),
    )
    introduce(hosts)
    introduce(pair)
    expect(swarm.run(25_000, () => hosts.every(({ isComplete }) => isComplete))).toBe(true)
    expect(Math.max(...pair.map(lacks))).toBeLessThan(CONTENT.pieces / 8)
    expect(swarm.run(500, () => pair.every(({ isComplete }) => isComplete))).toBe(true)
  })

  it('is offered new pieces where no host of its site has neighbours that deliver', () => {
    const swarm = aCarriedSwarm()
    swarm.join(1, 200, CONTENT, { has: 'all', bytesPerSecond: SEED_BYTES_PER_SECOND })
    const hosts = [1, 2, 3].map((host) =>
      swarm.join(1, host, CONTENT, { readsBytesPerSecond: HOST_BYTES_PER_SECOND }),
    )
    expect(swarm.run(30_000, () => hosts.every(({ isComplete }) => isComplete))).toBe(true)
  })

  it('is offered new pieces again once the other hosts are gone', () => {
    const swarm = aCarriedSwarm()
    swarm.join(1, 200, CONTENT, { has: 'all', bytesPerSecond: SEED_BYTES_PER_SECOND })
    const hosts = [1, 2].map((host) => swarm.join(1, host, CONTENT))
    introduce(hosts)
    const alone = swarm.join(1, 6, CONTENT)
    swarm.run(4_000)
    for (const host of hosts) host.kill()
    expect(swarm.run(20_000, () => alone.isComplete)).toBe(true)
  })
})
