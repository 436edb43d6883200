import { describe, expect, it } from 'vitest'
import { aCarriedSwarm, Content, NodeLink, runNodes } from '../../simulated-peers.ts'

const MIB = 1_048_576
const CONTENT = new Content({ totalBytes: 4 * MIB, pieceBytes: 131_072 })

/** A seed in site 1 and two hosts in site 2, over a link that blocks need half a second to cross. */
function aSlowLink() {
  const [near, far] = [aCarriedSwarm({ seed: 1 }), aCarriedSwarm({ ownSite: '2', seed: 2 })]
  const link = new NodeLink(near, far, 500_000)
  for (const { carriers } of [near, far]) carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
  near.join(1, 200, CONTENT, { has: 'all' })
  const hosts = [far.join(2, 1, CONTENT), far.join(2, 2, CONTENT)]
  const run = (ms: number, isDone?: () => boolean) => runNodes([near, far], [link], ms, isDone)
  run(3_000)
  return {
    far,
    hosts,
    run,
    counted: () => far.carriers.counters.relayedBytes('2', '1'),
    crossed: () => link.blockBytes[0]!,
    unrequested: () => far.carriers.counters.unrequestedBytes,
  }
}

describe('the bytes between sites', () => {
  it('are those that crossed, blocks whose request was cancelled on their way included', () => {
    const { far, hosts, run, counted, crossed, unrequested } = aSlowLink()
    const atHold = crossed()
    far.carriers.setHold(CONTENT.infoHash, '2', true)
    run(5_000)
    expect(crossed()).toBeGreaterThan(atHold + 16_384)
    expect(counted()).toBe(crossed())
    far.carriers.setHold(CONTENT.infoHash, '2', false)
    expect(run(30_000, () => hosts.every(({ isComplete }) => isComplete))).toBe(true)
    expect(counted()).toBe(crossed())
    expect(unrequested()).toBe(0)
  })

  it('are counted once for a block that was cancelled and requested again while it was on its way', () => {
    const { far, hosts, run, counted, crossed } = aSlowLink()
    for (let times = 0; times < 3; times++) {
      far.carriers.setHold(CONTENT.infoHash, '2', true)
      run(40)
      far.carriers.setHold(CONTENT.infoHash, '2', false)
      run(100)
      expect(counted()).toBe(crossed())
    }
    expect(run(30_000, () => hosts.every(({ isComplete }) => isComplete))).toBe(true)
    expect(counted()).toBe(crossed())
  })

  it('include blocks that arrive after the torrent ended at the site that requested them', () => {
    const { far, run, counted, crossed } = aSlowLink()
    const atEnd = crossed()
    far.carriers.removeTorrent(CONTENT.infoHash)
    run(5_000)
    expect(crossed()).toBeGreaterThan(atEnd + 16_384)
    expect(counted()).toBe(crossed())
  })
})
