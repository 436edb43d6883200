import { describe, expect, it } from 'vitest'
import { formatByteSize } from '../../../src/cli/byte-size.ts'

describe('a size', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [434839491, '415 MiB'],
    [5490455272, '5.1 GiB'],
    [Number.MAX_SAFE_INTEGER, '8.0 PiB'],
  ])('of %i bytes is shown as %s', (bytes, shown) => {
    expect(formatByteSize(bytes)).toBe(shown)
  })
})
