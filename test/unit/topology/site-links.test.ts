import { describe, expect, it } from 'vitest'
import { parseTopology } from '../../../src/config/load-topology.ts'
import { INSIDE_SITE } from '../../../src/topology/topology.ts'

const FEDERATED = `
sites:
  fra: { federation: [http://t1.fra.example:6970] }
  ams: { federation: [http://t1.ams.example:6970] }
  lab: {}
  hut: {}
`

function linksOf(text: string) {
  const topology = parseTopology(text, 'topology.yaml')
  const index = (name: string) => topology.siteNamed(name)?.index ?? -1
  return {
    carryOf: (a: string, b: string) => topology.carryOf(index(a), index(b)),
    linkOf: (a: string, b: string) => topology.linkOf(index(a), index(b)),
  }
}

describe('the links between sites', () => {
  it('are carried by nodes where both sites have nodes, else direct', () => {
    const { carryOf } = linksOf(FEDERATED)
    expect([carryOf('fra', 'ams'), carryOf('fra', 'lab'), carryOf('lab', 'hut')]).toEqual([
      'nodes',
      'direct',
      'direct',
    ])
  })

  it('are carried by nodes in a topology without federation, whose nodes are those of all sites', () => {
    expect(linksOf('sites: { fra: {}, ams: {} }').carryOf('fra', 'ams')).toBe('nodes')
  })

  it('are as the file has them, in both directions', () => {
    const { carryOf, linkOf } = linksOf(`${FEDERATED}
links:
  - { between: [fra, ams], carry: direct }
  - { between: [fra, lab], carry: nodes, rate: 200Mbit, hours: "20:00-06:00 UTC" }
`)
    expect([carryOf('fra', 'ams'), carryOf('ams', 'fra')]).toEqual(['direct', 'direct'])
    const link = {
      carry: 'nodes',
      rate: 25_000_000,
      hours: { beginMinute: 1200, endMinute: 360, zone: 'UTC' },
    }
    expect([linkOf('fra', 'lab'), linkOf('lab', 'fra')]).toEqual([link, link])
  })

  it('keep the default transport where only a rate is given', () => {
    const { linkOf } = linksOf(`${FEDERATED}links: [{ between: [fra, ams], rate: 8kbit }]`)
    expect(linkOf('ams', 'fra')).toEqual({ carry: 'nodes', rate: 1_000, hours: undefined })
  })

  it('never join the isolated addresses to a site, and a site to itself without limits', () => {
    const { carryOf, linkOf } = linksOf('sites: { fra: {}, ams: {} }\nunmapped: isolate')
    expect([carryOf('fra', 'unmapped'), linkOf('fra', 'fra')]).toEqual(['direct', INSIDE_SITE])
  })

  it('keep the default cost where none is given', () => {
    const topology = parseTopology(
      'sites: { a: {}, b: {} }\nlinks: [{ between: [a, b], rate: 1Gbit }]',
      't.yaml',
    )
    expect(topology.cost(0, 1)).toBe(100)
  })
})
