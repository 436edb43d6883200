/**
 * Reads the head of an announce from the bytes of a connection, in the one form that nearly all clients send: a GET of
 * `/announce?…` or `/announce/{token}?…`, ASCII only, complete, without a body, and with headers that do not change the response.
 *
 * Any other bytes are unknown here, malformed ones included: a parser of HTTP decides about them. The form is therefore
 * strict, and a request of this form means the same to every parser (RFC 9112).
 */
import { REQUEST_TARGET_BYTES_MAX, TOKEN_LENGTH_MAX } from '../../core/limits.ts'

/*
  "GET" SP "/announce" [ "/" 1*128unreserved ] "?" *target SP "HTTP/1.1" CRLF *( name ":" value CRLF ) CRLF
  target => 0x21 … 0x7e without "#"
  value  => 0x20 … 0x7e
*/
const START = Buffer.from('GET /announce')
const VERSION = Buffer.from(' HTTP/1.1\r\n')
/** Of the target in `START`. */
export const TARGET_START = 4

const SPACE = 0x20
const SLASH = 0x2f
const QUESTION_MARK = 0x3f
const HASH = 0x23
const COLON = 0x3a
const DELETE = 0x7f
const CR = 13
const LF = 10

const UNRESERVED_SIGNS = Buffer.from('-._~')

/** Names in lower case. The forwarding headers, and those of a body or of another protocol, are not among them. */
const NAMES_WITHOUT_EFFECT = [
  'host',
  'user-agent',
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'pragma',
  'want-digest',
].map((name) => Buffer.from(name))
const CONNECTION = Buffer.from('connection')
const CLOSE = Buffer.from('close')
const KEEP_ALIVE = Buffer.from('keep-alive')

export interface AnnounceHead {
  /** The target is from `TARGET_START` behind the start of the head to here. */
  readonly targetEnd: number
  /** Behind the empty line. */
  readonly end: number
  /** The client sent `Connection: close`. */
  readonly closes: boolean
}

/** The head that begins at `start`; undefined if it has another form, or is not complete. */
export function readAnnounceHead(bytes: Buffer, start: number): AnnounceHead | undefined {
  if (!isAt(bytes, START, start)) return undefined
  let at = endOfToken(bytes, start + START.length)
  if (bytes[at] !== QUESTION_MARK) return undefined
  while (isTargetByte(bytes[at])) at++
  const targetEnd = at
  if (targetEnd - start - TARGET_START > REQUEST_TARGET_BYTES_MAX) return undefined
  if (!isAt(bytes, VERSION, at)) return undefined
  at += VERSION.length
  let closes = false
  while (bytes[at] !== CR) {
    const colon = endOfName(bytes, at)
    const end = endOfValue(bytes, colon + 1)
    if (end < 0) return undefined
    if (isName(bytes, at, colon, CONNECTION)) {
      const value = connectionOption(bytes, colon + 1, end)
      if (value === undefined) return undefined
      closes ||= value === CLOSE
    } else if (!NAMES_WITHOUT_EFFECT.some((name) => isName(bytes, at, colon, name))) return undefined
    at = end + 2
  }
  // Node limits a head to 16 KiB; a shorter limit here leaves the longer ones to it.
  if (bytes[at + 1] !== LF || at - targetEnd > REQUEST_TARGET_BYTES_MAX / 3) return undefined
  return { targetEnd, end: at + 2, closes }
}

/** Index behind a slash and a token that needs no decoding; `start` without one. */
function endOfToken(bytes: Buffer, start: number): number {
  if (bytes[start] !== SLASH) return start
  let at = start + 1
  while (isUnreserved(bytes[at])) at++
  const length = at - start - 1
  return length > 0 && length <= TOKEN_LENGTH_MAX ? at : start
}

/** RFC 3986 §2.3. */
function isUnreserved(byte: number | undefined): boolean {
  if (byte === undefined) return false
  const lower = byte | 0x20
  return (lower >= 97 && lower <= 122) || (byte >= 48 && byte <= 57) || UNRESERVED_SIGNS.includes(byte)
}

function isTargetByte(byte: number | undefined): boolean {
  return byte !== undefined && byte > SPACE && byte < DELETE && byte !== HASH
}

/** Index of the colon behind a name; where there is none, the index of another byte. */
function endOfName(bytes: Buffer, start: number): number {
  let at = start
  while (isNameByte(bytes[at])) at++
  return at
}

/** A letter or a hyphen: no name that is known here has another byte. */
function isNameByte(byte: number | undefined): boolean {
  if (byte === undefined) return false
  const lower = byte | 0x20
  return (lower >= 97 && lower <= 122) || byte === 45
}

/** Index of the CR that ends a value; -1 if the line has another byte, or does not end. */
function endOfValue(bytes: Buffer, start: number): number {
  let at = start
  for (;;) {
    const byte = bytes[at]
    if (byte === CR) return bytes[at + 1] === LF ? at : -1
    if (byte === undefined || byte < SPACE || byte >= DELETE) return -1
    at++
  }
}

/** Compares in any case. False for a name without a colon. */
function isName(bytes: Buffer, start: number, colon: number, name: Buffer): boolean {
  return bytes[colon] === COLON && isText(bytes, start, colon, name)
}

/** The value of `Connection` where it is one option that is known here. */
function connectionOption(bytes: Buffer, start: number, end: number): Buffer | undefined {
  while (start < end && bytes[start] === SPACE) start++
  while (end > start && bytes[end - 1] === SPACE) end--
  if (isText(bytes, start, end, CLOSE)) return CLOSE
  return isText(bytes, start, end, KEEP_ALIVE) ? KEEP_ALIVE : undefined
}

/** `text` in lower case; letters of `bytes` in any case. */
function isText(bytes: Buffer, start: number, end: number, text: Buffer): boolean {
  if (end - start !== text.length) return false
  for (let index = 0; index < text.length; index++) {
    const byte = bytes[start + index] as number
    const lower = byte >= 65 && byte <= 90 ? byte | 0x20 : byte
    if (lower !== text[index]) return false
  }
  return true
}

function isAt(bytes: Buffer, text: Buffer, start: number): boolean {
  for (let index = 0; index < text.length; index++) if (bytes[start + index] !== text[index]) return false
  return true
}
