/** Limits for each source of announces: one below, at, and above each; the /64 of an IPv6 address; the passing of time. */
import { describe, expect, it } from 'vitest'
import type { Address } from '../../../src/core/address.ts'
import { Refusal } from '../../../src/core/errors.ts'
import { indexHash } from '../../../src/swarm/index-hash.ts'
import { SwarmTable } from '../../../src/swarm/swarm-table.ts'
import { SourceLimits } from '../../../src/tracker/source-limits.ts'
import { at, aTracker } from '../../a-tracker.ts'

const START_MS = 1_000_000

function codeOf(work: () => void): string | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}

const limits = (more: Partial<ConstructorParameters<typeof SourceLimits>[0]> = {}) =>
  new SourceLimits({ requestsPerSecond: 10, torrentsPerMinute: 60, peersMax: 3, ...more })

describe('requests', () => {
  const requests = (source: SourceLimits, from: Address, count: number, nowMs = START_MS) =>
    Array.from({ length: count }, () => codeOf(() => source.request(from, nowMs)))

  it('are accepted up to those of a second, and at the rate afterwards', () => {
    const source = limits()
    expect(requests(source, at('10.0.0.1'), 10)).toEqual(Array(10).fill(undefined))
    expect(requests(source, at('10.0.0.1'), 1)).toEqual(['TRK_SOURCE_REQUESTS'])
    const later = requests(source, at('10.0.0.1'), 11, START_MS + 1_000)
    expect(later.filter((code) => code === undefined)).toHaveLength(10)
  })

  it('of other addresses do not count', () => {
    const source = limits()
    requests(source, at('10.0.0.1'), 1_000)
    expect(requests(source, at('10.0.0.2'), 1)).toEqual([undefined])
  })

  it('of all addresses of a /64 count together', () => {
    const source = limits()
    for (let host = 0; host < 50; host++) requests(source, at(`fd00:1:2:3::${host.toString(16)}`), 1)
    expect(requests(source, at('fd00:1:2:3:ffff::1'), 1)).toEqual(['TRK_SOURCE_REQUESTS'])
    expect(requests(source, at('fd00:1:2:4::1'), 1)).toEqual([undefined])
  })

  it('are accepted again if the clock is set back', () => {
    const source = limits()
    requests(source, at('10.0.0.1'), 60)
    expect(requests(source, at('10.0.0.1'), 1, START_MS - 3_600_000)).toEqual(['TRK_SOURCE_REQUESTS'])
    expect(requests(source, at('10.0.0.1'), 1, START_MS - 3_599_000)).toEqual([undefined])
  })
})

describe('a table', () => {
  it('counts the rows of each source, and forgets those that are removed', () => {
    const site = aTracker()
    for (let port = 7000; port < 7005; port++) site.announce('127.1.1.1', { port })
    const source = indexHash.source(at('127.1.1.1'))
    expect(site.table.sources.of(source)).toBe(5)
    for (let port = 7000; port < 7005; port++) site.announce('127.1.1.1', { port, event: 'stopped' })
    expect(site.table.sources.of(source)).toBe(0)
  })

  it('that is full drops no last seed of a registered torrent, and rejects the source with the most rows', () => {
    const site = aTracker({ limits: { peersMax: 20, swarmsMax: 100 } })
    const registered = Buffer.alloc(20, 7)
    site.table.eviction.isRegistered = (infoHash) => infoHash.equals(registered)
    // The seed and 19 other peers are of one source, the heaviest.
    site.announce('127.1.1.1', { torrent: registered, left: 0 })
    for (let port = 7000; port < 7019; port++) site.announce('127.1.1.1', { port })
    for (let host = 1; host < 15; host++) site.announce(`127.1.2.${host}`)
    expect(site.table.rows.live).toBe(20)
    expect(site.table.swarm(registered)?.seedClients).toBe(1)
    expect(site.table.eviction.peers).toBe(14)
  })
})

it('a new peer and a new torrent are rejected above their limits, known ones are not', () => {
  const table = new SwarmTable([0])
  const source = limits({ torrentsPerMinute: 2 })
  const from = at('10.0.0.1')
  const infoHash = (torrent: number) => Buffer.alloc(20, torrent)
  const code = (torrent: number) => codeOf(() => source.newPeer(table, infoHash(torrent), from, START_MS))
  expect([code(1), code(2), code(3)]).toEqual([undefined, undefined, 'TRK_SOURCE_TORRENTS'])
  table.sources.add(indexHash.source(from), 1)
  table.sources.add(indexHash.source(from), 1)
  expect(codeOf(() => source.newPeer(table, infoHash(9), at('10.0.0.2'), START_MS))).toBe(undefined)
  table.sources.add(indexHash.source(from), 1)
  expect(code(1)).toBe('TRK_SOURCE_PEERS')
})
