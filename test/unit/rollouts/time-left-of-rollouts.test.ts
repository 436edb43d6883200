/**
 * The time left of whole rollouts, on injected time: hosts progress as real ones do, in pieces and with a rate that varies,
 * and each second the estimate is compared with the end that the test knows. From a quarter of the way on, it is right within
 * a third.
 */
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../../src/core/random.ts'
import { aRollout } from '../../a-rollout.ts'

/** Share of a host by the seconds since the start. */
type Curve = (seconds: number) => number

interface Estimate {
  readonly atSeconds: number
  readonly percent: number
  readonly leftSeconds: number
  readonly etaSeconds: number | null
}

const PIECES = 400
/** The estimate is whole, and a measurement is up to a second old. */
const SLACK_SECONDS = 2

/** From `startSeconds` on, in `seconds`; `shape` maps a share of the time to a share of the content. */
function curve(seconds: number, startSeconds = 0, shape: (part: number) => number = (part) => part): Curve {
  return (at) => shape(Math.min(1, Math.max(0, (at - startSeconds) / seconds)))
}

/** The rate of each second is a random one from half of the rate to one and a half of it. */
function uneven(of: Curve, random: SeededRandom): Curve {
  const lags: number[] = []
  let lag = 0
  return (at) => {
    while (lags.length <= at) {
      lag = lag * 0.8 + (random.below(1_001) / 1_000 - 0.5)
      lags.push(lag)
    }
    // The end stays where it is.
    return of(at) === 1 ? 1 : Math.max(0, Math.min(0.999, of(at + (lags[at] ?? 0))))
  }
}

/** Runs until the last host is complete. `hold`: from and until, in seconds. */
function estimatesOf(
  hosts: ReadonlyMap<string, Curve>,
  { hold, until }: { readonly hold?: readonly [number, number]; readonly until?: number } = {},
): Estimate[] {
  const rollout = aRollout()
  rollout.seed('127.1.1.1')
  for (const address of hosts.keys()) rollout.join(address)
  const paused = (at: number) =>
    hold === undefined || at <= hold[0] ? at : Math.max(hold[0], at - (hold[1] - hold[0]))
  const shareOf = (of: Curve, at: number) => Math.floor(of(paused(at)) * PIECES) / PIECES
  const samples: Omit<Estimate, 'leftSeconds'>[] = []
  const sites = [
    ...new Set([...hosts.keys()].map((address) => (address.startsWith('127.2.') ? 'ams' : 'nyc'))),
  ]
  let endSeconds = 0
  for (let at = 1; at < 3_000 && endSeconds === 0; at++) {
    if (hold !== undefined && (at === hold[0] || at === hold[1]))
      for (const site of sites) rollout.setHeld(site, at === hold[0])
    for (const [address, of] of hosts) {
      const share = shareOf(of, at)
      const isStalled = share < 1 && share === shareOf(of, at - 30) && at > 30
      if (shareOf(of, at - 1) < 1) rollout.observe(address, { share, isStalled })
    }
    rollout.pass(1)
    const { percent, etaSeconds, state } = rollout.answer()
    samples.push({ atSeconds: at, percent, etaSeconds })
    if (state === 'complete' || at === until) endSeconds = at
  }
  expect(endSeconds).toBeGreaterThan(15)
  return samples.map((sample) => ({ ...sample, leftSeconds: endSeconds - sample.atSeconds }))
}

/** Estimates that are wrong by more than a third, of those from a quarter of the way on. */
function wrong(estimates: readonly Estimate[], judgedMin = 50): Estimate[] {
  const judged = estimates.filter(({ percent, leftSeconds }) => percent >= 25 && leftSeconds > 0)
  expect(judged.length).toBeGreaterThan(judgedMin)
  return judged.filter(
    ({ leftSeconds, etaSeconds }) =>
      etaSeconds === null || Math.abs(etaSeconds - leftSeconds) > leftSeconds / 3 + SLACK_SECONDS,
  )
}

/** Twenty hosts of a site, `127.2.1.1` to `127.2.1.20` for ams. */
function twenty(site: 2 | 3, of: (host: number) => Curve): [string, Curve][] {
  return Array.from({ length: 20 }, (_, host) => [`127.${site}.1.${host + 1}`, of(host)])
}

describe('the time left of a rollout is right within a third from a quarter of the way on', () => {
  it.each([1, 2, 3])('at a constant rate that varies from second to second (seed %s)', (seed) => {
    const random = new SeededRandom(seed)
    expect(wrong(estimatesOf(new Map(twenty(2, () => uneven(curve(240), random)))))).toEqual([])
  })

  it.each([1, 2])('with a slow start (seed %s)', (seed) => {
    const random = new SeededRandom(seed)
    // A tenth of the rate at first, and the whole rate after a fifth of the time.
    const slowStart = (part: number) => (part < 0.2 ? part * part * 2.5 : 0.1 + (part - 0.2) * 1.125)
    expect(wrong(estimatesOf(new Map(twenty(2, () => uneven(curve(300, 0, slowStart), random)))))).toEqual([])
  })

  it('where the second site begins after the first one', () => {
    const random = new SeededRandom(4)
    const hosts = [
      ...twenty(2, () => uneven(curve(200), random)),
      ...twenty(3, () => uneven(curve(200, 60), random)),
    ]
    expect(wrong(estimatesOf(new Map(hosts)))).toEqual([])
  })

  it('where the second site begins when the first one is nearly complete, once its hosts make progress', () => {
    const random = new SeededRandom(8)
    const hosts = [
      ...twenty(2, () => uneven(curve(200), random)),
      ...twenty(3, () => uneven(curve(200, 180), random)),
    ]
    const estimates = estimatesOf(new Map(hosts))
    expect(wrong(estimates.filter(({ atSeconds }) => atSeconds > 195))).toEqual([])
  })

  it.each([1, 2, 3, 4])('of twenty seconds, the first ones of which bring little (seed %s)', (seed) => {
    const random = new SeededRandom(seed)
    // As the hosts of a carried site: nothing for two seconds, and the whole rate from the fifth on.
    const carried = (part: number) => (part < 0.15 ? 2 * part * part : 0.045 + (part - 0.15) * (0.955 / 0.85))
    const hosts = [
      ...twenty(2, () => uneven(curve(18, 2, carried), random)),
      ...twenty(3, () => uneven(curve(17, 3, carried), random)),
    ]
    expect(wrong(estimatesOf(new Map(hosts)), 10)).toEqual([])
  })

  it('of twenty seconds, with clients that are polled every five', () => {
    const random = new SeededRandom(9)
    const hosts = twenty(2, (host) => {
      const of = uneven(curve(22, 2), random)
      // Each at another second; the last poll finds the end.
      return (at) => (of(at) === 1 ? 1 : of(at - ((at + host) % 5)))
    })
    expect(wrong(estimatesOf(new Map(hosts)), 10)).toEqual([])
  })

  it('with one host behind a slow link', () => {
    const random = new SeededRandom(5)
    const hosts = twenty(2, (host) => uneven(curve(host === 7 ? 900 : 200), random))
    expect(wrong(estimatesOf(new Map(hosts)))).toEqual([])
  })

  it('with a host that stalls at a third, for the hosts that make progress', () => {
    const random = new SeededRandom(6)
    const stalling: Curve = (at) => Math.min(curve(240)(at), 0.33)
    const hosts = twenty(2, (host) => (host === 3 ? stalling : uneven(curve(240), random)))
    expect(wrong(estimatesOf(new Map(hosts), { until: 240 }))).toEqual([])
  })

  it('after a hold as before it; during the hold there is none', () => {
    const random = new SeededRandom(7)
    const hosts = twenty(2, () => uneven(curve(240), random))
    const estimates = estimatesOf(new Map(hosts), { hold: [100, 220] })
    const before = estimates.filter(({ atSeconds }) => atSeconds < 100)
    // The operator has not decided when it continues: 120 s more.
    const withoutHold = before.map((each) => ({ ...each, leftSeconds: each.leftSeconds - 120 }))
    // A rate needs some seconds.
    const after = estimates.filter(({ atSeconds }) => atSeconds > 230)
    expect(wrong([...withoutHold, ...after])).toEqual([])
    const during = estimates.filter(({ atSeconds }) => atSeconds > 135 && atSeconds < 220)
    expect(new Set(during.map(({ etaSeconds }) => etaSeconds))).toEqual(new Set([null]))
  })
})
