import { describe, expect, test } from 'vitest'
import { SWARMS_MAX } from '../../../src/core/limits.ts'
import { CLIENT_CODE_MAX, LINK_COUNT_MAX, PeerRows } from '../../../src/swarm/peer-rows.ts'
import { ROWS_MAX } from '../../../src/swarm/row-index.ts'
import { at } from '../../a-tracker.ts'

const START_MS = Date.UTC(2026, 0, 1)
const LARGEST_BLOCK = 2 * ROWS_MAX

const aRow = (rows: PeerRows) => rows.allocate(at('127.1.1.1'), 6881, SWARMS_MAX - 1)

test('values that share a word do not change each other', () => {
  const rows = new PeerRows()
  const row = aRow(rows)
  rows.setLastSeen(row, START_MS, 3_600)
  rows.clearStallAge(row)
  rows.setLastSeen(row, START_MS + 524_286, 3_600)
  rows.setClientCode(row, CLIENT_CODE_MAX)
  rows.setNext(row, ROWS_MAX)
  rows.setPrevious(row, ROWS_MAX - 1)
  rows.setLinks(row, LARGEST_BLOCK, LINK_COUNT_MAX)
  const values = () => ({
    swarm: rows.swarm(row),
    code: rows.clientCode(row),
    next: rows.next(row),
    previous: rows.previous(row),
    block: rows.linksBlock(row),
    links: rows.linkCount(row),
    stallAgeMs: rows.stallAgeMs(row, START_MS + 524_286),
  })
  expect(values()).toEqual({
    swarm: 999_999,
    code: 4_095,
    next: 16_777_214,
    previous: 16_777_213,
    block: 33_554_428,
    links: 15,
    stallAgeMs: 524_286,
  })
  rows.clearStallAge(row)
  rows.setClientCode(row, 1)
  rows.setNext(row, 0)
  rows.setLinks(row, 1, 0)
  expect(values()).toEqual({
    swarm: 999_999,
    code: 1,
    next: 0,
    previous: 16_777_213,
    block: 1,
    links: 0,
    stallAgeMs: 0,
  })
})

test('a row that is used again has nothing of the peer before', () => {
  const rows = new PeerRows()
  const row = aRow(rows)
  rows.setClientCode(row, 7)
  rows.setLinks(row, 3, 2)
  rows.release(row)
  expect(rows.isLive(row)).toBe(false)
  expect(aRow(rows)).toBe(row)
  expect([rows.clientCode(row), rows.linksBlock(row), rows.linkCount(row)]).toEqual([0, 0, 0])
})

describe('the time since the last progress', () => {
  test('is exact over any number of announces, also where the low 32 bits of the clock begin again', () => {
    const rows = new PeerRows()
    const row = aRow(rows)
    const wrapMs = Math.ceil(START_MS / 2 ** 32) * 2 ** 32
    rows.setLastSeen(row, wrapMs - 1_001, 3_600)
    rows.clearStallAge(row)
    for (const atMs of [wrapMs - 1_000, wrapMs - 1, wrapMs, wrapMs + 777]) rows.setLastSeen(row, atMs, 3_600)
    expect(rows.stallAgeMs(row, wrapMs + 1_000)).toBe(2_001)
  })

  test('is unlimited after nine minutes, and ends with progress', () => {
    const rows = new PeerRows()
    const row = aRow(rows)
    rows.setLastSeen(row, START_MS, 3_600)
    rows.clearStallAge(row)
    expect(rows.stallAgeMs(row, START_MS + 524_286)).toBe(524_286)
    expect(rows.stallAgeMs(row, START_MS + 524_287)).toBe(Number.POSITIVE_INFINITY)
    rows.setLastSeen(row, START_MS + 600_000, 3_600)
    expect(rows.stallAgeMs(row, START_MS + 600_001)).toBe(Number.POSITIVE_INFINITY)
    rows.clearStallAge(row)
    expect(rows.stallAgeMs(row, START_MS + 600_001)).toBe(1)
  })

  test('does not change when the clock is set', () => {
    const rows = new PeerRows()
    const row = aRow(rows)
    rows.setLastSeen(row, START_MS, 3_600)
    rows.clearStallAge(row)
    rows.setLastSeen(row, START_MS + 5_000, 3_600)
    rows.shiftTime(-3_600_000)
    expect(rows.stallAgeMs(row, START_MS + 5_000 - 3_600_000)).toBe(5_000)
  })
})
