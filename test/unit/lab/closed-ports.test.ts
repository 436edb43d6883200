import { describe, expect, it } from 'vitest'
import { type ClosedPorts, closedPortRules, drawClosedHosts } from '../../../lab/closed-ports.ts'
import { readCommand } from '../../../lab/options.ts'
import { planHosts } from '../../../lab/plan.ts'
import { scenarioNamed } from '../../../lab/scenarios.ts'

const hosts = planHosts({ sites: 3, hosts: 6, hostsOfSite: {}, bubbles: 2, carry: 'nodes', nodes: 1 })
const sources = new Set(['s1-b1-h1'])
const quarter: ClosedPorts = { share: 0.25, hosts: [], mode: 'drop', includesFirstHosts: true }

describe('the draw of closed ports', () => {
  it('has the first leecher of each site and random hosts up to the share, but no source', () => {
    const drawn = drawClosedHosts(quarter, hosts, sources, 1)
    expect(drawn).toHaveLength(4)
    expect(drawn).toEqual(expect.arrayContaining(['s1-b1-h2', 's2-b1-h1', 's3-b1-h1']))
    expect(drawn).not.toContain('s1-b1-h1')
  })

  it('is the same for the same seed and differs between seeds', () => {
    const any = { ...quarter, includesFirstHosts: false }
    const draws = [1, 2, 3, 4, 5].map((seed) => drawClosedHosts(any, hosts, sources, seed).join())
    expect(draws).toEqual([1, 2, 3, 4, 5].map((seed) => drawClosedHosts(any, hosts, sources, seed).join()))
    expect(new Set(draws).size).toBe(5)
  })

  it('adds named hosts, also a source', () => {
    const named = { ...quarter, share: 0, includesFirstHosts: false, hosts: ['s3-b2-h1', 's1-b1-h1'] }
    expect(drawClosedHosts(named, hosts, sources, 1)).toEqual(['s1-b1-h1', 's3-b2-h1'])
  })
})

describe('the host firewall', () => {
  it('allows replies and drops new connections to the client port', () => {
    expect(closedPortRules(51413, 'drop').split('\n')).toEqual([
      'table inet closed_port {',
      '  chain input {',
      '    type filter hook input priority 0; policy accept;',
      '    ct state established,related accept',
      '    tcp dport 51413 drop',
      '    udp dport 51413 drop',
      '  }',
      '}',
    ])
  })

  it('resets rejected TCP connections', () => {
    expect(closedPortRules(6881, 'reject')).toContain('tcp dport 6881 reject with tcp reset')
  })
})

function closedOf(scenario: string, ...argv: string[]) {
  return readCommand([scenario, ...argv]).optionsFor(scenarioNamed(scenario), 'opentracker', 1).closed
}

describe('options of closed ports', () => {
  it('default to a quarter of the hosts in closed-ports, and to none elsewhere', () => {
    expect(closedOf('closed-ports')).toEqual(quarter)
    expect(closedOf('flash-crowd')).toBeUndefined()
  })

  it('close ports in any scenario', () => {
    expect(closedOf('flash-crowd', '--closed-share', '18%', '--closed-mode', 'reject')).toEqual({
      share: 0.18,
      hosts: [],
      mode: 'reject',
      includesFirstHosts: false,
    })
  })

  it('replace the draw by named hosts', () => {
    expect(closedOf('closed-ports', '--closed-hosts', 's2-b1-h1,s3-b2-h1')).toEqual({
      share: 0,
      hosts: ['s2-b1-h1', 's3-b2-h1'],
      mode: 'drop',
      includesFirstHosts: false,
    })
  })

  it('reject an unknown host, a share without a percent sign and an unknown mode', () => {
    expect(() => closedOf('flash-crowd', '--closed-hosts', 's9-b1-h1')).toThrow(
      '--closed-hosts: unknown host "s9-b1-h1"; the hosts are s1-b1-h1, ',
    )
    expect(() => closedOf('flash-crowd', '--closed-share', '0.25')).toThrow(
      '--closed-share expects a percentage such as 25%, not "0.25"',
    )
    expect(() => closedOf('closed-ports', '--closed-mode', 'close')).toThrow(
      '--closed-mode expects drop or reject, not "close"',
    )
  })
})

describe('the victim of a removal', () => {
  it('is rejected in a scenario that removes no host', () => {
    expect(() =>
      readCommand(['flash-crowd', '--victim', 's2-b1-h1']).optionsFor(
        scenarioNamed('flash-crowd'),
        'opentracker',
        1,
      ),
    ).toThrow('--victim: flash-crowd does not remove a host')
  })
})
