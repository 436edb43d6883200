import { describe, expect, it } from 'vitest'
import { formatRate, rateHint, readRate } from '../../../src/topology/link-rate.ts'

describe('the rate of a link', () => {
  it.each([
    ['200Mbit', 25_000_000],
    ['200mbit/s', 25_000_000],
    ['1.5 Gbit', 187_500_000],
    ['512kbit', 64_000],
    ['0Mbit', 0],
  ])('%s is %d bytes per second', (text, bytes) => expect(readRate(text)).toBe(bytes))

  it.each(['200', '200M', '25MB', '-1Mbit', 'fast', '', 'Mbit'])('is not %j', (text) =>
    expect(readRate(text)).toBeUndefined(),
  )

  it('has a remedy for each kind of mistake', () => {
    expect(rateHint(200)).toBe('bare numbers are ambiguous; write 200Mbit or 200kbit')
    expect(rateHint('25MB')).toBe('a rate is in bits per second; write 200Mbit for 25 megabytes per second')
    expect(rateHint(0)).toBe('write 0Mbit to stop content on the link')
    expect(rateHint('fast')).toBe('write a number and a unit: kbit, Mbit or Gbit')
  })

  it('is shown in bits', () => {
    expect([25_000_000, 187_500_000, 64_000, 0].map(formatRate)).toEqual([
      '200 Mbit/s',
      '1.5 Gbit/s',
      '512 kbit/s',
      '0 kbit/s',
    ])
  })
})
