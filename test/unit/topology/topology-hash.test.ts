import { describe, expect, it } from 'vitest'
import { parseTopology } from '../../../src/config/load-topology.ts'

const hashOf = (text: string) => parseTopology(text, 'topology.yaml').hash

const WRITTEN = `
sites:
  fra:
    cidrs: [10.1.0.0/16, "fd00:1::/48"]
    trackers: [http://t1.fra.example/announce, http://t2.fra.example/announce]
    bubbles: { row-a: { cidrs: [10.1.1.0/24] } }
  ams: { region: eu, cidrs: [10.2.0.0/16] }
links: [{ between: [fra, ams], cost: 5 }]
`

describe('the hash of a topology', () => {
  it('is twelve hexadecimal characters', () => expect(hashOf(WRITTEN)).toMatch(/^[0-9a-f]{12}$/))

  // Nodes of different versions compare their hashes, so the value must not change by accident.
  it('is stable', () => expect(hashOf('sites: { fra: { cidrs: [10.1.0.0/16] } }')).toBe('d529ccf6be86'))

  it('does not depend on comments, style, order, notation, repetition or written defaults', () => {
    const other = `
# The same sites.
unmapped: refuse
links:
  - { cost: 5, between: [ams, fra] }
sites:
  ams:
    cidrs:
      - 10.2.0.0/16 # Amsterdam
      - 10.2.0.0/16
    region: eu
    gateways: auto
  "fra":
    bubbles: { row-a: { cidrs: [10.1.1.0/24], trackers: [] } }
    trackers: [http://t2.fra.example/announce, http://t1.fra.example/announce]
    cidrs: ["FD00:0001::/48", 10.1.1.0/24, 10.1.0.0/16]
`
    expect(hashOf(other)).toBe(hashOf(WRITTEN))
  })

  it('does not depend on a default transport that is written out, nor on the notation of a rate or of hours', () => {
    const limited = (link: string) => WRITTEN.replace('cost: 5', `cost: 5, ${link}`)
    expect(hashOf(limited('carry: nodes'))).toBe(hashOf(WRITTEN))
    expect(hashOf(limited('rate: 1000Mbit, hours: "8:00 - 24:00 UTC"'))).toBe(
      hashOf(limited('rate: 1 Gbit/s, hours: "08:00-00:00 UTC"')),
    )
  })

  it.each([
    ['a prefix', '10.2.0.0/16', '10.3.0.0/16'],
    ['a prefix that moves into the bubble', '[10.1.1.0/24]', '[10.1.1.0/24, 10.1.0.0/16]'],
    ['a name', 'row-a', 'row-b'],
    ['a region', 'region: eu', 'region: us'],
    ['a tracker', 't2.fra', 't3.fra'],
    ['a cost', 'cost: 5', 'cost: 6'],
    ['a new key', 'links:', 'unmapped: isolate\nlinks:'],
    ['an empty fallback tier', 'links:', 'fallback: { trackers: [] }\nlinks:'],
    ['a number of gateways', 'region: eu', 'region: eu, gateways: 1'],
    ['a transport', 'cost: 5', 'cost: 5, carry: direct'],
    ['a rate', 'cost: 5', 'cost: 5, rate: 200Mbit'],
    ['hours', 'cost: 5', 'cost: 5, hours: "20:00-06:00 UTC"'],
    ['a link that is missing', 'links: [{ between: [fra, ams], cost: 5 }]', ''],
  ])('changes with %s', (_what, before, after) => {
    expect(WRITTEN).toContain(before)
    expect(hashOf(WRITTEN.replace(before, after))).not.toBe(hashOf(WRITTEN))
  })
})
