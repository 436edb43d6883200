/** Updates that are accepted from a remote site: those of its own peers, up to the limits. */
import { SiteAuthority } from '../../../src/topology/site-authority.ts'
import { CurrentTopology } from '../../../src/topology/current-topology.ts'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../src/core/clock.ts'
import { parseAddress, type Address } from '../../../src/core/address.ts'
import { VERSIONS_PER_MS } from '../../../src/swarm/lease-version.ts'
import type { PeerState } from '../../../src/swarm/peer-state.ts'
import { SwarmTable } from '../../../src/swarm/swarm-table.ts'
import { RemoteSites } from '../../../src/federation/remote-sites.ts'
import { BatchWriter } from '../../../src/replication/record-codec.ts'
import { aTopology } from '../../a-topology.ts'

const TORRENT = Buffer.alloc(20, 'torrent')

function aNodeOfFra() {
  const clock = new ManualClock()
  const topology = aTopology()
  const table = new SwarmTable(topology.places.map(({ site }) => site.index))
  const remote = new RemoteSites({
    table,
    clock,
    topology: new CurrentTopology(topology),
    ownSite: 'fra',
    authority: new SiteAuthority(),
    replica: { applyPending: () => {}, recordLease: () => {} },
  })
  const peer = (ip: string, role: PeerState['role'] = 'seed', infoHash: Buffer = TORRENT): PeerState => ({
    infoHash,
    address: parseAddress(ip) as Address,
    port: 6881,
    identity: Buffer.from(ip).readUInt32BE(3),
    role,
    leftKib: role === 'seed' ? 0 : 1_000,
    downloadedKib: 0,
    lastSeenMs: clock.nowMs(),
    lifetimeSeconds: 150,
    stalls: 0,
    isUnverifiedSeed: false,
    isVerifiedSeed: false,
    isUnreachable: false,
    isSlowToForward: false,
    clientCode: undefined,
  })
  const batch = (write: (writer: BatchWriter) => void) => {
    const writer = new BatchWriter(Buffer.alloc(8))
    write(writer)
    return writer.take(clock.nowMs())
  }
  const counts = (seeds: number, leechers: number, infoHash: Buffer = TORRENT) => ({
    infoHash,
    seeds,
    leechers,
    partial: 0,
    leftKib: 0,
    downloaded: 0,
  })
  const known = () =>
    [...table.swarms()].flatMap(({ sites }) =>
      sites.flatMap(({ lists }) =>
        lists.flatMap((list) => [...list.all(table.rows)].map((row) => table.rows.address(row).toString())),
      ),
    )
  return { clock, table, remote, peer, batch, counts, known }
}

describe('an update of a remote site', () => {
  test('replaces the previous one of its torrent, and removes the torrent where it is empty', () => {
    const { remote, batch, counts, peer, known } = aNodeOfFra()
    const update = (seeds: number, ...ips: string[]) =>
      remote.apply(
        'ams',
        batch((writer) => {
          writer.siteCounts(counts(seeds, 2))
          for (const ip of ips) writer.peer(peer(ip))
        }),
      )
    remote.begin('ams', 0)
    expect(update(2, '127.2.1.1', '127.2.1.2')).toEqual([])
    Array.from(remote.complete('ams'))
    expect(remote.totals(TORRENT)).toEqual({ seeds: 2, leechers: 2, partial: 0, downloaded: 0 })

    update(1, '127.2.1.2')
    expect(known()).toEqual(['127.2.1.2'])

    remote.apply(
      'ams',
      batch((writer) => writer.siteCounts(counts(0, 0))),
    )
    expect(known()).toEqual([])
    expect(remote.torrentsOf('ams')).toBe(0)
  })

  test('with peers of other sites has those rejected', () => {
    const { remote, batch, counts, peer, known } = aNodeOfFra()
    remote.begin('ams', 0)
    const refusals = remote.apply(
      'ams',
      batch((writer) => {
        writer.siteCounts(counts(4, 0))
        for (const ip of ['127.1.1.1', '127.2.1.1', '127.3.1.1', '10.9.9.9']) writer.peer(peer(ip))
      }),
    )
    expect(refusals).toEqual(['address', 'address', 'address'])
    expect(known()).toEqual(['127.2.1.1'])
  })

  test('with thousands of peers has eight accepted', () => {
    const { remote, batch, counts, peer, known } = aNodeOfFra()
    remote.begin('ams', 0)
    const refusals = remote.apply(
      'ams',
      batch((writer) => {
        writer.siteCounts(counts(2_000, 0))
        for (let host = 0; host < 2_000; host++) writer.peer(peer(`127.2.${100 + (host >> 8)}.${host & 255}`))
      }),
    )
    expect(refusals).toEqual(['contacts'])
    expect(known()).toHaveLength(8)
  })

  test('that is malformed changes nothing', () => {
    const { remote, known } = aNodeOfFra()
    remote.begin('ams', 0)
    expect(remote.apply('ams', Buffer.from('not a batch of any version'))).toEqual(['garbage'])
    expect(known()).toEqual([])
  })

  test('with a lease from the far future has the lease rejected', () => {
    const { clock, remote, batch, counts, peer, table } = aNodeOfFra()
    remote.begin('ams', 0)
    const gateway = peer('127.2.1.1', 'leecher')
    remote.apply(
      'ams',
      batch((writer) => {
        writer.siteCounts(counts(0, 1))
        writer.peer(gateway)
        writer.lease({
          infoHash: TORRENT,
          peer: { address: gateway.address, port: 6881, announcedAtMs: clock.nowMs() },
          sinceMs: clock.nowMs(),
          version: (clock.nowMs() + 3_600_000) * VERSIONS_PER_MS,
          endedBy: undefined,
          upstream: undefined,
          treeRank: 1,
        })
      }),
    )
    expect(table.swarm(TORRENT)?.site(1)?.gateways).toEqual([])
  })
})

test('peers that were recorded here while their site was down are removed once its full state has arrived', () => {
  const { remote, table, batch, counts, peer, known } = aNodeOfFra()
  table.put(peer('127.2.1.7', 'leecher'), 4)
  table.put(peer('127.1.1.7', 'leecher'), 1)
  remote.begin('ams', 0)
  remote.apply(
    'ams',
    batch((writer) => {
      writer.siteCounts(counts(1, 0))
      writer.peer(peer('127.2.1.1'))
    }),
  )
  expect(known()).toHaveLength(3)
  Array.from(remote.complete('ams'))
  expect(known().toSorted()).toEqual(['127.1.1.7', '127.2.1.1'])
})

test('torrents of an earlier stream that the current one lacks are removed', () => {
  const { remote, batch, counts, peer, known } = aNodeOfFra()
  const other = Buffer.alloc(20, 'another')
  const update = (infoHash: Buffer, ip: string) =>
    remote.apply(
      'ams',
      batch((writer) => {
        writer.siteCounts(counts(1, 0, infoHash))
        writer.peer(peer(ip, 'seed', infoHash))
      }),
    )
  remote.begin('ams', 0)
  update(TORRENT, '127.2.1.1')
  update(other, '127.2.1.2')
  Array.from(remote.complete('ams'))
  remote.begin('ams', 0)
  update(other, '127.2.1.2')
  Array.from(remote.complete('ams'))
  expect(known()).toEqual(['127.2.1.2'])
})

test('advertised peers of a site that is down count as clients of this node', () => {
  const { remote, table, batch, counts, peer } = aNodeOfFra()
  remote.begin('ams', 0)
  remote.apply(
    'ams',
    batch((writer) => {
      writer.siteCounts(counts(1, 5))
      writer.peer(peer('127.2.1.1'))
    }),
  )
  Array.from(remote.complete('ams'))
  expect([table.swarm(TORRENT)?.seedClients, remote.totals(TORRENT).leechers]).toEqual([0, 5])
  Array.from(remote.lose('ams'))
  expect([table.swarm(TORRENT)?.seedClients, remote.totals(TORRENT).leechers]).toEqual([1, 0])
})
