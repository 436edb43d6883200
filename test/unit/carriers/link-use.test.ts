import { describe, expect, it } from 'vitest'
import { LearnedPieceSize } from '../../../src/carriers/learned-piece-size.ts'
import { aCarriedSwarm, Content, NodeLink, type PeerOptions, runNodes } from '../../simulated-peers.ts'

const MIB = 1_048_576
const CONTENT = new Content({ totalBytes: 12 * MIB + 70_000, pieceBytes: 131_072 })
const LINK_BYTES_PER_SECOND = 5_000_000
const STEP_MS = 20

/**
 * A seed in site 1 and a host in site 2, over a link with a delay of 160 ms in each direction. The host has 64 requests
 * outstanding: a mebibyte, where the link carries more than one and a half in a round trip.
 */
function aLongLink(isRegistered: boolean, hostOptions: PeerOptions = {}) {
  const [near, far] = [aCarriedSwarm({ seed: 1 }), aCarriedSwarm({ ownSite: '2', seed: 2 })]
  const link = new NodeLink(near, far, LINK_BYTES_PER_SECOND, 160)
  if (isRegistered)
    for (const { carriers } of [near, far]) carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
  const source = near.join(1, 200, CONTENT, { has: 'all' })
  const host = far.join(2, 1, CONTENT, hostOptions)
  return { near, far, link, source, host }
}

describe('the link between two sites', () => {
  it.each([true, false])(
    'is used fully while the other site fills, also where its delay is long (registered: %s)',
    (isRegistered) => {
      const { near, far, link, source, host } = aLongLink(isRegistered)
      let usedMs = 0
      for (let passedMs = 0; passedMs < 20_000 && !host.isComplete; passedMs += STEP_MS) {
        runNodes([near, far], [link], STEP_MS)
        const crossed = link.blockBytes[0]!
        if (crossed > 0 && crossed < CONTENT.bytes.length) usedMs += STEP_MS
      }
      expect(host.isComplete).toBe(true)
      expect(usedMs / 1_000).toBeLessThan((1.25 * CONTENT.bytes.length) / LINK_BYTES_PER_SECOND)
      expect(source.sentBytes).toBe(CONTENT.bytes.length)
      expect(link.blockBytes[0]).toBe(CONTENT.bytes.length)
    },
  )
})

describe('the pieces of a torrent that is not registered', () => {
  /** Bytes that crossed the link before a host that reads slowly had its first piece. */
  const crossedFirst = (hostOptions: PeerOptions) => {
    const { near, far, link, host } = aLongLink(false, { readsBytesPerSecond: 150_000, ...hostOptions })
    expect(runNodes([near, far], [link], 20_000, () => host.pieces.count > 0)).toBe(true)
    const bytes = link.blockBytes[0]!
    expect(runNodes([near, far], [link], 120_000, () => host.isComplete)).toBe(true)
    expect(link.blockBytes[0]).toBe(CONTENT.bytes.length)
    return bytes
  }

  it('are fetched ahead before a host has one where a host announced the size of the torrent', () => {
    expect(crossedFirst({})).toBeGreaterThan(2 * crossedFirst({ announcesLeftKib: 'nothing' }))
  })

  it('arrive also where the announced size belongs to pieces that are larger or smaller than the real ones', () => {
    const kib = Math.ceil(CONTENT.bytes.length / 1_024)
    for (const announcesLeftKib of [2 * kib, Math.floor(kib / 2), 16 * kib])
      expect(crossedFirst({ announcesLeftKib })).toBeLessThanOrEqual(CONTENT.bytes.length)
  })
})

describe('pieces that another host of the site has', () => {
  it('are offered to few hosts while blocks for another site wait, and to all of them afterwards', () => {
    const [near, far] = [aCarriedSwarm({ seed: 1 }), aCarriedSwarm({ ownSite: '2', seed: 2 })]
    const link = new NodeLink(near, far, 2_500_000)
    for (const { carriers } of [near, far]) carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
    near.join(1, 200, CONTENT, { has: 'all' })
    const hosts = Array.from({ length: 10 }, (_, at) =>
      near.join(1, at + 1, CONTENT, { readsBytesPerSecond: 400_000 }),
    )
    far.join(2, 1, CONTENT)
    const isAtHost = (piece: number) => hosts.some(({ pieces }) => pieces.has(piece))
    const lateOffers = () =>
      hosts.flatMap(({ told, pieces }) => told.filter((piece) => !pieces.has(piece) && isAtHost(piece)))
        .length
    const isDistributed = () => new Set(hosts.flatMap(({ told }) => told)).size === CONTENT.pieces
    const leftBytes = () => CONTENT.bytes.length - link.blockBytes[0]!
    expect(runNodes([near, far], [link], 10_000, isDistributed)).toBe(true)
    let most = 0
    let steps = 0
    // The last blocks are in the buffer of the connection, and do not wait.
    for (; leftBytes() > 3 * MIB; steps++) {
      runNodes([near, far], [link], STEP_MS)
      most = Math.max(most, lateOffers())
    }
    expect(steps).toBeGreaterThan(10)
    expect(most).toBeGreaterThan(0)
    // Two mebibytes of pieces.
    expect(most).toBeLessThanOrEqual(16)
    expect(runNodes([near, far], [link], 10_000, () => lateOffers() > 32)).toBe(true)
  })
})

describe('one node for all sites', () => {
  it.each([
    { isSilent: false, site: 1, seconds: 10 },
    { isSilent: false, site: 2, seconds: 10 },
    { isSilent: true, site: 1, seconds: 25 },
    { isSilent: true, site: 2, seconds: 25 },
  ])(
    'sends pieces of another host to one that got none from its neighbours for $seconds s, and not before (site $site, without HAVE: $isSilent)',
    ({ isSilent, site, seconds }) => {
      const swarm = aCarriedSwarm()
      swarm.carriers.isForAllSites = true
      swarm.carriers.setGeometry(CONTENT.infoHash, CONTENT.geometry)
      swarm.join(3, 200, CONTENT, { has: 'all' })
      const hosts = [1, 2].map((host) => swarm.join(site, host, CONTENT, { isSilent }))
      const received = () => hosts.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0)
      swarm.run(seconds * 1_000)
      expect(received()).toBe(CONTENT.bytes.length)
      expect(swarm.run(15_000, () => hosts.every(({ isComplete }) => isComplete))).toBe(true)
    },
  )
})

describe('the size of a piece that is learned', () => {
  const requestUpTo = (size: LearnedPieceSize, end: number) => {
    for (let begin = 0; begin < end; begin += 16_384)
      size.requested(undefined, { piece: 0, begin, length: 16_384 })
  }

  it.each([16_384, 262_144, 1_048_576])(
    'is the power of two that the announced size has room for, once its last block was sent: %i',
    (bytes) => {
      for (const pieces of [2, 3, 192, 10_000])
        for (const lastBytes of [1, 1_024, bytes]) {
          const size = new LearnedPieceSize(() => 0)
          size.announced(Math.ceil(((pieces - 1) * bytes + lastBytes) / 1_024), pieces)
          requestUpTo(size, bytes)
          expect(size.bytes).toBeUndefined()
          size.sent(bytes)
          expect(size.bytes).toBe(bytes)
        }
    },
  )

  it('is not announced by the size of one piece, or of pieces whose size is not a power of two', () => {
    const size = new LearnedPieceSize(() => 0)
    size.announced(256, 1)
    size.announced(10 * 100, 10)
    requestUpTo(size, 262_144)
    for (let end = 16_384; end <= 262_144; end += 16_384) size.sent(end)
    expect(size.bytes).toBeUndefined()
  })

  it('is the largest of the announced ones whose last block was sent, while no client requests more of a piece', () => {
    const size = new LearnedPieceSize(() => 0)
    for (const leftKib of [640, 1_280, 320]) size.announced(leftKib, 10)
    requestUpTo(size, 32_768)
    size.sent(32_768)
    expect(size.bytes).toBe(32_768)
    requestUpTo(size, 65_536)
    expect(size.bytes).toBeUndefined()
    size.sent(65_536)
    size.sent(32_768)
    expect(size.bytes).toBe(65_536)
  })

  it('is that of the cached blocks of a piece that a host completed with them', () => {
    const size = new LearnedPieceSize(() => 0)
    size.requested(undefined, { piece: 3, begin: 0, length: 16_384 })
    size.requested(undefined, { piece: 3, begin: 16_384, length: 10_000 })
    expect(size.bytes).toBeUndefined()
    size.completed(26_384)
    expect(size.bytes).toBe(26_384)
    expect([...size.blocks(7)]).toEqual([
      { piece: 7, begin: 0, length: 16_384 },
      { piece: 7, begin: 16_384, length: 10_000 },
    ])
  })

  it('is not that of a piece of which some blocks are not cached', () => {
    const size = new LearnedPieceSize(() => 0)
    size.requested(undefined, { piece: 3, begin: 16_384, length: 16_384 })
    size.completed(16_384)
    expect(size.bytes).toBeUndefined()
  })

  it('is unknown again once a client requests more of a piece', () => {
    const size = new LearnedPieceSize(() => 0)
    size.requested(undefined, { piece: 3, begin: 0, length: 16_384 })
    size.completed(16_384)
    size.requested(undefined, { piece: 4, begin: 16_384, length: 16_384 })
    expect(size.bytes).toBeUndefined()
    size.completed(32_768)
    expect(size.bytes).toBe(32_768)
  })
})
