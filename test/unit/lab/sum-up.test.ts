import { describe, expect, it } from 'vitest'
import { readCommand } from '../../../lab/options.ts'
import type { ScenarioResult } from '../../../lab/result.ts'
import { scenarioNamed } from '../../../lab/scenarios.ts'
import { sumUp } from '../../../lab/sum-up.ts'

interface RunLiteral {
  readonly seed: number
  readonly last: number | null
  readonly scenario?: string
  readonly tracker?: string
  readonly hosts?: number
  readonly late?: readonly string[]
}

function aRun({ seed, last, scenario = 'flash-crowd', tracker = 'siteswarm', hosts, late }: RunLiteral) {
  const command = readCommand([scenario])
  return {
    options: command.optionsFor(scenarioNamed(scenario), tracker, seed, hosts),
    outcome: last === null ? 'timeout' : 'finished',
    boundSeconds: 10,
    lastSeconds: last,
    copiesInWorst: 1 + seed / 1000,
    stragglers: late ?? [],
    unfinished: last === null ? ['s1-b1-h2'] : [],
    damaged: [],
  } as unknown as ScenarioResult
}

const oneLine = (results: readonly ScenarioResult[], scenario: string, tracker = 'siteswarm') =>
  sumUp(results).find((line) => line.scenario === scenario && line.tracker === tracker)

describe('the sum of several runs', () => {
  it('has median, minimum and maximum of the last host, and all stragglers', () => {
    const results = [
      aRun({ seed: 1, last: 12 }),
      aRun({ seed: 2, last: 19, late: ['s2-b1-h1', 's2-b1-h2'] }),
      aRun({ seed: 3, last: 11 }),
    ]
    expect(oneLine(results, 'flash-crowd')).toMatchObject({
      runs: 3,
      complete: 3,
      medianSeconds: 12,
      minSeconds: 11,
      maxSeconds: 19,
      ratioToBound: 1.2,
      stragglers: 2,
      copiesMax: 1.003,
      thanFirst: undefined,
    })
  })

  it('compares a scenario with the first one by pairs of the same seed', () => {
    const results = [
      aRun({ seed: 1, last: 10 }),
      aRun({ seed: 1, last: 11, scenario: 'closed-ports' }),
      aRun({ seed: 2, last: 20 }),
      aRun({ seed: 2, last: 30, scenario: 'closed-ports' }),
      aRun({ seed: 3, last: 10 }),
      aRun({ seed: 3, last: 12, scenario: 'closed-ports' }),
    ]
    expect(oneLine(results, 'closed-ports')?.thanFirst).toEqual({
      ratio: 1.2,
      secondsLater: 2,
      secondsLaterMax: 10,
    })
  })

  it('compares each tracker with the other ones in the same scenario', () => {
    const results = [aRun({ seed: 1, last: 10 }), aRun({ seed: 1, last: 40, tracker: 'opentracker' })]
    expect(oneLine(results, 'flash-crowd')?.thanTrackers.get('opentracker')?.ratio).toBe(0.25)
  })

  it('does not mix sites of different sizes', () => {
    const lines = sumUp([aRun({ seed: 1, last: 10, hosts: 2 }), aRun({ seed: 1, last: 20, hosts: 3 })])
    expect(lines.map(({ shape, medianSeconds }) => [shape, medianSeconds])).toEqual([
      ['3 × 2, 192 MiB', 10],
      ['3 × 3, 192 MiB', 20],
    ])
  })

  it('counts a run in which a host did not complete as one without end', () => {
    const results = [aRun({ seed: 1, last: 10 }), aRun({ seed: 2, last: null })]
    expect(oneLine(results, 'flash-crowd')).toMatchObject({ complete: 1, maxSeconds: Infinity })
  })
})
