import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/core/clock.ts'
import type { OriginMetrics } from '../../../src/core/origin-metrics.ts'
import type { LeaseAnswer, LeaseRequest } from '../../../src/replication/site-store.ts'
import {
  type Grant,
  OriginFetchLimiter,
  type OriginSubject,
  type SiteView,
} from '../../../src/webseed/origin-fetch-limiter.ts'
import { at } from '../../a-tracker.ts'

/** With 1.1 copies and 4 MiB a site may have 1,104,194,304 bytes. */
const SIZE = 1_000_000_000
const BUDGET = 1_104_194_304
const GATEWAY = '127.1.1.1'
const OTHER = '127.1.1.2'
const THIRD = '127.1.1.3'

interface Asking extends Partial<SiteView> {
  readonly gateway?: string
}

function aLimiter(limits: { readonly copiesPerSite?: number; readonly requestsPerSite?: number } = {}) {
  const clock = new ManualClock()
  const counted = { bytes: 0, saved: 0 }
  const metrics: OriginMetrics = {
    originBytes: (_site, bytes) => (counted.bytes += bytes),
    originSaved: (_site, bytes) => (counted.saved += bytes),
    originRefused: () => {},
  }
  const leases = {
    answer: 'granted' as LeaseAnswer,
    claimed: [] as LeaseRequest[],
    renewed: [] as LeaseRequest[],
  }
  const limiter = new OriginFetchLimiter({
    clock,
    metrics,
    leases: {
      claim: (request) => {
        leases.claimed.push(request)
        return leases.answer
      },
      renew: (request) => void leases.renewed.push(request),
    },
    limits: { copiesPerSite: 1.1, requestsPerSite: 8, ...limits },
  })
  const ask = (
    from: string,
    { gateway, isWarm = false }: Asking = {},
    subject: Partial<OriginSubject> = {},
  ) =>
    limiter.request(
      { infoHash: Buffer.alloc(20, 1), sizeBytes: SIZE, siteName: 'fra', siteIndex: 0, ...subject },
      at(from),
      { isWarm, gateways: gateway === undefined ? [] : [at(gateway)] },
    )
  const granted = async (...asking: Parameters<typeof ask>): Promise<Grant> => {
    const verdict = await ask(...asking)
    if (verdict.kind !== 'granted') throw new Error(`the verdict is ${verdict.kind}`)
    return verdict.grant
  }
  const kind = async (...asking: Parameters<typeof ask>) => (await ask(...asking)).kind
  return { limiter, clock, counted, leases, ask, granted, kind }
}

describe('the host that fetches for its site', () => {
  it('is its gateway', async () => {
    const { kind } = aLimiter()
    expect(await kind(OTHER, { gateway: GATEWAY })).toBe('wait')
    expect(await kind(GATEWAY, { gateway: GATEWAY })).toBe('granted')
    expect(await kind(OTHER, { gateway: GATEWAY })).toBe('wait')
  })

  it('is somebody else once the gateway has not asked for three seconds', async () => {
    const { kind, clock } = aLimiter()
    expect(await kind(OTHER, { gateway: GATEWAY })).toBe('wait')
    for (let second = 0; second < 2; second++) {
      clock.advanceMs(1_000)
      expect(await kind(OTHER, { gateway: GATEWAY })).toBe('wait')
    }
    clock.advanceMs(1_000)
    expect(await kind(OTHER, { gateway: GATEWAY })).toBe('granted')
    expect(await kind(GATEWAY, { gateway: GATEWAY })).toBe('wait')
  })

  it('does not profit from somebody who asked long ago and went away', async () => {
    const { kind, clock } = aLimiter()
    await kind(OTHER)
    clock.advanceMs(60_000)
    expect(await kind(THIRD)).toBe('wait')
  })

  it('stays it while it is silent for less than ten seconds', async () => {
    const { granted, kind, clock } = aLimiter()
    const grant = await granted(GATEWAY, { gateway: GATEWAY })
    grant.release()
    clock.advanceMs(9_999)
    expect(await kind(THIRD, { gateway: THIRD })).toBe('wait')
    clock.advanceMs(1)
    expect(await kind(THIRD, { gateway: THIRD })).toBe('granted')
  })

  it('stays it for as long as one of its requests is being answered', async () => {
    const { granted, kind, clock } = aLimiter()
    await granted(GATEWAY, { gateway: GATEWAY })
    clock.advanceMs(3_600_000)
    expect(await kind(THIRD, { gateway: THIRD })).toBe('wait')
  })

  it('has so many requests answered at once, and the next one waits', async () => {
    const { granted, kind } = aLimiter({ requestsPerSite: 2 })
    const first = await granted(GATEWAY, { gateway: GATEWAY })
    await granted(GATEWAY, { gateway: GATEWAY })
    expect(await kind(GATEWAY, { gateway: GATEWAY })).toBe('wait')
    first.release()
    expect(await kind(GATEWAY, { gateway: GATEWAY })).toBe('granted')
  })

  it('is one for each site and torrent', async () => {
    const { kind } = aLimiter()
    expect(await kind(GATEWAY, { gateway: GATEWAY })).toBe('granted')
    expect(await kind(THIRD, { gateway: THIRD }, { siteName: 'ams' })).toBe('granted')
    expect(await kind(THIRD, { gateway: THIRD }, { infoHash: Buffer.alloc(20, 2) })).toBe('granted')
  })

  it('is not one on this node while another node of the site has one', async () => {
    const { kind, leases } = aLimiter()
    leases.answer = 'denied'
    expect(await kind(GATEWAY, { gateway: GATEWAY })).toBe('wait')
    leases.answer = 'granted'
    expect(await kind(GATEWAY, { gateway: GATEWAY })).toBe('granted')
  })

  it('is found by the node alone while no other node can be asked', async () => {
    const { kind, leases } = aLimiter()
    leases.answer = 'undecided'
    expect(await kind(GATEWAY, { gateway: GATEWAY })).toBe('granted')
    expect(await kind(OTHER, { gateway: OTHER })).toBe('wait')
  })

  it('has a lease of its own, which is prolonged while bytes flow', async () => {
    const { granted, leases, clock } = aLimiter()
    const grant = await granted(GATEWAY, { gateway: GATEWAY })
    expect(
      leases.claimed.map(({ site, peer, lifetimeMs, holdersMax }) => ({
        site,
        peer: peer.toString('hex'),
        lifetimeMs,
        holdersMax,
      })),
    ).toEqual([{ site: 'fra', peer: '7f0101010000', lifetimeMs: 10_000, holdersMax: 1 }])
    expect(leases.claimed[0]?.infoHash).not.toEqual(Buffer.alloc(20, 1))
    grant.take(1)
    clock.advanceMs(2_999)
    grant.take(1)
    expect(leases.renewed).toHaveLength(0)
    clock.advanceMs(1)
    grant.take(1)
    expect(leases.renewed).toEqual(leases.claimed)
  })
})

describe('the budget of a site', () => {
  it('ends an answer at the byte with which it is used up', async () => {
    const { granted, ask } = aLimiter()
    const grant = await granted(GATEWAY, { gateway: GATEWAY })
    expect(grant.take(SIZE)).toBe(true)
    expect(grant.take(BUDGET - SIZE)).toBe(true)
    expect(grant.take(1)).toBe(false)
    grant.release()
    expect(await ask(GATEWAY, { gateway: GATEWAY })).toEqual({
      kind: 'refused',
      why: 'budget',
      retryAfterSeconds: 1800,
    })
  })

  it('is anew for whoever takes over, twice; then it is the same for everybody', async () => {
    const { granted, kind, clock } = aLimiter()
    for (const holder of [GATEWAY, OTHER, THIRD]) {
      const grant = await granted(holder, { gateway: holder })
      expect(grant.take(BUDGET)).toBe(true)
      grant.release()
      expect(await kind(holder, { gateway: holder })).toBe('refused')
      clock.advanceMs(10_000)
    }
    expect(await kind(OTHER, { gateway: OTHER })).toBe('refused')
    expect(await kind('127.1.1.4', { gateway: '127.1.1.4' })).toBe('refused')
  })

  it('stays what it is for a host that falls silent and comes back', async () => {
    const { granted, clock } = aLimiter()
    const grant = await granted(GATEWAY, { gateway: GATEWAY })
    grant.take(SIZE)
    grant.release()
    clock.advanceMs(60_000)
    const again = await granted(GATEWAY, { gateway: GATEWAY })
    expect(again.take(BUDGET - SIZE)).toBe(true)
    expect(again.take(1)).toBe(false)
  })

  it('is renewed half an hour after the last byte of it', async () => {
    const { granted, ask, kind, clock } = aLimiter()
    const grant = await granted(GATEWAY, { gateway: GATEWAY })
    grant.take(BUDGET)
    grant.release()
    clock.advanceMs(1_799_999)
    expect(await ask(GATEWAY, { gateway: GATEWAY })).toEqual({
      kind: 'refused',
      why: 'budget',
      retryAfterSeconds: 1,
    })
    clock.advanceMs(1)
    expect(await kind(GATEWAY, { gateway: GATEWAY })).toBe('granted')
  })

  it('is forgotten with everything else half an hour after the last request', async () => {
    const { limiter, granted, clock, kind } = aLimiter()
    for (let torrent = 0; torrent < 100; torrent++)
      (await granted(GATEWAY, { gateway: GATEWAY }, { infoHash: Buffer.alloc(20, torrent) })).release()
    expect(limiter.size).toBe(100)
    clock.advanceMs(1_800_000)
    await kind(GATEWAY, { gateway: GATEWAY })
    expect(limiter.size).toBe(1)
  })
})

describe('a site that has a copy', () => {
  it('fetches nothing more, not even for its gateway, and hears when to ask again', async () => {
    const { ask } = aLimiter()
    expect(await ask(GATEWAY, { gateway: GATEWAY, isWarm: true })).toEqual({
      kind: 'refused',
      why: 'warm',
      retryAfterSeconds: 600,
    })
  })
})

describe('what the origin was spared', () => {
  it('is the size of each completed download, less what was fetched for it', async () => {
    const { limiter, counted, granted } = aLimiter()
    const subject = { infoHash: Buffer.alloc(20, 1), sizeBytes: SIZE, siteName: 'fra', siteIndex: 0 }
    const grant = await granted(GATEWAY, { gateway: GATEWAY })
    grant.take(SIZE + 20)
    expect(counted.bytes).toBe(1_000_000_020)
    limiter.completed(subject)
    expect(counted.saved).toBe(0)
    limiter.completed(subject)
    expect(counted.saved).toBe(999_999_980)
    limiter.completed(subject)
    expect(counted.saved).toBe(1_999_999_980)
    limiter.completed({ ...subject, siteName: 'ams' })
    expect(counted.saved).toBe(2_999_999_980)
  })
})
