/** Several clients behind one address and port: detected by identities that alternate. */
import { beforeEach, expect, it } from 'vitest'
import { type TestTracker, aTracker } from '../../a-tracker.ts'

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
