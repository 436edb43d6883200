/**
 * Reads the query of a request target parameter by parameter, as bytes, and escapes bytes as a value.
 *
 * A parser of its own, because `info_hash`, `peer_id` and `key` are raw bytes: Fastify's parser leaves them undecoded
 * where they are not valid UTF-8, `URLSearchParams` and `querystring` replace them with U+FFFD, and
 * `decodeURIComponent` throws. It is also on the announce path and must not allocate: only requested values are
 * copied.
 *
 * `+` stays `+`: no client encodes a space that way, and 0x2B occurs in hashes. Names are compared without decoding;
 * no client escapes them.
 *
 * A client appends `?info_hash=…` to an announce URL that has a query already (`/announce?pk=abc`): this second question
 * mark separates parameters as `&` does. Any other one is part of its value.
 */

const PERCENT = 37
const AMPERSAND = 38

export class QueryCursor {
  readonly #target: string
  #nameStart = 0
  #nameEnd = 0
  #valueStart = 0
  #valueEnd: number
  /** Index of a question mark that separates parameters; -1 if there is none. */
  readonly #secondQuery: number

  /** `target` is the raw request target, also in absolute form (`http://host/announce?…`). */
  constructor(target: string) {
    this.#target = target
    const questionMark = target.indexOf('?')
    // The first call of `next` starts one after the end of the previous parameter.
    this.#valueEnd = questionMark < 0 ? target.length : questionMark
    this.#secondQuery = questionMark < 0 ? -1 : target.indexOf('?info_hash=', questionMark + 1)
  }

  /** Moves to the next parameter; false when there is none. Empty ones (`&&`) are skipped. */
  next(): boolean {
    const target = this.#target
    let start = this.#valueEnd + 1
    while (start < target.length && target.charCodeAt(start) === AMPERSAND) start++
    if (start >= target.length) return false

    let end = target.indexOf('&', start)
    if (end < 0) end = target.length
    if (start <= this.#secondQuery && this.#secondQuery < end) end = this.#secondQuery
    let equals = target.indexOf('=', start)
    if (equals < 0 || equals > end) equals = end
    this.#nameStart = start
    this.#nameEnd = equals
    this.#valueStart = equals < end ? equals + 1 : end
    this.#valueEnd = end
    return true
  }

  get name(): string {
    return this.#target.slice(this.#nameStart, this.#nameEnd)
  }

  /** The decoded value; undefined where an escape is broken or the value has more than `bytesMax` bytes. */
  bytes(bytesMax: number): Buffer | undefined {
    const target = this.#target
    const end = this.#valueEnd
    // Each byte takes at least one character, so this suffices, and it is exact where nothing is escaped.
    const room = Math.min(end - this.#valueStart, bytesMax)
    const bytes = Buffer.allocUnsafe(room)
    let length = 0
    for (let at = this.#valueStart; at < end; at++) {
      let code = target.charCodeAt(at)
      if (code === PERCENT) {
        if (at + 2 >= end) return undefined
        code = escapedByte(target.charCodeAt(at + 1), target.charCodeAt(at + 2))
        if (code < 0) return undefined
        at += 2
      }
      if (length === room) return undefined
      bytes[length++] = code
    }
    return length === room ? bytes : bytes.subarray(0, length)
  }

  /** The decoded value, one character per byte; undefined where an escape is broken. */
  text(): string | undefined {
    const raw = this.#target.slice(this.#valueStart, this.#valueEnd)
    return raw.includes('%') ? this.bytes(raw.length)?.toString('latin1') : raw
  }

  /** The value as a decimal number, saturated at 2^53-1; -1 for anything else, signed numbers included. */
  decimal(): number {
    const value = parseDecimal(this.#target, this.#valueStart, this.#valueEnd)
    if (value >= 0) return value
    // Escaped digits are legal, and no known client sends them.
    const text = this.text()
    return text === undefined ? -1 : parseDecimal(text, 0, text.length)
  }
}

/**
 * The query after the last of several question marks; undefined where there is one or none. Some clients append their
 * parameters with a question mark to an announce URL that has a query.
 */
export function secondQuery(target: string): string | undefined {
  const last = target.lastIndexOf('?')
  return last > target.indexOf('?') ? target.slice(last) : undefined
}

function parseDecimal(text: string, start: number, end: number): number {
  if (start === end) return -1
  let value = 0
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : value
}

/** The byte of two hexadecimal digits of either case; negative where one is not a digit. */
function escapedByte(high: number, low: number): number {
  if ((high | low) > 127) return -1
  return ((HEX_DIGITS[high] ?? -1) << 4) | (HEX_DIGITS[low] ?? -1)
}

/** Indexed by character code; -1 for other characters. All bits of -1 are set, so one makes the byte negative. */
const HEX_DIGITS = Int8Array.from({ length: 128 }, (_, code) => '0123456789abcdef'.indexOf(char(code)))

/**
 * Bytes as a value. Escapes all but the unreserved characters of RFC 3986, in upper case, as aria2, anacrolix and
 * Transmission 4 do.
 */
export function escapeValue(bytes: Buffer): string {
  let text = ''
  for (const byte of bytes) {
    const character = String.fromCharCode(byte)
    text += UNRESERVED.includes(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return text
}

const UNRESERVED = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~'

function char(code: number): string {
  return String.fromCharCode(code).toLowerCase()
}
