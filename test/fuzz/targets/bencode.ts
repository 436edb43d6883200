/** Bencoding. */
import { ok, strictEqual } from 'node:assert'
import { BencodeScanner, NESTING_MAX } from '../../../src/bencode/scanner.ts'
import { currentValue, dictionaryEntries, integerOf, listItems, textOf } from '../../../src/bencode/value.ts'
import { InputError } from '../../../src/core/errors.ts'
import { type FuzzTarget, unlessRejected } from '../fuzz-target.ts'

export const bencode: FuzzTarget = {
  name: 'bencode',
  bytesMax: 4_096,
  tokens: [
    'd',
    'l',
    'e',
    'i',
    'i0e',
    'i-0e',
    '0:',
    '1:a',
    'de',
    'le',
    '1:ai1e',
    'i99999999999999999999e',
    '3:abc',
    ':',
  ],
  examples: [
    'd1:ai1e1:bl2:xyi-5eee',
    `${'l'.repeat(NESTING_MAX)}${'e'.repeat(NESTING_MAX)}`,
    'd1:bi1e1:ai01e1:ai1ee',
    '007:abcdefg',
  ],
  read(input) {
    const walked = unlessRejected(InputError, () => walk(input))
    const skipped = unlessRejected(InputError, () => {
      const scanner = new BencodeScanner(input, 'the input')
      scanner.next()
      return currentValue(scanner)
    })
    strictEqual(skipped?.end, walked)
    if (skipped === undefined) return
    textOf(input, skipped)
    integerOf(input, skipped)
    let end = skipped.start + 1
    if (skipped.kind === 'dictionary')
      for (const { start, value } of dictionaryEntries(input, skipped.start)) {
        strictEqual(start, end)
        end = value.end
      }
    if (skipped.kind === 'list')
      for (const { start, end: itemEnd } of listItems(input, skipped.start)) {
        strictEqual(start, end)
        end = itemEnd
      }
    if (skipped.kind === 'dictionary' || skipped.kind === 'list') strictEqual(skipped.end, end + 1)
  },
}

/** Every token follows the previous one without a gap. Returns the end. */
function walk(input: Buffer): number {
  const scanner = new BencodeScanner(input, 'the input', 0, (_kind, offset) =>
    ok(offset >= 0 && offset < input.length),
  )
  let end = 0
  while (scanner.next() !== undefined) {
    strictEqual(scanner.start, end)
    ok(scanner.contentStart >= scanner.start && scanner.end >= scanner.contentStart)
    ok(scanner.end > scanner.start && scanner.end <= input.length)
    end = scanner.end
  }
  return end
}
