/** Guessing of admin tokens: each wrong one delays the next answer, and one source cannot try many at once. */
import { describe, expect, it } from 'vitest'
import type { Address } from '../../../../src/core/address.ts'
import type { Log } from '../../../../src/core/log.ts'
import { WrongTokens } from '../../../../src/server/admin/wrong-tokens.ts'
import { at } from '../../../a-tracker.ts'

function wrongTokens() {
  let nowMs = 0
  const sleeps: { readonly delayMs: number; readonly wake: () => void }[] = []
  const warnings: unknown[] = []
  const log: Log = { debug() {}, info() {}, warn: (fields) => void warnings.push(fields), error() {} }
  const tokens = new WrongTokens({
    log,
    elapsedMs: () => nowMs,
    sleep: (delayMs) => new Promise<void>((wake) => sleeps.push({ delayMs, wake })),
  })
  return {
    tokens,
    sleeps,
    warnings,
    advanceMs: (byMs: number) => (nowMs += byMs),
    isRefused: (from: Address) => {
      try {
        tokens.refuseIfTooMany(from)
        return false
      } catch {
        return true
      }
    },
    /** A wrong token whose delay ends at once. */
    async wrong(from: Address) {
      const recorded = tokens.record(from)
      sleeps.at(-1)?.wake()
      await recorded
      return sleeps.at(-1)?.delayMs
    },
  }
}

describe('a wrong token', () => {
  it('delays its answer, twice as long each time, up to five seconds', async () => {
    const { wrong } = wrongTokens()
    const delays = []
    for (let count = 0; count < 8; count++) delays.push(await wrong(at('10.0.0.1')))
    expect(delays).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
  })

  it('does not delay other sources, and a /64 is one source', async () => {
    const { wrong } = wrongTokens()
    for (let count = 0; count < 5; count++) await wrong(at('fd00:1::1'))
    expect(await wrong(at('10.0.0.1'))).toBe(100)
    expect(await wrong(at('fd00:1::ffff'))).toBe(3_200)
    expect(await wrong(at('fd00:1:0:1::1'))).toBe(100)
  })

  it('is forgotten a quarter of an hour after the last one', async () => {
    const { wrong, advanceMs } = wrongTokens()
    for (let count = 0; count < 5; count++) await wrong(at('10.0.0.1'))
    advanceMs(899_999)
    expect(await wrong(at('10.0.0.1'))).toBe(3_200)
    advanceMs(900_000)
    expect(await wrong(at('10.0.0.1'))).toBe(100)
  })

  it('is logged once a minute for each source, with the number so far, and counted', async () => {
    const { wrong, warnings, advanceMs, tokens } = wrongTokens()
    for (let count = 0; count < 300; count++) await wrong(at('10.0.0.1'))
    await wrong(at('10.0.0.2'))
    advanceMs(60_000)
    await wrong(at('10.0.0.1'))
    expect(warnings).toEqual([
      { event: 'admin-token-wrong', from: '10.0.0.1', count: 1 },
      { event: 'admin-token-wrong', from: '10.0.0.2', count: 1 },
      { event: 'admin-token-wrong', from: '10.0.0.1', count: 301 },
    ])
    expect(tokens.total).toBe(302)
  })
})

describe('requests of one source', () => {
  it('are rejected before the comparison while eight wrong tokens wait, and not with seven', async () => {
    const { tokens, sleeps, isRefused } = wrongTokens()
    const waiting = Array.from({ length: 7 }, () => tokens.record(at('10.0.0.1')))
    expect(isRefused(at('10.0.0.1'))).toBe(false)
    waiting.push(tokens.record(at('10.0.0.1')))
    expect([isRefused(at('10.0.0.1')), isRefused(at('10.0.0.2'))]).toEqual([true, false])
    for (const { wake } of sleeps) wake()
    await Promise.all(waiting)
    expect(isRefused(at('10.0.0.1'))).toBe(false)
  })

  it('are kept for ten thousand sources; the one with the oldest wrong token is dropped', async () => {
    const { wrong } = wrongTokens()
    await wrong(at('10.0.0.1'))
    await wrong(at('10.0.0.2'))
    for (let number = 0; number < 9_999; number++) await wrong(at(`10.1.${number >> 8}.${number & 255}`))
    expect(await wrong(at('10.0.0.2'))).toBe(200)
    expect(await wrong(at('10.0.0.1'))).toBe(100)
  })
})
