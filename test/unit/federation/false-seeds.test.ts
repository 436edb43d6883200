/** False seeds of one site, and how long they keep another site from the real one. Observers are off. */
import { expect, test } from 'vitest'
import { SimulatedSites } from '../../simulated-sites.ts'

const [SOURCE, OTHER] = [0, 1]
const REAL = 9
const ANNOUNCE_MS = 60_000

/** Addresses of the peers of the source's site in an answer. */
function hostsIn(peers: Buffer): number[] {
  return Array.from({ length: peers.length / 6 }, (_, index) => peers.subarray(index * 6, index * 6 + 4))
    .filter((address) => address[1] === SOURCE + 1)
    .map((address) => address[3] as number)
}

/** The minute in which one of two leechers is handed the real seed; undefined if that does not happen in twenty. */
async function minuteOfRealSeed(seed: number, falseSeeds: readonly number[]): Promise<number | undefined> {
  const sites = new SimulatedSites({ sites: 2, seed, delayMsMax: 50 })
  for (const host of [...falseSeeds, REAL]) void sites.announce(SOURCE, host, 0)
  await sites.run(1_000)
  for (let minute = 0; minute < 20; minute++) {
    for (const host of [...falseSeeds, REAL]) void sites.announce(SOURCE, host, 0)
    const answers = [1, 2].map((host) => sites.announce(OTHER, host, 1_000_000_000))
    await sites.run(ANNOUNCE_MS)
    for (const { peers4 } of await Promise.all(answers)) if (hostsIn(peers4).includes(REAL)) return minute
  }
  return undefined
}

test.each([1, 2, 3, 4, 5])(
  'five false seeds keep another site from the real one for as many announces, and not longer (seed %i)',
  async (seed) => {
    const minute = await minuteOfRealSeed(seed, [1, 2, 3, 4, 5])
    expect(minute).toBeLessThanOrEqual(6)
  },
)

test('a site whose gateway got nothing from a seed, and that stopped, does not make the real seed unknown', async () => {
  const sites = new SimulatedSites({ sites: 2, seed: 1, delayMsMax: 50 })
  void sites.announce(SOURCE, REAL, 0)
  await sites.run(1_000)
  for (let host = 1; host <= 5; host++) {
    const answer = sites.announce(OTHER, host, 1_000_000_000)
    await sites.run(ANNOUNCE_MS)
    expect(hostsIn((await answer).peers4)).toEqual([REAL])
    sites.stop(OTHER, host)
    await sites.run(1_000)
  }
})
