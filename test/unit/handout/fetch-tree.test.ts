import { expect, test } from 'vitest'
import { aTopology } from '../../a-topology.ts'
import { aTracker, TORRENT } from '../../a-tracker.ts'

test('two hundred sites fetch in one chain, each from one other, and never in a circle', () => {
  // A walk along the chain of every site once made an announce at the end of a long chain take a second.
  const siteNames = Array.from({ length: 200 }, (_, index) => `site-${index + 1}`)
  const { announce, table } = aTracker({ topology: aTopology({ siteNames, cost: () => 100 }) })
  announce('127.1.1.1', { left: 0 })
  for (let site = 2; site <= 200; site++) announce(`127.${site}.1.1`)
  const swarm = table.swarm(TORRENT)
  const fedBy = (site: number) => {
    const upstreamRow = swarm?.site(site)?.gateways[0]?.upstreamRow ?? -1
    return upstreamRow < 0 ? -1 : table.siteIndexOf(upstreamRow)
  }
  const chain = [199]
  while (fedBy(chain[0] as number) >= 0 && chain.length < 300) chain.unshift(fedBy(chain[0] as number))
  expect(chain).toEqual(Array.from({ length: 200 }, (_, index) => index))
})

test('a source is not assigned to a gateway through which its own content comes', () => {
  const { announce, table } = aTracker()
  announce('127.1.1.1', { left: 0 })
  announce('127.2.1.1')
  announce('127.3.1.1')
  announce('127.1.1.1', { left: 0, event: 'stopped' })
  // ams has lost its source; nyc, which fetches from ams, must not become it.
  announce('127.3.1.1')
  announce('127.2.1.1')
  const gateway = table.swarm(TORRENT)?.site(1)?.gateways[0]
  expect(gateway?.upstreamRow).toBe(-1)
})
