import { describe, expect, it } from 'vitest'
import {
  type HoldOverride,
  type Override,
  Overrides,
  readOverride,
  writeOverride,
} from '../../../src/replication/overrides.ts'

const HASH = Buffer.alloc(20, 0xab)
const HEX = 'ab'.repeat(20)

const hold = (site: string | undefined, atMs: number, isHeld = true): HoldOverride => ({
  kind: 'hold',
  infoHash: HASH,
  site,
  isHeld,
  atMs,
})

function after(...overrides: readonly Override[]): Overrides {
  const current = new Overrides()
  for (const override of overrides) current.apply(override)
  return current
}

/** The same, whichever order the overrides arrive in. */
function heldIn(site: string, overrides: readonly Override[]): boolean {
  const results = [overrides, overrides.toReversed(), [...overrides, ...overrides]].map((each) =>
    after(...each).isHeld(HASH, site),
  )
  expect(new Set(results).size).toBe(1)
  return results[0] as boolean
}

describe('overrides', () => {
  it('hold a torrent in one site or in all', () => {
    expect(heldIn('ams', [hold('ams', 1)])).toBe(true)
    expect(heldIn('fra', [hold('ams', 1)])).toBe(false)
    expect(heldIn('fra', [hold(undefined, 1)])).toBe(true)
  })

  it('release a site of a torrent that is held in all sites', () => {
    const overrides = [hold(undefined, 1), hold('ams', 2, false)]
    expect([heldIn('ams', overrides), heldIn('fra', overrides)]).toEqual([false, true])
  })

  it('release all sites, those that were held alone included', () => {
    expect(heldIn('ams', [hold('ams', 1), hold(undefined, 2, false)])).toBe(false)
  })

  it('hold all sites again after one was released', () => {
    expect(heldIn('ams', [hold(undefined, 1), hold('ams', 2, false), hold(undefined, 3)])).toBe(true)
  })

  it('forget the overrides of single sites that one of all sites replaces', () => {
    expect(after(hold('ams', 1), hold('fra', 2), hold(undefined, 3)).all).toEqual([hold(undefined, 3)])
  })

  it('have one result for two overrides of the same time', () => {
    expect(heldIn('ams', [hold('ams', 5), hold('ams', 5, false)])).toBe(true)
  })

  it('change the rate of a link, in both directions', () => {
    const current = after({ kind: 'rate', between: ['ams', 'fra'], bytesPerSecond: 0, atMs: 1 })
    expect([
      current.rateOf('fra', 'ams')?.bytesPerSecond,
      current.rateOf('ams', 'fra')?.bytesPerSecond,
    ]).toEqual([0, 0])
    expect(current.rateOf('fra', 'nyc')).toBeUndefined()
  })

  it('forget the oldest releases where there are too many, and never a hold', () => {
    const current = new Overrides()
    const at = (index: number) => {
      const infoHash = Buffer.alloc(20)
      infoHash.writeUInt32BE(index)
      return infoHash
    }
    for (let index = 0; index < 9_999; index++) current.apply({ ...hold('ams', index), infoHash: at(index) })
    const released = { ...hold('ams', 10_000, false), infoHash: at(10_000) }
    expect(current.apply(released)).toBe(true)
    expect(current.apply({ ...hold('ams', 10_001), infoHash: at(10_001) })).toBe(true)
    expect(current.like(released)).toBeUndefined()
    expect(current.apply({ ...hold('ams', 10_002), infoHash: at(10_002) })).toBe(false)
    expect(current.isHeld(at(0), 'ams')).toBe(true)
  })

  it.each<[Override, string, string]>([
    [hold('ams', 7), `hold ${HEX} ams`, '1'],
    [hold(undefined, 7, false), `hold ${HEX} *`, '0'],
    [
      { kind: 'rate', between: ['ams', 'fra'], bytesPerSecond: 25_000_000, atMs: 7 },
      'rate ams fra',
      '25000000',
    ],
    [{ kind: 'rate', between: ['ams', 'fra'], bytesPerSecond: undefined, atMs: 7 }, 'rate ams fra', '-'],
  ])('are text that is read back: %#', (override, key, value) => {
    expect(writeOverride(override)).toEqual({ key, value })
    expect(readOverride({ key, value }, 7)).toEqual(override)
  })

  it.each([
    [`hold ${HEX} ams`, '2'],
    [`hold ${HEX} ams fra`, '1'],
    [`hold ${HEX}`, '1'],
    [`hold ${HEX.slice(2)} ams`, '1'],
    [`hold ${HEX} -ams`, '1'],
    ['rate fra ams', '1'],
    ['rate ams ams', '1'],
    ['rate ams fra', '-1'],
    ['rate ams fra', '1e9'],
    ['rate ams fra', ''],
    ['other ams fra', '1'],
    ['', ''],
  ])('skip the text %j = %j', (key, value) => expect(readOverride({ key, value }, 7)).toBeUndefined())
})
