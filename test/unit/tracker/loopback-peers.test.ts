/** Peers that announce from a loopback address, beside hosts on other addresses. Those are 10.<site>.<bubble>.x here. */
import { beforeEach, expect, it } from 'vitest'
import type { Address } from '../../../src/core/address.ts'
import type { Topology } from '../../../src/topology/topology.ts'
import { type TestTracker, at, aTracker } from '../../a-tracker.ts'
import { aTopology } from '../../a-topology.ts'

/** As the topology of the tests, with 10.0.0.0/8 as well as 127.0.0.0/8, and ::1 in fra. */
function withRealNetworks(): Topology {
  const topology = aTopology()
  const asLoopback = (address: Address): Address => {
    if (!address.isV4) return at('127.1.1.1')
    const text = address.toString()
    return text.startsWith('10.') ? at(`127.${text.slice(3)}`) : address
  }
  return { ...topology, locate: (address) => topology.locate(asLoopback(address)) }
}

let site: TestTracker
let withheld: string[]

beforeEach(() => {
  withheld = []
  site = aTracker({
    topology: withRealNetworks(),
    reports: {
      sharedEndpoint: () => {},
      loopbackWithheld: (address) => withheld.push(address.toString()),
    },
  })
})

it.each(['127.1.1.1', '::1'])('a seed on %s is not handed out to a host of its site', (loopback) => {
  site.announce(loopback, { left: 0 })
  expect(site.announce('10.1.1.2').peers).toEqual([])
  expect(new Set(withheld)).toEqual(new Set([loopback]))
})

it('a seed on a loopback address is not the upstream of the gateway of another site', () => {
  site.announce('127.1.1.1', { left: 0 })
  expect(site.announce('10.2.1.2').peers).toEqual([])
  expect(withheld).toContain('127.1.1.1')
})

it('the gateway of another site fetches from the next source instead', () => {
  site.announce('127.1.1.1', { left: 0 })
  site.announce('10.1.1.3', { left: 0 })
  expect(site.announce('10.2.1.2').peers).toEqual(['10.1.1.3:6881'])
})

it('a seed on a loopback address gets the hosts of its site and the gateways of others, and dials them', () => {
  site.announce('10.1.1.2')
  site.announce('10.2.1.2')
  expect(site.announce('127.1.1.1', { left: 0 }).peers.toSorted()).toEqual(['10.1.1.2:6881', '10.2.1.2:6881'])
  // Neither of them gets its address afterwards.
  expect(site.announce('10.1.1.2').peers).not.toContain('127.1.1.1:6881')
  expect(site.announce('10.2.1.2').peers).not.toContain('127.1.1.1:6881')
})

it('peers on loopback addresses are handed out to each other', () => {
  site.announce('127.1.1.1', { left: 0 })
  expect(site.announce('127.1.1.2').peers).toEqual(['127.1.1.1:6881'])
  expect(site.announce('127.2.1.2').peers).toEqual(['127.1.1.1:6881'])
  expect(withheld).toEqual([])
})

it('the explanation has the number of withheld peers, and reports nothing', () => {
  site.announce('127.1.1.1', { left: 0 })
  expect(site.explain('10.1.1.9')).toMatchObject({ loopbackWithheld: 1 })
  expect(site.explain('127.1.1.9')).toMatchObject({ loopbackWithheld: 0 })
  expect(withheld).toEqual([])
})
