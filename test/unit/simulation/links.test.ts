import { describe, expect, it } from 'vitest'
import { Links } from '../../../src/simulation/links.ts'

const UNLIMITED = 4

/**
 * Rates in kB/s of transfers over some of five links (the last one unlimited), after a few steps. A link of 8
 * Mbit/s carries 956 kB/s: 95.6 % of a frame is content.
 */
function rates(
  megabits: readonly [number, number, number, number],
  routes: readonly (readonly number[])[],
  wanted = Infinity,
): number[] {
  const links = new Links([...megabits.map((rate) => rate * 1e6), Infinity])
  const table = {
    active: Int32Array.from(routes.keys()),
    count: routes.length,
    links: Int32Array.from(
      routes.flatMap((route) => [...route, UNLIMITED, UNLIMITED, UNLIMITED].slice(0, 4)),
    ),
    wanted: new Float64Array(routes.length).fill(wanted),
    rate: new Float64Array(routes.length),
  }
  for (let step = 0; step < 10; step++) links.share(table)
  return Array.from(table.rate, (rate) => Math.round(rate / 1000))
}

describe('the links', () => {
  it('give a single transfer the full rate of the slowest link on its route', () => {
    expect(rates([80, 8, 800, 80], [[0, 1, 2]])).toEqual([956])
  })

  it('give two transfers half each', () => {
    expect(
      rates(
        [8, 800, 800, 800],
        [
          [0, 1],
          [0, 2],
        ],
      ),
    ).toEqual([478, 478])
  })

  it('redistribute the share of a transfer that another link limits', () => {
    // Three over the link of 80; one of them also over a link of 8.
    expect(rates([80, 8, 800, 800], [[0, 1], [0], [0]])).toEqual([956, 4300, 4300])
  })

  it('never exceed the demand of a transfer', () => {
    expect(rates([80, 80, 80, 80], [[0], [0]], 1_000_000)).toEqual([1000, 1000])
  })

  it('never exceed their capacity, even in a step in which many transfers start', () => {
    const links = new Links([8e6, Infinity])
    const count = 50
    const table = {
      active: Int32Array.from({ length: count }, (_, index) => index),
      count,
      links: Int32Array.from(Array.from({ length: count }, () => [0, 1, 1, 1]).flat()),
      wanted: new Float64Array(count).fill(Infinity),
      rate: new Float64Array(count),
    }
    links.share(table)
    const carried = table.rate.reduce((sum, rate) => sum + rate, 0)
    expect(carried).toBeLessThanOrEqual(955_650)
    expect(carried).toBeGreaterThan(955_000)
  })
})
