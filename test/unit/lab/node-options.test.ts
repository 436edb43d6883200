import { describe, expect, it } from 'vitest'
import { sumMetric } from '../../../lab/node-requests.ts'
import { ticksOfTrees } from '../../../lab/node-cpu.ts'
import { readCommand } from '../../../lab/options.ts'
import { trackerLabel } from '../../../lab/result.ts'
import { scenarioNamed } from '../../../lab/scenarios.ts'
import { boundSeconds } from '../../../lab/summary.ts'

function optionsOf(scenario: string, ...argv: string[]) {
  return readCommand([scenario, ...argv]).optionsFor(scenarioNamed(scenario), 'siteswarm-sites', 1)
}

describe('options of nodes', () => {
  it('set configuration keys as the variables of the environment, and name them in the table', () => {
    const options = optionsOf(
      'flash-crowd',
      '--set',
      'observe.connections=0',
      '--set',
      'trustedProxies=10.0.0.0/8',
    )
    expect(options.nodeEnvironment).toEqual({
      SITESWARM_OBSERVE_CONNECTIONS: '0',
      SITESWARM_TRUSTED_PROXIES: '10.0.0.0/8',
    })
    expect(trackerLabel(optionsOf('flash-crowd', '--set', 'observe.connections=0'))).toBe(
      'siteswarm-sites SITESWARM_OBSERVE_CONNECTIONS=0',
    )
  })

  it('reject a setting without a value', () => {
    expect(() => optionsOf('flash-crowd', '--set', 'observe.connections')).toThrow(
      '--set expects KEY=VALUE, such as observe.connections=0, not "observe.connections"',
    )
  })

  it('have two nodes in each site where one of them ends', () => {
    expect(optionsOf('carrier-killed').nodes).toBe(2)
    expect(optionsOf('carrier-killed', '--nodes', '1').nodes).toBe(1)
    expect(optionsOf('flash-crowd').nodes).toBe(1)
  })

  it('bound a closed site by the link of its node', () => {
    const options = optionsOf('closed-site', '--hosts', '4', '--size', '50MiB', '--node-nic', '100mbit')
    expect(boundSeconds(options, 1)).toBeCloseTo(16.78, 2)
    expect(boundSeconds(optionsOf('closed-site', '--hosts', '4', '--size', '50MiB'), 1)).toBeCloseTo(5.24, 2)
  })

  it('reject a scenario whose fault is in a site that the run does not have', () => {
    expect(() => optionsOf('host-killed', '--sites', '1')).toThrow(
      'host-killed needs at least 2 sites, not 1',
    )
  })
})

describe('processor time of nodes', () => {
  it('contains the processes that a node started, and no other ones', () => {
    const processes = new Map([
      [1, { parent: 0, ticks: 900 }],
      [10, { parent: 1, ticks: 7 }],
      [11, { parent: 10, ticks: 5 }],
      [12, { parent: 11, ticks: 3 }],
      [20, { parent: 1, ticks: 800 }],
    ])
    expect([...ticksOfTrees(processes, new Set([10]))]).toEqual([
      [10, 7],
      [11, 5],
      [12, 3],
    ])
  })
})

describe('metrics of nodes', () => {
  it('are summed over the samples with the given labels', () => {
    const text = [
      '# HELP siteswarm_relayed_bytes_total Bytes.',
      'siteswarm_relayed_bytes_total{site="s2",from="s1"} 100',
      'siteswarm_relayed_bytes_total{site="s2",from="s3"} 20',
      'siteswarm_relayed_bytes_total{site="s3",from="s1"} 3',
      'siteswarm_relays_other{site="s2"} 9',
    ].join('\n')
    expect(sumMetric(text, 'siteswarm_relayed_bytes_total', { site: 's2' })).toBe(120)
    expect(sumMetric(text, 'siteswarm_relays', { site: 's2' })).toBe(0)
  })
})
