/** Sites that a node carries for, and the address that its clients are handed. */
import { describe, expect, test } from 'vitest'
import { carrierSites, isCarriedHere, relayableSites } from '../../../src/daemon/carriage/carrier-sites.ts'
import { arrivalAddress, peersAddresses } from '../../../src/daemon/carriage/peers-address.ts'
import type { SiteLink } from '../../../src/topology/topology.ts'
import { aTopology } from '../../a-topology.ts'
import { at } from '../../a-tracker.ts'

const direct: SiteLink = { carry: 'direct', rate: undefined, hours: undefined }
const nodes: SiteLink = { ...direct, carry: 'nodes' }
const siteOf = (topology: ReturnType<typeof aTopology>, name: string) => topology.siteNamed(name)!

describe('a node carries', () => {
  test('for its own site, and for all where it is not federated', () => {
    const topology = aTopology()
    expect(isCarriedHere(topology, siteOf(topology, 'fra'), 'fra', true)).toBe(true)
    expect(isCarriedHere(topology, siteOf(topology, 'ams'), 'fra', true)).toBe(false)
    expect(isCarriedHere(topology, siteOf(topology, 'ams'), 'fra', false)).toBe(true)
  })

  test('not for a site whose links are all direct', () => {
    const topology = aTopology({ link: (a, b) => (a === 2 || b === 2 ? direct : nodes) })
    expect(isCarriedHere(topology, siteOf(topology, 'nyc'), 'nyc', true)).toBe(false)
    expect(isCarriedHere(topology, siteOf(topology, 'fra'), 'fra', true)).toBe(true)
  })

  test('for the only site of a topology', () => {
    const topology = aTopology({ siteNames: ['fra'] })
    expect(isCarriedHere(topology, siteOf(topology, 'fra'), 'fra', false)).toBe(true)
  })

  test('over no direct link', () => {
    const topology = aTopology({ link: (a, b) => (a + b === 2 ? direct : nodes) })
    expect(carrierSites(topology, 'fra', false).costs).toEqual([
      ['fra', 'ams', 10],
      ['ams', 'nyc', 100],
    ])
  })

  test('a torrent for a site that lost its gateway over a direct link', () => {
    const topology = aTopology({ link: () => direct })
    expect(relayableSites(topology)).toEqual(new Set([0, 1, 2]))
    expect(carrierSites(topology, 'fra', true).costs).toHaveLength(3)
  })
})

describe('clients are handed', () => {
  const topology = aTopology()
  const machine = ['10.9.9.9', '127.2.0.5', '127.1.0.5', 'fd00::1'].map(at)

  test('a specific address of listen.peers', () => {
    expect(peersAddresses('127.3.0.7', machine, topology, 'fra').map(String)).toEqual(['127.3.0.7'])
  })

  test('of all addresses of the machine the one in their own site', () => {
    expect(peersAddresses('::', machine, topology, 'fra').map(String)).toEqual(['127.1.0.5'])
    expect(peersAddresses('0.0.0.0', machine, topology, 'nyc')).toEqual([])
  })

  test('else the address to which they announced, of their own family', () => {
    expect(arrivalAddress({ localAddress: '::ffff:10.9.9.9' }, true)?.toString()).toBe('10.9.9.9')
    expect(arrivalAddress({ localAddress: '10.9.9.9' }, false)).toBeUndefined()
    expect(arrivalAddress(undefined, true)).toBeUndefined()
  })
})
