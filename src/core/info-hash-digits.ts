/**
 * Hexadecimal digits that an infohash is searched for, compared with its bytes: a search over 100,000 torrents does not
 * write each infohash as text.
 */
import { INFO_HASH_BYTES } from './info-hash.ts'

/** The value of each digit. */
export type InfoHashDigits = readonly number[]

const DIGITS = 2 * INFO_HASH_BYTES

/** undefined for a text with which no infohash begins. */
export function readInfoHashDigits(text: string): InfoHashDigits | undefined {
  if (text.length > DIGITS || !/^[0-9a-f]+$/i.test(text)) return undefined
  return Array.from(text, (digit) => Number.parseInt(digit, 16))
}

/** `at`: where the infohash begins in the bytes. */
export function startsWithDigits(bytes: Buffer, digits: InfoHashDigits, at = 0): boolean {
  for (let index = 0; index < digits.length; index++)
    if (digitAt(bytes, at, index) !== digits[index]) return false
  return true
}

function digitAt(bytes: Buffer, at: number, index: number): number {
  const byte = bytes[at + (index >> 1)] ?? 0
  return (index & 1) === 0 ? byte >> 4 : byte & 0xf
}
