/** A name as libtorrent 2.0 changes it before it uses it on the disk and in requests to web seeds. */
import { isPlainName } from './client.ts'

/** A zero byte, slashes, and marks that reverse the direction of text. */
const REMOVED = new Set([0, 0x2f, 0x5c, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e])

/** From here on, only an extension follows. */
const SHORTENED_BYTES = 240
/** A dot that is further from the end does not begin an extension. */
const EXTENSION_BYTES_MAX = 10

/** undefined for a name that vanishes: one or two dots, or characters that are all removed. */
export function libtorrentName(name: string): string | undefined {
  if (isPlainName(name)) return name
  if (name === '.') return undefined
  if (name === '') return '_'
  let changed = ''
  let dots = 0
  let isShortened = false
  for (let at = 0, length = 0; at < name.length; at += length) {
    const point = codePointAt(name, at)
    length = point.length
    const { value } = point
    if (REMOVED.has(value)) continue
    if (value < SPACE) {
      changed += '_'
      continue
    }
    changed += name.slice(at, at + length)
    if (value === DOT) dots++
    if (changed.length < SHORTENED_BYTES || isShortened) continue
    const extension = name.lastIndexOf('.')
    if (extension <= Math.max(name.length - EXTENSION_BYTES_MAX, at)) break
    isShortened = true
    at = extension - length
  }
  return changed.length === dots && dots <= 2 ? undefined : changed
}

/** The code point at `at` and its bytes; -1 for a sequence that is not UTF-8, with the bytes that libtorrent skips. */
function codePointAt(name: string, at: number): { readonly value: number; readonly length: number } {
  const first = name.charCodeAt(at)
  if (first < 0x80) return { value: first, length: 1 }
  const length =
    first >> 5 === 0b110
      ? 2
      : first >> 4 === 0b1110
        ? 3
        : first >> 3 === 0b11110
          ? 4
          : first >> 2 === 0b111110
            ? 5
            : 0
  if (length === 0) return { value: -1, length: 1 }
  const isCut = at + length > name.length
  const bytes = Buffer.from(name.slice(at, at + length), 'latin1')
  const text = bytes.toString('utf8')
  const isValid = length < 5 && !isCut && text.length === (length === 4 ? 2 : 1) && !text.includes('\ufffd')
  if (isValid || bytes.equals(REPLACEMENT)) return { value: text.codePointAt(0) as number, length }
  return { value: -1, length: isCut && length < 5 ? name.length - at : length }
}

const REPLACEMENT = Buffer.from('\ufffd')
const SPACE = 0x20
const DOT = 0x2e
