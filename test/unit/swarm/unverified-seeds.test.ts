/** A completion verifies the seeds that announced before it: at once in a small swarm, by the sweep in a large one. */
import { expect, test } from 'vitest'
import { Address } from '../../../src/core/address.ts'
import { SwarmTable } from '../../../src/swarm/swarm-table.ts'

const NOW_MS = 1_700_000_000_000
const infoHash = Buffer.alloc(20, 1)

/** The last one announces a second later than the others. */
function seeds(count: number): SwarmTable {
  const table = new SwarmTable([0, 1])
  for (let index = 0; index < count; index++)
    table.put(
      {
        infoHash,
        address: Address.v4(index + 1),
        port: 6881,
        identity: index,
        role: 'seed',
        leftKib: 0,
        downloadedKib: 0,
        lastSeenMs: index === count - 1 ? NOW_MS + 1_000 : NOW_MS,
        lifetimeSeconds: 3_600,
        stalls: 0,
        isUnverifiedSeed: true,
        isVerifiedSeed: false,
        isUnreachable: false,
        isSlowToForward: false,
        clientCode: undefined,
      },
      index % 2,
    )
  return table
}

const unverified = (table: SwarmTable) =>
  table.swarm(infoHash)?.sites.map(({ unverifiedSeeds }) => unverifiedSeeds)

test('at once in a small swarm', () => {
  const table = seeds(1_000)
  expect(unverified(table)).toEqual([500, 500])
  table.complete(infoHash, { count: 1, lastAtMs: NOW_MS })
  expect(unverified(table)).toEqual([0, 1])
})

test('by the sweep in a large one, a slice of rows at a time', () => {
  const table = seeds(2_001)
  table.complete(infoHash, { count: 1, lastAtMs: NOW_MS })
  expect(unverified(table)).toEqual([1_001, 1_000])
  table.sweep(NOW_MS, 1_000)
  expect(unverified(table)).toEqual([501, 500])
  table.sweep(NOW_MS, 5_000)
  expect(unverified(table)).toEqual([1, 0])
})

test('the sweep leaves seeds alone whose content is doubted for another reason', () => {
  const table = seeds(3)
  const swarm = table.swarm(infoHash)
  const [first, second] = [1, 2].map((word) => table.find(swarm!, Address.v4(word), 6881))
  table.observed.setExpected(first!, true)
  swarm?.site(1)?.historyToWrite().distrustedHosts.add(table.rows.addressHash(second!))
  table.complete(infoHash, { count: 1, lastAtMs: NOW_MS + 2_000 })
  table.sweep(NOW_MS, 3)
  expect(unverified(table)).toEqual([1, 1])
})
