import { describe, expect, it } from 'vitest'
import { formatByteSize, printable } from '../../../src/cli/printable.ts'

describe('text that a stranger wrote', () => {
  it('is shown as it is where it only has letters', () => {
    expect(printable('Größe 😀 (日本) ñ')).toBe('Größe 😀 (日本) ñ')
  })

  it.each([
    ['\u001b]0;owned\u0007', '\\u{1b}]0;owned\\u{7}'],
    ['a\r\nb\tc', 'a\\u{d}\\u{a}b\\u{9}c'],
    ['\u009b31m', '\\u{9b}31m'],
    ['gpj.\u202eexe', 'gpj.\\u{202e}exe'],
    ['zero\u200bwidth', 'zero\\u{200b}width'],
    ['line\u2028break', 'line\\u{2028}break'],
    ['half \ud83d', 'half \\u{d83d}'],
  ])('is shown without what moves the cursor or turns the direction: %j', (text, shown) => {
    expect(printable(text)).toBe(shown)
  })

  it('is cut where it would fill the screen', () => {
    expect(printable('x'.repeat(1000))).toBe('x'.repeat(1000))
    expect(printable('x'.repeat(1001))).toBe(`${'x'.repeat(1000)}…`)
  })
})

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
