/** Counters belong to the name of a site; a reload of the topology may change its index. */
import { describe, expect, test } from 'vitest'
import { Counters } from '../../../src/observe/counters.ts'

describe('counters', () => {
  test('are separate for each site, protocol and event', () => {
    const counters = new Counters(['ams', 'fra'])
    counters.announce(1, 'udp', 'completed')
    counters.announce(1, 'udp', 'completed')
    counters.announce(1, 'http', 'completed')

    expect(counters.announces(1, 'udp', 'completed')).toBe(2)
    expect(counters.announces(1, 'http', 'completed')).toBe(1)
    expect(counters.announces(1, 'udp', 'none')).toBe(0)
    expect(counters.announces(0, 'udp', 'completed')).toBe(0)
  })

  test('do not mix adjacent words in the row of a site', () => {
    const counters = new Counters(['fra'])
    counters.announce(0, 'udp', 'paused')
    counters.handout(0, 'bubble', 2)
    counters.handout(0, 'remote', 3)
    counters.election(0, 'first')
    counters.election(0, 'added')
    counters.downloaded(0, 1000, false)
    counters.completion(0)
    counters.rescue(0)
    counters.rescue(0)

    expect(counters.announces(0, 'udp', 'paused')).toBe(1)
    expect(counters.handouts(0, 'bubble')).toBe(2)
    expect(counters.handouts(0, 'site')).toBe(0)
    expect(counters.handouts(0, 'remote')).toBe(3)
    expect(counters.elections(0, 'first')).toBe(1)
    expect(counters.elections(0, 'added')).toBe(1)
    expect(counters.downloadedBytes(0)).toBe(1000)
    expect(counters.gatewayDownloadedBytes(0)).toBe(0)
    expect(counters.completions(0)).toBe(1)
    expect(counters.rescues(0)).toBe(2)
  })

  test('include the downloads of a gateway in the downloads of its site', () => {
    const counters = new Counters(['fra'])
    counters.downloaded(0, 700, true)
    counters.downloaded(0, 300, false)

    expect(counters.downloadedBytes(0)).toBe(1000)
    expect(counters.gatewayDownloadedBytes(0)).toBe(700)
  })

  test('follow a site to its new index after a reload, and start a new site at zero', () => {
    const counters = new Counters(['fra', 'nyc'])
    counters.completion(1)
    counters.resize(['ams', 'fra', 'nyc'])

    expect(counters.completions(2)).toBe(1)
    expect(counters.completions(1)).toBe(0)
    expect(counters.completions(0)).toBe(0)
  })

  test('discard a removed site, so that its label disappears', () => {
    const counters = new Counters(['fra', 'nyc'])
    counters.completion(1)
    counters.resize(['fra'])
    expect(counters.siteNames).toEqual(['fra'])

    counters.resize(['fra', 'nyc'])
    expect(counters.completions(1)).toBe(0)
  })

  test('ignore a site index outside the topology', () => {
    const counters = new Counters(['fra'])
    counters.completion(1)
    counters.completion(-1)
    expect(counters.completions(0)).toBe(0)
  })

  test('put a duration that equals a bound into the bucket of that bound', () => {
    const counters = new Counters([])
    counters.duration(0.000_025)
    counters.duration(0.000_026)
    counters.duration(1)
    counters.duration(1.5)

    expect(counters.durations.samples().map(({ value }) => value)).toEqual([
      1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 4, 2.500_051, 4,
    ])
  })

  test('count refusals by code and reloads by result', () => {
    const counters = new Counters([])
    counters.refusal('TRK_ADDRESS_UNMAPPED')
    counters.reload('refused')

    expect(counters.refused('TRK_ADDRESS_UNMAPPED')).toBe(1)
    expect(counters.refused('TRK_INTERNAL')).toBe(0)
    expect(counters.reloads('refused')).toBe(1)
    expect(counters.reloads('accepted')).toBe(0)
  })
})
