/** Rows and torrents that a full table drops: those of the host with the most, in any part of the table. */
import { describe, expect, it } from 'vitest'
import { type TestTracker, aTracker } from '../../a-tracker.ts'

const HOSTILE = '127.1.9.9'
const [HONEST, HOSTILE_TORRENTS] = [300, 1_700]

function torrent(number: number): Buffer {
  const infoHash = Buffer.alloc(20, 7)
  infoHash.writeUInt32BE(number, 0)
  return infoHash
}

/** Fifty honest hosts. */
const honestHost = (number: number) => `127.2.1.${1 + (number % 50)}`

/** Announces a torrent, and returns the reason if it is rejected. */
function announce(site: TestTracker, from: string, announcement: object): string | undefined {
  try {
    site.announce(from, announcement)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Torrents of honest hosts that the table still has. */
const left = (site: TestTracker, count: number) =>
  Array.from({ length: count }, (_, number) => site.table.swarm(torrent(number))).filter(Boolean).length

describe('a table that is full of torrents', () => {
  it('drops those of the host with the most, although those of other hosts are next to each other', () => {
    const site = aTracker({ limits: { peersMax: 100_000, swarmsMax: HONEST + HOSTILE_TORRENTS } })
    for (let number = 0; number < HONEST; number++)
      site.announce(honestHost(number), { torrent: torrent(number), left: 0 })
    for (let number = 0; number < HOSTILE_TORRENTS; number++)
      site.announce(HOSTILE, { torrent: torrent(10_000 + number) })
    // New torrents of honest hosts, which have fewer rows than those with resting seeds.
    for (let number = HONEST; number < HONEST + 500; number++)
      expect(announce(site, `127.2.2.${1 + (number % 50)}`, { torrent: torrent(number) })).toBeUndefined()
    expect(left(site, HONEST + 500)).toBe(HONEST + 500)
  })

  it('drops no torrent of a host with one for one of a host that has none', () => {
    const site = aTracker({ limits: { peersMax: 100_000, swarmsMax: 200 } })
    for (let number = 0; number < 200; number++)
      site.announce(`127.2.1.${number + 1}`, { torrent: torrent(number), left: 0 })
    for (let host = 1; host <= 200; host++)
      expect(announce(site, `127.1.1.${host}`, { torrent: torrent(1_000 + host) })).toContain('is full')
    expect(left(site, 200)).toBe(200)
  })
})

describe('a table that is full of peers', () => {
  it('drops none of a host with one for those of many hosts with one each', () => {
    const site = aTracker({ limits: { peersMax: 200, swarmsMax: 1_000 } })
    for (let number = 0; number < 200; number++)
      site.announce(`127.2.1.${number + 1}`, { torrent: torrent(number), left: 0 })
    for (let host = 1; host <= 200; host++) announce(site, `127.1.1.${host}`, { torrent: torrent(host) })
    expect(left(site, 200)).toBe(200)
  })

  it('lets a host replace its own', () => {
    const site = aTracker({ limits: { peersMax: 100, swarmsMax: 1_000 } })
    for (let port = 7_000; port < 7_100; port++) site.announce(HOSTILE, { torrent: torrent(1), port })
    expect(announce(site, HOSTILE, { torrent: torrent(1), port: 8_000 })).toBeUndefined()
    expect(site.table.rows.live).toBe(100)
  })
})
