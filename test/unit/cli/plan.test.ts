/** `plan` against an admin listener: what goes to the network team. */
import { describe, expect, it } from 'vitest'
import { parseTopology } from '../../../src/config/load-topology.ts'
import type { RolloutPlan } from '../../../src/rollouts/plan-answer.ts'
import { runCommand } from '../../a-command-run.ts'
import { anAdmin } from '../../an-admin.ts'
import { PLAIN_INFO_HASH, PLAIN_TORRENT } from '../../a-torrent.ts'

const TOPOLOGY = `
sites:
  fra: { federation: ['http://t1.fra.example:6970'] }
  ams: { federation: ['http://t1.ams.example:6970'] }
  nyc: { gateways: 2 }
links:
  - { between: [fra, ams], cost: 5, rate: 8kbit, contact: transit desk }
`

async function aPlan(...flags: string[]) {
  const { site, url, call } = await anAdmin()
  site.topology.replace(parseTopology(TOPOLOGY, 'topology.yaml'))
  await call('POST', '', PLAIN_TORRENT)
  return runCommand(['plan', PLAIN_INFO_HASH, '--source', 'fra', '--url', url, ...flags])
}

describe('plan', () => {
  it('names links, bytes, rates, hours, gateways, nodes and contacts', async () => {
    const { out, exitCode } = await aPlan()
    expect(exitCode).toBe(0)
    const lines = out.split('\n')
    expect(lines).toContain('fra -> ams  5 B, cost 5')
    expect(lines).toContain('  rate     at most 8 kbit/s')
    expect(lines).toContain('  hours    all')
    expect(lines).toContain('  nodes    http://t1.fra.example:6970 and http://t1.ams.example:6970')
    expect(lines).toContain('  contact  transit desk (the link)')
    expect(lines).toContain('fra -> nyc  5 B, at most 10 B, cost 100')
    expect(out).toContain('up to 2 gateways of nyc')
    expect(out).toMatch(/^finished at \d{4}-\d\d-\d\d \d\d:\d\d UTC if it starts now$/m)
  })

  it('has the same as JSON', async () => {
    const { out } = await aPlan('--json')
    const { links } = JSON.parse(out) as RolloutPlan
    expect(links).toMatchObject([
      { to: 'ams', carry: 'nodes', rateBytesPerSecond: 1_000, contacts: { link: 'transit desk' } },
      { to: 'nyc', carry: 'direct', copiesMax: 2, bytesAtMost: 10, rateBytesPerSecond: null },
    ])
  })
})
