import { describe, expect, it } from 'vitest'
import { hoursThatOpenAfter } from '../../../lab/link-hours.ts'
import { reportLink, windowRates } from '../../../lab/link-report.ts'
import { linkLines } from '../../../lab/trackers/rewritten-torrent.ts'

/** One reading a second, `rateOf` in bits per second. */
function seriesOf(seconds: number, rateOf: (second: number) => number) {
  let bytes = 0
  return Array.from({ length: seconds + 1 }, (_, second) => {
    if (second > 0) bytes += rateOf(second) / 8
    return { seconds: second, bytes }
  })
}

describe('windows of ten seconds', () => {
  it('have the mean rate of each window that is complete', () => {
    const rates = windowRates(seriesOf(12, (second) => (second <= 5 ? 20e6 : 30e6)))
    expect(rates.map((rate) => rate / 1e6)).toEqual([25, 26, 27])
  })

  it('are reported for each period, without the moment at which the rate changes', () => {
    const series = new Map([['interface', seriesOf(40, (second) => (second <= 21 ? 20e6 : 40e6))]])
    const periods = [
      { label: '20Mbit', fromSeconds: 0, untilSeconds: 20 },
      { label: '40Mbit', fromSeconds: 20, untilSeconds: 40 },
      { label: '0Mbit', fromSeconds: 40, untilSeconds: 45 },
    ]
    expect(reportLink(periods, series)).toEqual([
      '20Mbit, 0 to 20 s: interface: 20.00 to 20.00 Mbit/s in 9 windows',
      '40Mbit, 20 to 40 s: interface: 40.00 to 40.00 Mbit/s in 9 windows',
      '0Mbit, 40 to 45 s: interface: shorter than a window',
    ])
  })
})

describe('links of the laboratory', () => {
  const shape = { sites: 2, hosts: 2, hostsOfSite: {}, bubbles: 1, carry: 'nodes' as const, nodes: 1 }

  it('open at a full minute after the given time', () => {
    const nowMs = Date.UTC(2026, 0, 1, 23, 58, 10)
    expect(hoursThatOpenAfter(nowMs, 60_000)).toEqual({
      opensAtMs: Date.UTC(2026, 0, 2, 0, 0, 0),
      text: '00:00-12:00 UTC',
    })
  })

  it('have their rate and hours in the topology, and are left out where nothing differs', () => {
    expect(linkLines(shape)).toEqual([])
    expect(linkLines({ ...shape, linkRate: '20Mbit', linkHours: '00:00-12:00 UTC' })).toEqual([
      'links:',
      '  - { between: [s1, s2], rate: 20Mbit, hours: "00:00-12:00 UTC" }',
    ])
  })
})
