import { describe, expect, it } from 'vitest'
import { readCommand } from '../../../lab/options.ts'
import { scenarioNamed } from '../../../lab/scenarios.ts'
import { boundSeconds } from '../../../lab/summary.ts'
import { wanRate } from '../../../lab/wan-rate.ts'

function optionsOf(...argv: string[]) {
  return readCommand(['flash-crowd', ...argv]).optionsFor(scenarioNamed('flash-crowd'), 'opentracker', 1)
}

describe('uplinks of the laboratory', () => {
  it('have the same rate when --wan has one value', () => {
    const options = optionsOf('--wan', '40mbit')
    expect([1, 2, 3].map((site) => wanRate(options, site))).toEqual([40e6, 40e6, 40e6])
  })

  it('have their own rates when --wan is a list, and the last value applies to all further sites', () => {
    const options = optionsOf('--wan', '80mbit,40mbit,20mbit', '--sites', '4')
    expect([1, 2, 3, 4].map((site) => wanRate(options, site))).toEqual([80e6, 40e6, 20e6, 20e6])
  })

  it('bound the run by the slowest one', () => {
    const options = optionsOf('--wan', '80mbit,40mbit,80mbit', '--size', '50MiB')
    expect(boundSeconds(options, 1)).toBeCloseTo(10.49, 2)
  })

  it('reject a malformed rate and name it', () => {
    expect(() => optionsOf('--wan', '80mbit,fast')).toThrow('--wan expects a rate such as 80mbit, not "fast"')
  })
})
