/** The addresses and the period for which a connection id is valid. */
import { describe, expect, it } from 'vitest'
import { Address } from '../../../src/core/address.ts'
import { ManualClock } from '../../../src/core/clock.ts'
import { ConnectionIds } from '../../../src/wire/udp/connection-id.ts'
import { at } from '../../a-tracker.ts'

const SECRET = Buffer.alloc(32, 'secret')
/** The first millisecond of a minute. */
const MINUTE_MS = 1_700_000_040_000

describe('a connection id', () => {
  it('is valid only for the address to which it was sent', () => {
    const ids = new ConnectionIds(SECRET, new ManualClock())
    const id = ids.issue(at('10.1.1.1'))
    expect(ids.verify(id, at('10.1.1.1'))).toBe(true)
    expect(ids.verify(id, at('10.1.1.2'))).toBe(false)
    expect(ids.verify(id, at('fd00::a01:101'))).toBe(false)
  })

  it.each([0, 3, 4, 7])('is invalid with another byte %i', (index) => {
    const ids = new ConnectionIds(SECRET, new ManualClock())
    const id = ids.issue(at('10.1.1.1'))
    id[index] = (id[index] ?? 0) ^ 1
    expect(ids.verify(id, at('10.1.1.1'))).toBe(false)
  })

  it('of another node is valid with the same secret and invalid with another', () => {
    const clock = new ManualClock()
    const id = new ConnectionIds(SECRET, clock).issue(at('10.1.1.1'))
    expect(new ConnectionIds(SECRET, clock).verify(id, at('10.1.1.1'))).toBe(true)
    expect(new ConnectionIds(Buffer.alloc(32, 'other'), clock).verify(id, at('10.1.1.1'))).toBe(false)
  })

  it('that was proven is valid for no other address, and in no other form', () => {
    const ids = new ConnectionIds(SECRET, new ManualClock())
    const id = ids.issue(at('10.1.1.1'))
    expect(ids.verify(id, at('10.1.1.1'))).toBe(true)
    expect(ids.verify(id, at('10.1.1.1'))).toBe(true)
    expect(ids.verify(id, at('10.1.1.2'))).toBe(false)
    expect(ids.verify(id, at('::10.1.1.1'))).toBe(false)
    for (let index = 0; index < 8; index++) {
      const forged = Buffer.from(id)
      forged[index] = (forged[index] ?? 0) ^ 0x80
      expect(ids.verify(forged, at('10.1.1.1'))).toBe(false)
    }
  })

  it('of zeros is never valid', () => {
    const ids = new ConnectionIds(SECRET, new ManualClock(0))
    expect(ids.verify(Buffer.alloc(8), at('::'))).toBe(false)
  })

  it('is valid again after those of many other clients, and each of them only for its own', () => {
    const ids = new ConnectionIds(SECRET, new ManualClock())
    const addresses = Array.from({ length: 20_000 }, (_, index) => Address.v4(0x0a000000 + index))
    const issued = addresses.map((address) => ids.issue(address))
    for (let round = 0; round < 2; round++)
      for (const [index, address] of addresses.entries()) {
        expect(ids.verify(issued[index] as Buffer, address)).toBe(true)
        expect(ids.verify(issued[index] as Buffer, addresses[index ^ 1] as Address)).toBe(false)
      }
  })

  it.each([
    ['at the beginning of a minute', 0, 239_999],
    ['at the end of a minute', 59_999, 180_000],
  ])('issued %s is valid until the third minute after that one ends', (_when, givenMs, livesMs) => {
    const clock = new ManualClock(MINUTE_MS + givenMs)
    const ids = new ConnectionIds(SECRET, clock)
    const id = ids.issue(at('10.1.1.1'))
    // The proof does not prolong it.
    expect(ids.verify(id, at('10.1.1.1'))).toBe(true)
    clock.advanceMs(livesMs)
    expect(ids.verify(id, at('10.1.1.1'))).toBe(true)
    clock.advanceMs(1)
    expect(ids.verify(id, at('10.1.1.1'))).toBe(false)
  })
})
