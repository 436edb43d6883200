/** A search by digits finds what a search in the hexadecimal text finds. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readInfoHashDigits, startsWithDigits } from '../../../src/core/info-hash-digits.ts'

const infoHash = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => Buffer.from(bytes))
/** Parts of the infohash, which are found, and other digits, most of which are not. */
const searched = infoHash.chain((hash) =>
  fc
    .oneof(
      fc
        .tuple(fc.nat(39), fc.integer({ min: 1, max: 40 }))
        .map(([start, length]) => hash.toString('hex').slice(start, start + length)),
      fc.stringMatching(/^[0-9a-fA-F]{1,5}$/),
    )
    .map((digits) => ({ hash, digits })),
)

describe('digits of an infohash', () => {
  it('are found where its text begins with them', () => {
    fc.assert(
      fc.property(searched, ({ hash, digits }) => {
        const read = readInfoHashDigits(digits) ?? []
        const text = hash.toString('hex')
        expect(startsWithDigits(hash, read)).toBe(text.startsWith(digits.toLowerCase()))
      }),
    )
  })

  it.each(['', 'image', '0x12', 'ab'.repeat(20) + 'a'])('are not in %j', (text) => {
    expect(readInfoHashDigits(text)).toBeUndefined()
  })
})
