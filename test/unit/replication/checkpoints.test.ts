import { describe, expect, it } from 'vitest'
import { compareIds } from '../../../src/replication/redis/stream-id.ts'
import { Checkpoints } from '../../../src/replication/redis/checkpoints.ts'

const HOUR_MS = 3_600_000
const START_MS = 1_700_000_000_000
const idAt = (ms: number, sequence = 0) => `${START_MS + ms}-${sequence}`

describe('witnesses', () => {
  it('are, of a busy moment, the first entry and a few of those behind it, the last among them', () => {
    const witnesses = new Checkpoints(HOUR_MS)
    for (let ms = 0; ms <= 100; ms++) witnesses.add(idAt(ms))
    const all = witnesses.all(START_MS + 100)
    expect([all[0], all.at(-1)]).toEqual([idAt(0), idAt(100)])
    expect(all.length).toBeLessThanOrEqual(17)
  })

  it('stand ten seconds apart once somebody looked, but for the last', () => {
    const witnesses = new Checkpoints(HOUR_MS)
    for (let second = 0; second <= 25; second++) {
      witnesses.add(idAt(second * 1000))
      witnesses.looked()
    }
    expect(witnesses.all(START_MS + 25_000)).toEqual([idAt(0), idAt(10_000), idAt(20_000), idAt(25_000)])
  })

  it('a few of them are the oldest, the last that was looked for, and what came since', () => {
    const witnesses = new Checkpoints(HOUR_MS)
    for (let second = 0; second <= 25; second++) witnesses.add(idAt(second * 1000))
    witnesses.looked()
    witnesses.add(idAt(25_500))
    witnesses.add(idAt(25_600))
    expect(witnesses.few(START_MS + 26_000)).toEqual([idAt(0), idAt(25_000), idAt(25_500), idAt(25_600)])
  })

  it('go when they are nearly as old as what may be trimmed', () => {
    const witnesses = new Checkpoints(HOUR_MS)
    witnesses.add(idAt(0))
    witnesses.add(idAt(20_000))
    const youngest = START_MS + HOUR_MS * 0.9
    expect(witnesses.all(youngest)).toEqual([idAt(0), idAt(20_000)])
    expect(witnesses.all(youngest + 1)).toEqual([idAt(20_000)])
    expect(witnesses.few(youngest + 20_001)).toEqual([])
  })

  it('do not come back from before', () => {
    const witnesses = new Checkpoints(HOUR_MS)
    witnesses.add(idAt(5))
    witnesses.add(idAt(5))
    witnesses.add(idAt(4, 9))
    expect(witnesses.all(START_MS)).toEqual([idAt(5)])
  })

  it('go with the end of the log that was lost', () => {
    const witnesses = new Checkpoints(HOUR_MS)
    for (const ms of [0, 10_000, 20_000]) witnesses.add(idAt(ms))
    witnesses.forgetAfter(idAt(10_000))
    expect(witnesses.all(START_MS)).toEqual([idAt(0), idAt(10_000)])
  })
})

describe('ids of entries', () => {
  it.each([
    ['1-0', '1-1', -1],
    ['1-10', '1-9', 1],
    ['2-0', '1-99', 1],
    ['10-0', '9-0', 1],
    ['5-5', '5-5', 0],
    ['0-0', '1-0', -1],
  ])('%s and %s', (a, b, sign) => {
    expect(Math.sign(compareIds(a, b))).toBe(sign)
  })
})
