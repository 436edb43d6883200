/** Two nodes of a site, as processes, with a real Redis: leechers of another site announce to both at the same moment. */
import { describe, expect, test } from 'vitest'
import { announceFrom, type RunningNode } from '../a-node.ts'
import { aRedis, until } from '../a-redis.ts'
import { aSiteCluster, HASH, swarmOf } from '../a-site-cluster.ts'
import { needs } from '../setup/needs.ts'

const SOON_MS = 30_000
const HOSTS = Array.from({ length: 10 }, (_, index) => `127.2.1.${index + 1}`)

describe.skipIf(needs('redis-server'))('two nodes of a site', () => {
  // Without processor time for 40 ms a node decides by itself, by design; that happens on a busy machine.
  test(
    'elect one gateway, not two, for leechers that announce at the same moment',
    { retry: 5 },
    async () => {
      const redis = await aRedis()
      const [one, two] = (await aSiteCluster(redis.url, 2)) as [RunningNode, RunningNode]
      await announceFrom(one, '127.1.1.1', { left: 0 })
      await until(SOON_MS, 'both have the seed', async () => (await two.admin(`/api/v1/swarms/${HASH}`)).ok)
      await Promise.all(HOSTS.map((host, index) => announceFrom(index % 2 === 0 ? one : two, host)))
      for (const node of [one, two]) {
        await until(SOON_MS, 'both have all of them', async () => (await swarmOf(node)).leechers === 10)
        const ams = (await swarmOf(node)).sites.find(({ site }) => site === 'ams')
        expect([ams?.gateways.length, ams?.gatewayHostsEver]).toEqual([1, 1])
      }
      expect((await swarmOf(one)).sites).toEqual((await swarmOf(two)).sites)
    },
  )
})
