import { describe, expect, it } from 'vitest'
import { compareIds } from '../../../src/replication/redis/stream-id.ts'
import { Checkpoints } from '../../../src/replication/redis/checkpoints.ts'

const HOUR_MS = 3_600_000
const START_MS = 1_700_000_000_000
const idAt = (ms: number, sequence = 0) => `${START_MS + ms}-${sequence}`

describe('checkpoints', () => {
  it('are, of a busy moment, the first entry and a few after it, including the last', () => {
    const checkpoints = new Checkpoints(HOUR_MS)
    for (let ms = 0; ms <= 100; ms++) checkpoints.note(idAt(ms))
    const all = checkpoints.all(START_MS + 100)
    expect([all[0], all.at(-1)]).toEqual([idAt(0), idAt(100)])
    expect(all.length).toBeLessThanOrEqual(17)
  })

  it('are ten seconds apart after a poll, except for the last', () => {
    const checkpoints = new Checkpoints(HOUR_MS)
    for (let second = 0; second <= 25; second++) {
      checkpoints.note(idAt(second * 1000))
      checkpoints.polled()
    }
    expect(checkpoints.all(START_MS + 25_000)).toEqual([idAt(0), idAt(10_000), idAt(20_000), idAt(25_000)])
  })

  it('of a poll are the oldest, the last one of the previous poll, and those since then', () => {
    const checkpoints = new Checkpoints(HOUR_MS)
    for (let second = 0; second <= 25; second++) checkpoints.note(idAt(second * 1000))
    checkpoints.polled()
    checkpoints.note(idAt(25_500))
    checkpoints.note(idAt(25_600))
    expect(checkpoints.oldestAndRecent(START_MS + 26_000)).toEqual([
      idAt(0),
      idAt(25_000),
      idAt(25_500),
      idAt(25_600),
    ])
  })

  it('are dropped before they reach the age at which entries are trimmed', () => {
    const checkpoints = new Checkpoints(HOUR_MS)
    checkpoints.note(idAt(0))
    checkpoints.note(idAt(20_000))
    const youngest = START_MS + HOUR_MS * 0.9
    expect(checkpoints.all(youngest)).toEqual([idAt(0), idAt(20_000)])
    expect(checkpoints.all(youngest + 1)).toEqual([idAt(20_000)])
    expect(checkpoints.oldestAndRecent(youngest + 20_001)).toEqual([])
  })

  it('ignore ids that are not newer than the last one', () => {
    const checkpoints = new Checkpoints(HOUR_MS)
    checkpoints.note(idAt(5))
    checkpoints.note(idAt(5))
    checkpoints.note(idAt(4, 9))
    expect(checkpoints.all(START_MS)).toEqual([idAt(5)])
  })

  it('are dropped with the lost end of the log', () => {
    const checkpoints = new Checkpoints(HOUR_MS)
    for (const ms of [0, 10_000, 20_000]) checkpoints.note(idAt(ms))
    checkpoints.dropAfter(idAt(10_000))
    expect(checkpoints.all(START_MS)).toEqual([idAt(0), idAt(10_000)])
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
