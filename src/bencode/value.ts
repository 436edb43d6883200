/**
 * Walks bencoding that was scanned before: where the entries of a dictionary and the items of a list are.
 *
 * Values stay positions in the buffer; only the leaves that somebody wants to see are decoded. The walkers read one
 * level and step over what is below it. They expect bytes that a scanner has been through.
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

/** The value at the scanner's token, which must begin one. Leaves the scanner at its end. */
export function currentValue(scanner: BencodeScanner): BencodeValue {
  const { token, start, contentStart } = scanner
  assert(token !== 'key' && token !== 'end', 'a value begins here')
  scanner.skip()
  return { kind: token, start, contentStart, end: scanner.end }
}

/**
 * A string as UTF-8, for people; bytes that are none become U+FFFD, and what is longer than anybody reads ends in
 * an ellipsis: a name of a hundred megabytes is not copied for each of ten thousand files. undefined where it is
 * no string.
 */
export function textOf(
  bytes: Buffer,
  value: BencodeValue | undefined,
  bytesMax = TEXT_BYTES_MAX,
): string | undefined {
  return value?.kind === 'string' ? textAt(bytes, value, bytesMax) : undefined
}

/** The same for the content between two places, such as a key. */
export function textAt(
  bytes: Buffer,
  place: Pick<BencodeValue, 'contentStart' | 'end'>,
  bytesMax = TEXT_BYTES_MAX,
): string {
  const { contentStart, end } = place
  if (end - contentStart <= bytesMax) return bytes.toString('utf8', contentStart, end)
  return `${bytes.toString('utf8', contentStart, contentStart + bytesMax)}…`
}

/** The longest comments in use are some pages; an HTTP client gives up on URLs long before. */
const TEXT_BYTES_MAX = 65_536

/** An integer up to 2^53-1. undefined where it is larger, or no integer: a rounded number would be a lie. */
export function integerOf(bytes: Buffer, value: BencodeValue | undefined): number | undefined {
  if (value?.kind !== 'integer' || value.end - value.contentStart > INTEGER_DIGITS_MAX) return undefined
  const integer = Number(bytes.toString('latin1', value.contentStart, value.end - 1))
  return Number.isSafeInteger(integer) ? integer : undefined
}

/** More than 2^53 needs; a number with hundreds of leading zeros is not worth reading. */
const INTEGER_DIGITS_MAX = 40
