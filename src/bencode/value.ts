/**
 * Iterates over the entries of a dictionary and the items of a list in bencoding that was scanned before.
 *
 * Values stay positions in the buffer; only requested leaves are decoded. The iterators read one level and skip the
 * levels below. They require bytes that a scanner has validated.
 */
import { assert } from '../core/assert.ts'
import { BencodeScanner } from './scanner.ts'

export interface BencodeValue {
  readonly kind: 'integer' | 'string' | 'list' | 'dictionary'
  readonly start: number
  /** First byte of a string's content or of an integer's digits. */
  readonly contentStart: number
  readonly end: number
}

export interface BencodeEntry {
  /** First byte of the length of the key: an entry is `bytes[start … value.end)`. */
  readonly start: number
  /** The bytes of the key, shared with the buffer. */
  readonly key: Buffer
  readonly value: BencodeValue
}

/** The entries of the dictionary at `start`, in the order of the file, duplicates included. */
export function* dictionaryEntries(bytes: Buffer, start: number): Generator<BencodeEntry> {
  const scanner = new BencodeScanner(bytes, 'scanned bytes', start)
  assert(scanner.next() === 'dictionary', 'only a dictionary has entries')
  while (scanner.next() === 'key') {
    const entryStart = scanner.start
    const key = bytes.subarray(scanner.contentStart, scanner.end)
    scanner.next()
    yield { start: entryStart, key, value: currentValue(scanner) }
  }
}

/** The items of the list at `start`. */
export function* listItems(bytes: Buffer, start: number): Generator<BencodeValue> {
  const scanner = new BencodeScanner(bytes, 'scanned bytes', start)
  assert(scanner.next() === 'list', 'only a list has items')
  while (scanner.next() !== 'end') yield currentValue(scanner)
}

/** The value that begins at the scanner's token. Leaves the scanner at the end of the value. */
export function currentValue(scanner: BencodeScanner): BencodeValue {
  const { token, start, contentStart } = scanner
  assert(token !== 'key' && token !== 'end', 'a value begins here')
  scanner.skip()
  return { kind: token, start, contentStart, end: scanner.end }
}

/**
 * A string as UTF-8, for people. Invalid bytes become U+FFFD, and text beyond `bytesMax` becomes an ellipsis: a name
 * of a hundred megabytes is not copied for each of ten thousand files. undefined where the value is not a string.
 */
export function textOf(
  bytes: Buffer,
  value: BencodeValue | undefined,
  bytesMax = TEXT_BYTES_MAX,
): string | undefined {
  if (value?.kind !== 'string') return undefined
  const { contentStart, end } = value
  if (end - contentStart <= bytesMax) return bytes.toString('utf8', contentStart, end)
  return `${bytes.toString('utf8', contentStart, contentStart + bytesMax)}…`
}

/** The first bytes of a string, one character per byte. undefined where the value is not a string. */
export function latin1Of(
  bytes: Buffer,
  value: BencodeValue | undefined,
  bytesMax: number,
): string | undefined {
  if (value?.kind !== 'string') return undefined
  return bytes.toString('latin1', value.contentStart, Math.min(value.end, value.contentStart + bytesMax))
}

/** The longest comments in use have several pages; HTTP servers refuse URLs that are much shorter than this. */
const TEXT_BYTES_MAX = 65_536

/** An integer up to 2^53-1. undefined where it is larger, because rounding falsifies it, or not an integer. */
export function integerOf(bytes: Buffer, value: BencodeValue | undefined): number | undefined {
  if (value?.kind !== 'integer' || value.end - value.contentStart > INTEGER_DIGITS_MAX) return undefined
  const integer = Number(bytes.toString('latin1', value.contentStart, value.end - 1))
  return Number.isSafeInteger(integer) ? integer : undefined
}

/** More than 2^53 needs; a number with hundreds of leading zeros is not decoded. */
const INTEGER_DIGITS_MAX = 40
