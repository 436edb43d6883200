/**
 * A strict reader of bencoding (BEP 3) that returns positions instead of values.
 *
 * The rewriter copies what it does not own byte for byte, because a decoded and re-encoded `info` has another hash.
 * The scanner therefore reports where each token begins and ends, and decodes nothing.
 *
 * It is a pull parser: one token per call, no object per value. A file of a hundred megabytes that is one string, or
 * fifty million empty lists, costs its own size and a frame per open container. Nesting is counted, never recursed.
 */
import { InputError } from '../core/errors.ts'
import type { EncodingProblemKind } from './encoding-problem.ts'

/*
  value      => integer | string | list | dictionary
  integer    => 'i' ['-'] digit… 'e'
  string     => digit… ':' byte…          the digits say how many bytes
  list       => 'l' value… 'e'
  dictionary => 'd' (string value)… 'e'   keys sorted as bytes, each once
*/

/** `key` is a string in a dictionary's key position; `end` closes the innermost list or dictionary. */
export type BencodeToken = 'integer' | 'string' | 'key' | 'list' | 'dictionary' | 'end'

/** libtorrent 2.0.8 stops at 99, so hardly any client opens a file that nests deeper. */
export const NESTING_MAX = 100

/**
 * Limit on the keys of all dictionaries that are open at one time: a key is kept until its dictionary ends, for the
 * search for duplicates. Nested dictionaries count together, otherwise a hundred of them would hold gigabytes.
 * libtorrent stops at three million values in a whole file.
 */
export const KEYS_HELD_MAX = 1_000_000

export class BencodeScanner {
  /** The token that `next` returned. */
  token: BencodeToken = 'end'
  /** Its first byte. */
  start: number
  /** First byte after the `i` or the `:`; `start` for the others. */
  contentStart: number
  /** The byte after it, a container's opening letter included and its content not. */
  end: number

  readonly bytes: Buffer
  readonly #source: string
  readonly #onProblem: (kind: EncodingProblemKind, offset: number) => void
  readonly #open: Container[] = []
  #keysHeld = 0
  #isStarted = false

  /** Reads the value at `start`. `source` names the file in errors; `onProblem` is called for each encoding problem. */
  constructor(
    bytes: Buffer,
    source: string,
    start = 0,
    onProblem: (kind: EncodingProblemKind, offset: number) => void = () => undefined,
  ) {
    this.bytes = bytes
    this.#source = source
    this.#onProblem = onProblem
    this.start = start
    this.contentStart = start
    this.end = start
  }

  /** Moves to the next token; undefined after the end of the value. Throws an `InputError` with the offset. */
  next(): BencodeToken | undefined {
    const container = this.#open.at(-1)
    if (container === undefined && this.#isStarted) return undefined
    this.#isStarted = true
    this.start = this.end
    const byte = this.bytes[this.start]
    if (byte === undefined) this.#refuse(this.start, 'the data ends here', CUT_SHORT)

    if (container !== undefined && byte === LETTER_E) this.#close(container)
    else if (container?.expectsKey === true) this.#readKey(container, byte)
    else {
      if (container?.expectsKey === false) container.expectsKey = true
      if (byte === LETTER_I) this.#readInteger()
      else if (byte === LETTER_L) this.#enter('list')
      else if (byte === LETTER_D) this.#enter('dictionary')
      else if (isDigit(byte)) this.#readString('string')
      else this.#refuse(this.start, `no value begins with ${showByte(byte)}`, NOT_BENCODING)
    }
    return this.token
  }

  /** Moves from the first token of a value to its last; `end` is then the byte after the value. */
  skip(): void {
    if (this.token !== 'list' && this.token !== 'dictionary') return
    const depth = this.#open.length
    while (this.#open.length >= depth) this.next()
  }

  #close(container: Container): void {
    if (container.expectsKey === false) {
      this.#refuse(this.start, 'a dictionary ends after a key that has no value', NOT_BENCODING)
    }
    if (container.mayRepeat) this.#reportDuplicates(container.keys)
    this.#keysHeld -= container.keys.length / KEY_FIELDS
    this.#open.pop()
    this.token = 'end'
    this.contentStart = this.start
    this.end = this.start + 1
  }

  #enter(token: 'list' | 'dictionary'): void {
    if (this.#open.length === NESTING_MAX) {
      this.#refuse(
        this.start,
        `lists and dictionaries are nested more than ${NESTING_MAX} deep`,
        NOT_BENCODING,
      )
    }
    const expectsKey = token === 'dictionary' ? true : undefined
    this.#open.push({ expectsKey, keys: [], mayRepeat: false })
    this.token = token
    this.contentStart = this.start
    this.end = this.start + 1
  }

  #readKey(container: Container, byte: number): void {
    if (!isDigit(byte)) {
      this.#refuse(
        this.start,
        `a dictionary key must be a string, and none begins with ${showByte(byte)}`,
        NOT_BENCODING,
      )
    }
    this.#readString('key')
    container.expectsKey = false

    const { keys } = container
    if (this.#keysHeld === KEYS_HELD_MAX) {
      this.#refuse(
        this.start,
        `a dictionary and those around it have more than ${KEYS_HELD_MAX} keys`,
        NOT_BENCODING,
      )
    }
    this.#keysHeld++
    if (keys.length > 0) {
      const lastStart = keys.at(-2) as number
      const lastEnd = keys.at(-1) as number
      const order = this.bytes.compare(this.bytes, this.contentStart, this.end, lastStart, lastEnd)
      if (order > 0) this.#onProblem('key-unsorted', this.start)
      // Ascending keys cannot repeat, so only the others are searched, once the dictionary is complete.
      if (order >= 0) container.mayRepeat = true
    }
    keys.push(this.start, this.contentStart, this.end)
  }

  #readString(token: 'string' | 'key'): void {
    const { bytes } = this
    let at = this.start
    let length = 0
    for (;;) {
      const byte = bytes[at]
      if (byte === undefined) this.#refuse(at, 'the data ends inside the length of a string', CUT_SHORT)
      if (byte === COLON) break
      if (!isDigit(byte)) {
        this.#refuse(at, `the length of a string contains ${showByte(byte)}`, NOT_BENCODING)
      }
      length = length * 10 + (byte - DIGIT_0)
      // Checked at each digit, so a length of a thousand digits never becomes Infinity.
      if (length > bytes.length) {
        this.#refuse(this.start, 'a string is longer than the file that it is in', CUT_SHORT)
      }
      at++
    }
    const left = bytes.length - (at + 1)
    if (length > left) {
      this.#refuse(this.start, `a string of ${length} bytes begins here, and only ${left} follow`, CUT_SHORT)
    }
    if (bytes[this.start] === DIGIT_0 && at - this.start > 1)
      this.#onProblem('length-leading-zero', this.start)
    this.token = token
    this.contentStart = at + 1
    this.end = this.contentStart + length
  }

  #readInteger(): void {
    const { bytes } = this
    const isNegative = bytes[this.start + 1] === MINUS
    const digitsStart = this.start + (isNegative ? 2 : 1)
    let at = digitsStart
    while (isDigit(bytes[at])) at++
    const byte = bytes[at]
    if (byte === undefined) this.#refuse(at, 'the data ends inside an integer', CUT_SHORT)
    if (byte !== LETTER_E) this.#refuse(at, `an integer contains ${showByte(byte)}`, NOT_BENCODING)
    if (at === digitsStart) this.#refuse(this.start, 'an integer has no digits', NOT_BENCODING)

    if (bytes[digitsStart] === DIGIT_0) {
      if (at - digitsStart > 1) this.#onProblem('integer-leading-zero', this.start)
      else if (isNegative) this.#onProblem('integer-minus-zero', this.start)
    } else if (isTooLarge(bytes.subarray(digitsStart, at), isNegative))
      this.#onProblem('integer-too-large', this.start)
    this.token = 'integer'
    this.contentStart = this.start + 1
    this.end = at + 1
  }

  #reportDuplicates(keys: readonly number[]): void {
    const { bytes } = this
    const field = (key: number, index: number) => keys[key * KEY_FIELDS + index] as number
    const compare = (left: number, right: number) =>
      bytes.compare(bytes, field(right, 1), field(right, 2), field(left, 1), field(left, 2))

    const sorted = Array.from({ length: keys.length / KEY_FIELDS }, (_, key) => key)
    // The sort is stable: equal keys stay in file order.
    sorted.sort(compare)
    for (let index = 1; index < sorted.length; index++) {
      const key = sorted[index] as number
      if (compare(sorted[index - 1] as number, key) === 0) this.#onProblem('key-duplicate', field(key, 0))
    }
  }

  #refuse(offset: number, what: string, whatToDo: string): never {
    throw new InputError(`${this.#source}, byte ${offset}: ${what}; ${whatToDo}`)
  }
}

interface Container {
  /** Whether a dictionary is at a key rather than at its value; undefined in a list. */
  expectsKey: boolean | undefined
  /** Three numbers per key: its first byte, the first byte of its content, the byte after it. */
  readonly keys: number[]
  /** A key did not sort after the previous one. */
  mayRepeat: boolean
}

const KEY_FIELDS = 3

const CUT_SHORT = 'the file is cut short, fetch it again'
const NOT_BENCODING = 'no client reads such a torrent, make or fetch it again'

const LETTER_D = 0x64
const LETTER_E = 0x65
const LETTER_I = 0x69
const LETTER_L = 0x6c
const MINUS = 0x2d
const COLON = 0x3a
const DIGIT_0 = 0x30

/** 2^63 - 1 and 2^63: the limits of a signed integer of 64 bits. */
const LARGEST = Buffer.from('9223372036854775807')
const SMALLEST = Buffer.from('9223372036854775808')

function isTooLarge(digits: Buffer, isNegative: boolean): boolean {
  const limit = isNegative ? SMALLEST : LARGEST
  return digits.length === limit.length ? digits.compare(limit) > 0 : digits.length > limit.length
}

function isDigit(byte: number | undefined): byte is number {
  return byte !== undefined && byte >= DIGIT_0 && byte <= DIGIT_0 + 9
}

function showByte(byte: number): string {
  const hex = `0x${byte.toString(16).padStart(2, '0')}`
  return byte > 0x20 && byte < 0x7f ? `"${String.fromCharCode(byte)}" (${hex})` : hex
}
