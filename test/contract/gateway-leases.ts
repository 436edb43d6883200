/** The contract of GatewayLeases, run once per implementation. */
import { describe, expect } from 'vitest'
import type { LeaseAnswer, LeaseRequest, SiteStore } from '../../src/replication/site-store.ts'
import { until } from '../a-redis.ts'
import { contractTests, type Skips, type TestSite } from './a-site.ts'

const aRequest = (request: Partial<LeaseRequest> = {}): LeaseRequest => ({
  infoHash: Buffer.alloc(20, 7),
  site: 'fra',
  peer: Buffer.from([10, 1, 1, 1, 0x1a, 0xe1]),
  lifetimeMs: 60_000,
  holdersMax: 1,
  ...request,
})

const aPeer = (host: number): Buffer => Buffer.from([10, 1, 1, host, 0x1a, 0xe1])

/** On a machine that was suspended for a moment, `undecided` is a correct answer; the claim is then repeated. */
async function claim(store: SiteStore, request: Partial<LeaseRequest> = {}): Promise<LeaseAnswer> {
  let answer: LeaseAnswer = 'undecided'
  await until(30_000, 'the store answered a claim in time', async () => {
    answer = await store.leases.claim(aRequest(request))
    return answer !== 'undecided'
  })
  return answer
}

export function describeGatewayLeases(
  implementation: string,
  aSite: () => Promise<TestSite>,
  skips: Skips = {},
): void {
  const contract = contractTests(skips)

  describe(`GatewayLeases: ${implementation}`, () => {
    contract('grants a lease to one peer and not to another', async () => {
      const { store } = await (await aSite()).node()
      expect(await claim(store, { peer: aPeer(1) })).toBe('granted')
      expect(await claim(store, { peer: aPeer(2) })).toBe('denied')
    })

    contract('grants a lease up to the largest number of holders', async () => {
      const { store } = await (await aSite()).node()
      const answers: LeaseAnswer[] = []
      for (const host of [1, 2, 3, 4]) answers.push(await claim(store, { peer: aPeer(host), holdersMax: 3 }))
      expect(answers).toEqual(['granted', 'granted', 'granted', 'denied'])
    })

    contract('grants a peer again the lease that it holds', async () => {
      const { store } = await (await aSite()).node()
      await claim(store)
      expect(await claim(store)).toBe('granted')
    })

    contract('keeps the leases of torrents and of sites separate', async () => {
      const { store } = await (await aSite()).node()
      await claim(store, { peer: aPeer(1) })
      expect(await claim(store, { peer: aPeer(2), infoHash: Buffer.alloc(20, 8) })).toBe('granted')
      expect(await claim(store, { peer: aPeer(2), site: 'ams' })).toBe('granted')
    })

    contract('grants a released lease', async () => {
      const { store } = await (await aSite()).node()
      await claim(store, { peer: aPeer(1) })
      store.leases.release(aRequest({ peer: aPeer(1) }))
      expect(await claim(store, { peer: aPeer(2) })).toBe('granted')
    })

    contract('grants an expired lease', async () => {
      const { store } = await (await aSite()).node()
      await claim(store, { peer: aPeer(1), lifetimeMs: 50 })
      await until(30_000, 'the lease of the other peer ended', async () => {
        return (await store.leases.claim(aRequest({ peer: aPeer(2) }))) === 'granted'
      })
      expect(await claim(store, { peer: aPeer(1) })).toBe('denied')
    })

    contract('prolongs a renewed lease, and claims it where no peer holds it', async () => {
      const { store } = await (await aSite()).node()
      store.leases.renew(aRequest({ peer: aPeer(1) }))
      expect(await claim(store, { peer: aPeer(2) })).toBe('denied')
    })

    contract('grants one of two claims that two nodes make at the same moment', async () => {
      const site = await aSite()
      const [one, two] = [await site.node(), await site.node()]
      const answers: LeaseAnswer[][] = []
      await until(30_000, 'the store answered claims in time', async () => {
        const fill = answers.length
        const torrents = Array.from({ length: 50 }, (_, index) => Buffer.alloc(20, `${fill} ${index} `))
        await claim(one.store, { infoHash: Buffer.alloc(20, `${fill}`) })
        await claim(two.store, { infoHash: Buffer.alloc(20, `${fill}.`) })
        const both = torrents.map((infoHash) =>
          Promise.all([
            one.store.leases.claim(aRequest({ infoHash, peer: aPeer(1) })),
            two.store.leases.claim(aRequest({ infoHash, peer: aPeer(2) })),
          ]),
        )
        answers.push(...(await Promise.all(both)))
        return answers.some((each) => each.includes('granted'))
      })
      const granted = answers.map((each) => each.filter((answer) => answer === 'granted').length)
      expect(Math.max(...granted)).toBe(1)
    })

    contract('denies on one node what another node has granted', async () => {
      const site = await aSite()
      const [one, two] = [await site.node(), await site.node()]
      expect(await claim(one.store, { peer: aPeer(1) })).toBe('granted')
      expect(await claim(two.store, { peer: aPeer(2) })).toBe('denied')
      expect(await claim(two.store, { peer: aPeer(1) })).toBe('granted')
    })
  })
}
