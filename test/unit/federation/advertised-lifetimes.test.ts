/** Lifetimes of sources that another site knows. Observers are off. */
import { expect, test } from 'vitest'
import { SimulatedSites } from '../../simulated-sites.ts'

const [SOURCE, OTHER] = [0, 1]
const SEED = 9

// A new seed of aria2 announces again after a minute, and then seldom: its first announce has a lifetime of minutes. The
// second one was not advertised, so that the seed was unknown to other sites from the end of this lifetime until the third.
test('a source whose second announce has a longer lifetime stays known until the third', async () => {
  const sites = new SimulatedSites({ sites: 2, seed: 1, delayMsMax: 50, client: 'A2-1-36-0-' })
  const first = await sites.announce(SOURCE, SEED, 0)
  await sites.run(first.intervalSeconds * 1_000)
  const second = await sites.announce(SOURCE, SEED, 0)
  expect(second.intervalSeconds).toBeGreaterThan(5 * first.intervalSeconds)
  await sites.run(second.intervalSeconds * 1_000)
  const reply = sites.announce(OTHER, 1, 1_000_000_000)
  await sites.run(1_000)
  expect((await reply).peers4.subarray(0, 4)).toEqual(Buffer.from([127, SOURCE + 1, 1, SEED]))
})
