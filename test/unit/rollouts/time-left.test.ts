/** The time left, against rollouts whose end is known. */
import { describe, expect, it } from 'vitest'
import { ProgressTrace } from '../../../src/rollouts/progress-trace.ts'
import { paceOf, timeLeftSeconds } from '../../../src/rollouts/time-left.ts'

/** Share of a host by the seconds since the start. */
type Curve = (seconds: number) => number

/** The time left at a moment, as the hosts' progress of every second shows it. */
function estimate(curves: readonly Curve[], atSeconds: number): number | undefined {
  const traces = curves.map(() => new ProgressTrace())
  for (let second = 0; second <= atSeconds; second++)
    curves.forEach((curve, index) => traces[index]?.add(second * 1_000, curve(second)))
  const nowMs = atSeconds * 1_000
  return timeLeftSeconds(
    traces
      .filter((_, index) => (curves[index] as Curve)(atSeconds) < 1)
      .map((trace) => ({ pace: paceOf(trace, nowMs), isStuck: false })),
  )
}

const steady =
  (seconds: number, startSeconds = 0): Curve =>
  (at) =>
    Math.min(1, Math.max(0, (at - startSeconds) / seconds))

describe('the time left', () => {
  it.each([0.25, 0.5, 0.75])('of hosts with one rate is right within a third at %s', (part) => {
    const curves = Array.from({ length: 20 }, () => steady(200))
    const left = estimate(curves, 200 * part) ?? 0
    expect(Math.abs(left - 200 * (1 - part))).toBeLessThan((200 * (1 - part)) / 3)
  })

  it('does not suffer from a slow start', () => {
    const curves = Array.from({ length: 20 }, () => steady(160, 40))
    const left = estimate(curves, 80) ?? 0
    expect(Math.abs(left - 120)).toBeLessThan(40)
  })

  it('is that of a host with a slow link, where there is one', () => {
    const curves = [...Array.from({ length: 20 }, () => steady(100)), steady(1_000)]
    expect(estimate(curves, 60)).toBeCloseTo(940, -1)
  })

  it('ignores a host that waits for a moment', () => {
    const pausing: Curve = (at) => Math.min(1, (at < 50 ? at : Math.max(50, at - 10)) / 190)
    const curves = [...Array.from({ length: 20 }, () => steady(200)), pausing]
    const left = estimate(curves, 60) ?? 0
    expect(Math.abs(left - 140)).toBeLessThan(47)
  })

  it('is not known where no host makes progress', () => {
    expect(timeLeftSeconds([])).toBeUndefined()
    expect(
      timeLeftSeconds([
        { pace: { perSecond: 0.1, meanPerSecond: 0.1, value: 0.5, steps: 9 }, isStuck: true },
      ]),
    ).toBeUndefined()
  })

  it('of a host that completes a tenth of the content at a time decreases steadily in between', () => {
    const stepwise: Curve = (at) => Math.floor(at / 10) / 10
    for (let at = 30; at < 95; at++)
      expect(Math.abs((estimate([stepwise], at) ?? 0) - (100 - at)), `after ${at} s`).toBeLessThanOrEqual(1)
  })

  it('is longer once a step does not come', () => {
    const pausing: Curve = (at) => Math.floor(Math.min(at, 50) / 10) / 10
    expect(estimate([pausing], 60)).toBeCloseTo(40, 0)
    expect(estimate([pausing], 90)).toBeGreaterThan(80)
  })

  it('of a host that has just begun is that of the others', () => {
    const beginning: Curve = (at) => (at < 59 ? 0 : 0.005)
    const curves = [...Array.from({ length: 20 }, () => steady(100)), beginning]
    expect(estimate(curves, 60)).toBeLessThan(60)
  })
})
