/** Seeds that a node observes, as other sites know them. */
import { expect, test } from 'vitest'
import { TORRENT } from '../../a-tracker.ts'
import { SimulatedSites } from '../../simulated-sites.ts'

const [SOURCE, OTHER] = [0, 1]
const SEED = 9

test('a source of which other sites learned before its content was observed is trusted there once it is', async () => {
  const sites = new SimulatedSites({ sites: 2, seed: 1, delayMsMax: 50 })
  const [source, other] = [sites.sites[SOURCE]!, sites.sites[OTHER]!]
  const trusted = () => other.table.swarm(TORRENT)?.sites.map(({ trustedSeeds }) => trustedSeeds)
  void sites.announce(SOURCE, SEED, 0)
  const address = sites.at(SEED, SOURCE)
  const row = source.table.find(source.table.swarm(TORRENT)!, address, 6881)
  source.tracker.observations.expectBitfield(row)
  await sites.run(1_000)
  expect(trusted()).toEqual([0])
  source.tracker.observations.record({
    infoHash: TORRENT,
    address,
    port: 6881,
    reachability: 'reachable',
    share: 1,
    isComplete: true,
    isStalled: false,
    isGone: false,
    observedAtMs: sites.clock.nowMs(),
    sharePerSecond: 0,
  })
  await sites.run(1_000)
  expect(trusted()).toEqual([1])
})
