/** The records that a node reads back from the log of its site. */
import { describe, expect, it } from 'vitest'
import { aTracker, at, TORRENT } from '../../a-tracker.ts'
import { readBatch } from '../../../src/replication/record-reader.ts'
import type { RecordSink } from '../../../src/replication/records.ts'
import type { PeerState } from '../../../src/swarm/peer-state.ts'

function aNodeWithLog() {
  const batches: Buffer[] = []
  const world = aTracker({ log: { isShared: true, append: (batch) => batches.push(batch) } })
  const written = () => {
    world.replica.flush()
    return batches.splice(0)
  }
  return { ...world, written }
}

/** Addresses of the peers that a resync of this node would write. */
function unlogged({ replica }: ReturnType<typeof aNodeWithLog>): string[] {
  const found: string[] = []
  const nothing = () => undefined
  const sink: RecordSink = {
    peer: ({ address }: PeerState) => found.push(address.toString()),
    removed: nothing,
    introduction: nothing,
    lease: nothing,
    gatewayHost: nothing,
    completion: nothing,
    siteCounts: nothing,
    observation: nothing,
    carrierNode: nothing,
    carriage: nothing,
  }
  for (const batch of replica.snapshotRecords('all')) readBatch(batch, sink)
  return found
}

describe('a node that reads its own records', () => {
  it('knows that the log has these peers', () => {
    const node = aNodeWithLog()
    node.announce('127.1.1.1', { left: 0 })
    node.announce('127.1.1.2')
    const batches = node.written()
    expect(unlogged(node)).toEqual(['127.1.1.1', '127.1.1.2'])
    for (const batch of batches) node.replica.apply(batch)
    expect(unlogged(node)).toEqual([])
  })

  it('does not take a later announce for one that the log has', () => {
    const node = aNodeWithLog()
    node.announce('127.1.1.1')
    const batches = node.written()
    node.clock.advanceMs(1_000)
    node.announce('127.1.1.1')
    for (const batch of batches) node.replica.apply(batch)
    expect(unlogged(node)).toEqual(['127.1.1.1'])
  })

  it('restores no introduction that it has dropped since', () => {
    const node = aNodeWithLog()
    node.announce('127.1.1.1', { left: 0 })
    node.announce('127.1.1.2')
    const batches = node.written()
    const swarm = node.table.swarm(TORRENT)!
    const rowOf = (address: string) => node.table.find(swarm, at(address), 6881)
    expect(node.table.introductions.count(rowOf('127.1.1.2'))).toBe(1)
    node.table.introductions.unlinkAll(rowOf('127.1.1.2'))
    for (const batch of batches) node.replica.apply(batch)
    expect(node.table.introductions.count(rowOf('127.1.1.2'))).toBe(0)
  })

  it('brings back no peer that has stopped since, and the other nodes neither', () => {
    const node = aNodeWithLog()
    const other = aTracker({ clock: node.clock, log: { isShared: true, append: () => {} } })
    node.announce('127.1.1.1')
    const batches = node.written()
    node.clock.advanceMs(1_000)
    node.announce('127.1.1.1', { event: 'stopped' })
    batches.push(...node.written())
    for (const batch of [...batches, ...batches]) {
      node.replica.apply(batch)
      other.replica.apply(batch)
    }
    expect(node.table.rows.live).toBe(0)
    expect(other.table.rows.live).toBe(0)
  })
})
