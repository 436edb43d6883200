/** A snapshot is read in slices, between which the table changes. */
import { expect, it } from 'vitest'
import { aTracker, at, TORRENT } from '../../a-tracker.ts'
import { BATCH_BYTES } from '../../../src/replication/table-records.ts'

const HOSTS = 6_000
const addressOf = (host: number) => `127.${1 + (host % 3)}.${(host >> 2) % 3}.${1 + ((host >> 4) % 250)}`
const portOf = (host: number) => 7_000 + host
const otherTorrent = Buffer.alloc(20, 'other')

it('has every peer that was there all the time, also of a swarm that changes meanwhile', () => {
  const world = aTracker()
  const announce = (host: number, left: number, event: 'none' | 'stopped' = 'none') =>
    world.announce(addressOf(host), {
      port: portOf(host),
      left,
      event,
      torrent: host % 5 === 0 ? otherTorrent : TORRENT,
    })
  for (let host = 0; host < HOSTS; host++) announce(host, host % 10 === 0 ? 0 : 1_000_000)

  const after = aTracker({ clock: world.clock })
  let slice = 0
  for (const batch of world.replica.snapshotRecords('all')) {
    expect(batch.length).toBeLessThan(2 * BATCH_BYTES)
    after.replica.apply(batch)
    // Peers complete, stop, return and arrive; hosts from 0 to 999 only announce again.
    for (let host = slice; host < 1_000; host += 7) announce(host, 500_000)
    for (let host = 1_000 + slice; host < 2_000; host += 11) announce(host, 0)
    for (let host = 2_000 + slice; host < 3_000; host += 13) announce(host, 1_000_000, 'stopped')
    for (let host = 0; host < 50; host++) announce(HOSTS + slice * 50 + host, 1_000_000)
    world.clock.advanceMs(10)
    slice++
  }
  expect(slice).toBeGreaterThan(5)
  const isThere = (table: typeof world.table, host: number) => {
    const swarm = table.swarm(host % 5 === 0 ? otherTorrent : TORRENT)
    return swarm !== undefined && table.find(swarm, at(addressOf(host)), portOf(host)) >= 0
  }
  const stayed = Array.from({ length: HOSTS }, (_, host) => host).filter(
    (host) => host < 2_000 || host >= 3_000,
  )
  expect(stayed.filter((host) => !isThere(after.table, host))).toEqual([])
})
