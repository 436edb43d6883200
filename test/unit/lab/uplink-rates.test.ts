import { describe, expect, it } from 'vitest'
import { readCommand } from '../../../lab/options.ts'
import { scenarioNamed } from '../../../lab/scenarios.ts'
import { boundSeconds } from '../../../lab/summary.ts'
import { wanRate } from '../../../lab/wan-rate.ts'

function optionsOf(...argv: string[]) {
  return readCommand(['flash-crowd', ...argv]).optionsFor(scenarioNamed('flash-crowd'), 'opentracker', 1)
}

describe('the uplinks of a laboratory', () => {
  it('have one rate where one is given', () => {
    const options = optionsOf('--wan', '40mbit')
    expect([1, 2, 3].map((site) => wanRate(options, site))).toEqual([40e6, 40e6, 40e6])
  })

  it('have each its own where several are given, and the last one holds for all further sites', () => {
    const options = optionsOf('--wan', '80mbit,40mbit,20mbit', '--sites', '4')
    expect([1, 2, 3, 4].map((site) => wanRate(options, site))).toEqual([80e6, 40e6, 20e6, 20e6])
  })

  it('bound the run by the slowest of them', () => {
    const options = optionsOf('--wan', '80mbit,40mbit,80mbit', '--size', '50MiB')
    expect(boundSeconds(options, 1)).toBeCloseTo(10.49, 2)
  })

  it('are refused with a rate that is none, by name', () => {
    expect(() => optionsOf('--wan', '80mbit,fast')).toThrow('--wan takes a rate such as 80mbit, not "fast"')
  })
})
