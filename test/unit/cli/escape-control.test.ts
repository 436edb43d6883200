import { describe, expect, it } from 'vitest'
import { escapeControl } from '../../../src/cli/escape-control.ts'

describe('untrusted text', () => {
  it('is unchanged where it only has letters', () => {
    expect(escapeControl('Größe 😀 (日本) ñ')).toBe('Größe 😀 (日本) ñ')
  })

  it.each([
    ['\u001b]0;owned\u0007', '\\u{1b}]0;owned\\u{7}'],
    ['a\r\nb\tc', 'a\\u{d}\\u{a}b\\u{9}c'],
    ['\u009b31m', '\\u{9b}31m'],
    ['gpj.\u202eexe', 'gpj.\\u{202e}exe'],
    ['zero\u200bwidth', 'zero\\u{200b}width'],
    ['line\u2028break', 'line\\u{2028}break'],
    ['half \ud83d', 'half \\u{d83d}'],
  ])(
    'has code points in place of characters that move the cursor or reverse the direction: %j',
    (text, shown) => {
      expect(escapeControl(text)).toBe(shown)
    },
  )

  it('is cut where it would fill the screen', () => {
    expect(escapeControl('x'.repeat(1000))).toBe('x'.repeat(1000))
    expect(escapeControl('x'.repeat(1001))).toBe(`${'x'.repeat(1000)}…`)
  })
})
