/** Several clients behind one address and port: only one of them is recorded, and they are detected. */
import { beforeEach, describe, expect, it } from 'vitest'
import { type TestTracker, aTracker, TORRENT } from '../../a-tracker.ts'

const [A, B] = ['-XX0000-aaaaaaaaaaaa', '-XX0000-bbbbbbbbbbbb']

let site: TestTracker
let shared: string[]

beforeEach(() => {
  shared = []
  site = aTracker({
    reports: {
      sharedEndpoint: (address, port) => shared.push(`${address.toString()}:${port}`),
      loopbackWithheld: () => {},
    },
  })
})

it('a seed and a leecher that take turns at one endpoint are reported', () => {
  site.announce('127.2.1.50', { peerId: A, left: 0 })
  site.announce('127.2.1.50', { peerId: B, left: 100 })
  expect(shared).toEqual([])
  site.announce('127.2.1.50', { peerId: A, left: 0 })
  expect(shared).toEqual(['127.2.1.50:6881'])
})

it('they are reported although the stop of one removes the peer', () => {
  site.announce('127.2.1.50', { peerId: A })
  site.announce('127.2.1.50', { peerId: B })
  site.announce('127.2.1.50', { peerId: A, event: 'stopped' })
  site.announce('127.2.1.50', { peerId: B })
  site.announce('127.2.1.50', { peerId: A })
  expect(shared).toEqual(['127.2.1.50:6881'])
})

it('a client that restarts, several times, is not reported', () => {
  for (const run of ['1', '2', '3', '4'])
    for (let announce = 0; announce < 2; announce++)
      site.announce('127.2.1.50', { peerId: `-XX0000-${run.repeat(12)}` })
  expect(shared).toEqual([])
})

it('a client whose key differs between HTTP and UDP is not reported', () => {
  for (const key of ['FEAB93A7', 'k4', 'FEAB93A7', 'k4', 'FEAB93A7'])
    site.announce('127.2.1.50', { peerId: A, key })
  expect(shared).toEqual([])
})

it('clients with ports of their own are not reported', () => {
  for (let round = 0; round < 3; round++) {
    site.announce('127.2.1.50', { peerId: A, port: 6881 })
    site.announce('127.2.1.50', { peerId: B, port: 6882 })
  }
  expect(shared).toEqual([])
})

it('an identity that returns after the lifetime of the peer is not reported', () => {
  site.announce('127.2.1.50', { peerId: A })
  site.announce('127.2.1.50', { peerId: B })
  site.clock.advanceMs(24 * 3_600_000)
  site.announce('127.2.1.50', { peerId: A })
  expect(shared).toEqual([])
})

describe('a client at the address and port of another one', () => {
  const seed = () => site.announce('127.2.1.50', { peerId: A, key: 'k1', left: 0 })
  const roles = () => [site.table.swarm(TORRENT)?.seedClients, site.table.swarm(TORRENT)?.leecherClients]

  it('cannot stop the peer', () => {
    seed()
    site.announce('127.2.1.50', { peerId: B, key: 'k2', event: 'stopped' })
    expect(roles()).toEqual([1, 0])
  })

  it('cannot overwrite it, with the same peer id or another one, and gets peers', () => {
    seed()
    site.announce('127.2.1.1', { left: 0 })
    for (const other of [{ peerId: B, key: 'k2' }, { peerId: A, key: 'k2' }, { peerId: B }, { peerId: A }])
      expect(site.announce('127.2.1.50', { ...other, left: 100, event: 'started' }).peers).toContain(
        '127.2.1.1:6881',
      )
    expect(roles()).toEqual([2, 0])
    site.announce('127.2.1.50', { peerId: A, key: 'k1', event: 'stopped' })
    expect(roles()).toEqual([1, 0])
  })

  it('over HTTP is the same client as over UDP with the same peer id', () => {
    site.announce('127.2.1.50', { peerId: A, left: 100 })
    site.announce('127.2.1.50', { peerId: A, key: 'k1', left: 0, event: 'completed' })
    expect(roles()).toEqual([1, 0])
  })

  it('takes the peer over once the other one is silent for longer than its interval', () => {
    const { intervalSeconds } = seed()
    site.clock.advanceMs(intervalSeconds * 1000)
    site.announce('127.2.1.50', { peerId: B, key: 'k2', left: 100 })
    expect(roles()).toEqual([1, 0])
    site.clock.advanceMs(15_000)
    site.announce('127.2.1.50', { peerId: B, key: 'k2', left: 100 })
    expect(roles()).toEqual([0, 1])
  })
})
