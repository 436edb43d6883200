import { describe, expect, it } from 'vitest'
import { parseTopology } from '../../../src/config/load-topology.ts'
import { type Contact, targetsOf } from '../../../src/cli/contact-nodes.ts'
import { describeContacts } from '../../../src/cli/contact-report.ts'

function aContact(number: number, isOk: boolean): Contact {
  return {
    url: `http://t${number}.example:6969/announce`,
    kind: 'tracker',
    sites: ['fra'],
    addresses: isOk ? ['10.1.0.1', '10.1.0.2', '10.1.0.3', '10.1.0.4'] : [],
    isReachable: isOk,
    isOk,
    result: isOk ? 'a tracker' : 'no response within 6 s',
    elapsedMs: 12.3,
  }
}

describe('the URLs of a topology', () => {
  it('are contacted once each, those of bubbles and of the fallback tier included', () => {
    const topology = parseTopology(
      `
sites:
  fra:
    cidrs: [10.1.0.0/16]
    trackers: [http://t1.example:6969/announce, udp://t1.example:6969/announce]
    federation: [http://t1.example:6970]
    bubbles: { row-a: { cidrs: [10.1.1.0/24], trackers: [http://t2.example:6969/announce] } }
  ams: { cidrs: [10.2.0.0/16], trackers: [http://t1.example:6969/announce] }
fallback: { trackers: [http://t0.example:6969/announce, http://t1.example:6969/announce] }
`,
      'topology.yaml',
    )
    expect(targetsOf(topology).map(({ url, kind, sites }) => `${kind} ${url} ${sites.join()}`)).toEqual([
      'tracker http://t1.example:6969/announce fra,ams',
      'tracker udp://t1.example:6969/announce fra',
      'tracker http://t2.example:6969/announce fra',
      'federation http://t1.example:6970 fra',
      'tracker http://t0.example:6969/announce ',
    ])
  })
})

describe('the report of contacted URLs', () => {
  it('has a line for each, with the first addresses', () => {
    expect(describeContacts([aContact(1, true), aContact(2, false)])).toEqual([
      'ok      http://t1.example:6969/announce  tracker of fra  10.1.0.1 10.1.0.2 10.1.0.3 …  a tracker, in 12 ms',
      'failed  http://t2.example:6969/announce  tracker of fra  -                             no response within 6 s',
      '1 of 2 URLs are ok',
    ])
  })

  it('has only the failed ones if there are more than a page', () => {
    const many = Array.from({ length: 100 }, (_, index) => aContact(index, index % 10 !== 0))
    const lines = describeContacts(many)
    expect(lines.slice(0, -1).every((line) => line.startsWith('failed'))).toBe(true)
    expect([lines.length, lines.at(-1)]).toEqual([11, '90 of 100 URLs are ok'])
  })

  it('counts the failed ones that do not fit', () => {
    const lines = describeContacts(Array.from({ length: 100 }, (_, index) => aContact(index, false)))
    expect([lines.length, lines.at(-2), lines.at(-1)]).toEqual([
      42,
      'and 60 more that failed',
      '0 of 100 URLs are ok',
    ])
  })

  it('is a sentence without URLs', () => {
    expect(describeContacts([])).toEqual([
      'the topology has no trackers and no federation URLs: nothing was contacted',
    ])
  })
})
