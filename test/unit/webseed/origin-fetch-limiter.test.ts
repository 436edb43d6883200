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

/** 1.1 copies and 4 MiB are 1,104,194,304 bytes. */
const SIZE = 1_000_000_000
const BUDGET = 1_104_194_304
const GATEWAY = '127.1.1.1'
const OTHER = '127.1.1.2'
const THIRD = '127.1.1.3'

interface View extends Partial<SiteView> {
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
    released: [] as Pick<LeaseRequest, 'infoHash' | 'site' | 'peer'>[],
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
      release: (request) => void leases.released.push(request),
    },
    limits: { copiesPerSite: 1.1, requestsPerSite: 8, ...limits },
  })
  const request = (
    from: string,
    { gateway, isWarm = false }: View = {},
    subject: Partial<OriginSubject> = {},
  ) =>
    limiter.request(
      { infoHash: Buffer.alloc(20, 1), sizeBytes: SIZE, siteName: 'fra', siteIndex: 0, ...subject },
      at(from),
      { isWarm, gateways: gateway === undefined ? [] : [at(gateway)] },
    )
  const granted = async (...parameters: Parameters<typeof request>): Promise<Grant> => {
    const decision = await request(...parameters)
    if (decision.kind !== 'granted') throw new Error(`the decision is ${decision.kind}`)
    return decision.grant
  }
  const kind = async (...parameters: Parameters<typeof request>) => (await request(...parameters)).kind
  return { limiter, clock, counted, leases, request, granted, kind }
}

describe('a host that reads hardly anything', () => {
  /** Takes this many bytes a second for a while, with another host that asks once a second. */
  async function holdWith(bytesPerSecond: number, seconds: number, { isOtherWaiting = true } = {}) {
    const limiter = aLimiter()
    const grant = await limiter.granted(GATEWAY, { gateway: GATEWAY })
    for (let second = 0; second < seconds; second++) {
      limiter.clock.advanceMs(1_000)
      grant.take(bytesPerSecond)
      if (isOtherWaiting && (await limiter.kind(OTHER, { gateway: GATEWAY })) === 'granted') break
    }
    return { ...limiter, grant }
  }

  it('loses its place to a host that waits', async () => {
    const { grant, granted, kind, leases } = await holdWith(200, 30)
    expect(grant.revoked.aborted).toBe(true)
    expect(leases.released).toHaveLength(1)
    grant.release()
    expect(await kind(OTHER)).toBe('granted')
    expect(await kind(GATEWAY, { gateway: GATEWAY })).toBe('wait')
    expect((await granted(OTHER)).take(1_000)).toBe(true)
    expect(grant.take(1)).toBe(false)
  })

  it('keeps its place just above the lowest rate, and loses it just below', async () => {
    expect((await holdWith(32_768, 60)).grant.revoked.aborted).toBe(false)
    expect((await holdWith(32_767, 60)).grant.revoked.aborted).toBe(true)
  })

  it('keeps its place while no host waits', async () => {
    const { grant, kind } = await holdWith(200, 300, { isOtherWaiting: false })
    expect(grant.revoked.aborted).toBe(false)
    expect(await kind(OTHER)).toBe('wait')
    expect(grant.revoked.aborted).toBe(false)
  })

  it('may fetch again after a minute', async () => {
    const { clock, kind, grant } = await holdWith(200, 30)
    grant.release()
    clock.advanceMs(61_000)
    // The other one holds the place, and has read nothing for a minute.
    expect(await kind(GATEWAY, { gateway: GATEWAY })).toBe('wait')
    clock.advanceMs(10_000)
    expect(await kind(GATEWAY, { gateway: GATEWAY })).toBe('granted')
  })
})

describe('the host that fetches for its site', () => {
  it('is the gateway', async () => {
    const { kind } = aLimiter()
    expect(await kind(OTHER, { gateway: GATEWAY })).toBe('wait')
    expect(await kind(GATEWAY, { gateway: GATEWAY })).toBe('granted')
    expect(await kind(OTHER, { gateway: GATEWAY })).toBe('wait')
  })

  it('is another one once the gateway has sent no request for three seconds', async () => {
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

  it('waits the full three seconds although another host waited long ago', async () => {
    const { kind, clock } = aLimiter()
    await kind(OTHER)
    clock.advanceMs(60_000)
    expect(await kind(THIRD)).toBe('wait')
  })

  it('stays the same until it has been silent for ten seconds', async () => {
    const { granted, kind, clock } = aLimiter()
    const grant = await granted(GATEWAY, { gateway: GATEWAY })
    grant.release()
    clock.advanceMs(9_999)
    expect(await kind(THIRD, { gateway: THIRD })).toBe('wait')
    clock.advanceMs(1)
    expect(await kind(THIRD, { gateway: THIRD })).toBe('granted')
  })

  it('stays the same for as long as one of its requests is in progress', async () => {
    const { granted, kind, clock } = aLimiter()
    await granted(GATEWAY, { gateway: GATEWAY })
    clock.advanceMs(3_600_000)
    expect(await kind(THIRD, { gateway: THIRD })).toBe('wait')
  })

  it('has a limit of concurrent requests, and the next one waits', async () => {
    const { granted, kind } = aLimiter({ requestsPerSite: 2 })
    const first = await granted(GATEWAY, { gateway: GATEWAY })
    await granted(GATEWAY, { gateway: GATEWAY })
    expect(await kind(GATEWAY, { gateway: GATEWAY })).toBe('wait')
    first.release()
    expect(await kind(GATEWAY, { gateway: GATEWAY })).toBe('granted')
  })

  it('is chosen for each site and torrent separately', async () => {
    const { kind } = aLimiter()
    expect(await kind(GATEWAY, { gateway: GATEWAY })).toBe('granted')
    expect(await kind(THIRD, { gateway: THIRD }, { siteName: 'ams' })).toBe('granted')
    expect(await kind(THIRD, { gateway: THIRD }, { infoHash: Buffer.alloc(20, 2) })).toBe('granted')
  })

  it('does not fetch through this node while another node of the site has the lease', async () => {
    const { kind, leases } = aLimiter()
    leases.answer = 'denied'
    expect(await kind(GATEWAY, { gateway: GATEWAY })).toBe('wait')
    leases.answer = 'granted'
    expect(await kind(GATEWAY, { gateway: GATEWAY })).toBe('granted')
  })

  it('is chosen by the node alone while the store is down', async () => {
    const { kind, leases } = aLimiter()
    leases.answer = 'undecided'
    expect(await kind(GATEWAY, { gateway: GATEWAY })).toBe('granted')
    expect(await kind(OTHER, { gateway: OTHER })).toBe('wait')
  })

  it('has a lease that is not the one of the gateway, and that is renewed while bytes flow', async () => {
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
  it('ends a response at the byte with which it is exhausted', async () => {
    const { granted, request } = aLimiter()
    const grant = await granted(GATEWAY, { gateway: GATEWAY })
    expect(grant.take(SIZE)).toBe(true)
    expect(grant.take(BUDGET - SIZE)).toBe(true)
    expect(grant.take(1)).toBe(false)
    grant.release()
    expect(await request(GATEWAY, { gateway: GATEWAY })).toEqual({
      kind: 'refused',
      reason: 'budget',
      retryAfterSeconds: 1800,
    })
  })

  it('starts again for a host that takes over, twice; after that all hosts share it', async () => {
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

  it('does not change for a host that is silent for a while', async () => {
    const { granted, clock } = aLimiter()
    const grant = await granted(GATEWAY, { gateway: GATEWAY })
    grant.take(SIZE)
    grant.release()
    clock.advanceMs(60_000)
    const again = await granted(GATEWAY, { gateway: GATEWAY })
    expect(again.take(BUDGET - SIZE)).toBe(true)
    expect(again.take(1)).toBe(false)
  })

  it('is renewed half an hour after its last byte', async () => {
    const { granted, request, kind, clock } = aLimiter()
    const grant = await granted(GATEWAY, { gateway: GATEWAY })
    grant.take(BUDGET)
    grant.release()
    clock.advanceMs(1_799_999)
    expect(await request(GATEWAY, { gateway: GATEWAY })).toEqual({
      kind: 'refused',
      reason: 'budget',
      retryAfterSeconds: 1,
    })
    clock.advanceMs(1)
    expect(await kind(GATEWAY, { gateway: GATEWAY })).toBe('granted')
  })

  it('is dropped with all other state half an hour after the last request', async () => {
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
  it('is refused, its gateway included, with a retry delay', async () => {
    const { request } = aLimiter()
    expect(await request(GATEWAY, { gateway: GATEWAY, isWarm: true })).toEqual({
      kind: 'refused',
      reason: 'warm',
      retryAfterSeconds: 600,
    })
  })
})

describe('saved bytes', () => {
  it('are the size of each completed download, less the bytes that were fetched for it', async () => {
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
