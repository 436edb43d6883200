/**
 * Writes bencoding (BEP 3) as parts that are joined once: the hashes of a large torrent are megabytes and are copied
 * a single time.
 *
 * The package `bencode` sorts keys as text. File names are keys in a v2 torrent, and only the order of their bytes
 * gives the infohash that all clients compute.
 */
import { assert } from '../core/assert.ts'

/** Text is written as UTF-8. Keys are text, or bytes for hashes. */
export type Bencodable =
  number | string | Uint8Array | readonly Bencodable[] | ReadonlyMap<string | Uint8Array, Bencodable>

export function writeBencode(value: Bencodable): Buffer {
  const parts: Uint8Array[] = []
  append(parts, value)
  return Buffer.concat(parts)
}

function append(parts: Uint8Array[], value: Bencodable): void {
  if (typeof value === 'number') {
    assert(Number.isSafeInteger(value), 'only whole numbers are bencoded')
    parts.push(Buffer.from(`i${value}e`))
  } else if (typeof value === 'string') appendString(parts, Buffer.from(value))
  else if (value instanceof Uint8Array) appendString(parts, value)
  else if (value instanceof Map) {
    const entries = [...(value as ReadonlyMap<string | Uint8Array, Bencodable>)].map(
      ([key, item]) => [typeof key === 'string' ? Buffer.from(key) : key, item] as const,
    )
    entries.sort(([left], [right]) => Buffer.compare(left, right))
    parts.push(DICTIONARY)
    for (const [key, item] of entries) {
      appendString(parts, key)
      append(parts, item)
    }
    parts.push(END)
  } else {
    parts.push(LIST)
    for (const item of value as readonly Bencodable[]) append(parts, item)
    parts.push(END)
  }
}

function appendString(parts: Uint8Array[], bytes: Uint8Array): void {
  parts.push(Buffer.from(`${bytes.length}:`), bytes)
}

const DICTIONARY = Buffer.from('d')
const LIST = Buffer.from('l')
const END = Buffer.from('e')
