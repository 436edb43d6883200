/**
 * The same torrent with other trackers.
 *
 * We own two keys of the top level, `announce` and `announce-list`; every other entry is copied as it stands, `info`
 * included, so that the infohash cannot change. The top level comes out sorted. Rewriting twice is rewriting once.
 */
import bencode from 'bencode'
import { assert } from '../core/assert.ts'
import type { Metainfo } from './metainfo.ts'

/** Announce URLs in the order in which clients try them. No tier is empty and no URL comes twice. */
export type Tiers = readonly (readonly string[])[]

export function rewriteMetainfo(metainfo: Metainfo, tiers: Tiers): Buffer {
  assertUsable(tiers)
  // Transmission 4 announces to `announce` and to the list. The same text in both is one tracker to it.
  const kept: OutputEntry[] = [
    writeEntry('announce', tiers[0]?.[0] as string),
    writeEntry('announce-list', tiers),
  ]
  for (const { start, key, value } of metainfo.entries) {
    if (key.equals(ANNOUNCE) || key.equals(ANNOUNCE_LIST)) continue
    kept.push({ key, bytes: metainfo.bytes.subarray(start, value.end) })
  }
  // The sort is stable: entries that repeat a key stay in the order of the file, and mean what they meant.
  kept.sort((left, right) => left.key.compare(right.key))
  return Buffer.concat([DICTIONARY_START, ...kept.map(({ bytes }) => bytes), DICTIONARY_END])
}

/** aria2 is left without any tracker by an empty list, and an empty tier is undefined everywhere. */
export function assertUsable(tiers: Tiers): void {
  const urls = tiers.flat()
  assert(urls.length > 0, 'a torrent without a tracker is not rewritten')
  assert(
    tiers.every((tier) => tier.length > 0),
    'no tier is empty',
  )
  assert(new Set(urls).size === urls.length, 'no tracker is in two tiers')
}

interface OutputEntry {
  readonly key: Buffer
  /** Key and value. */
  readonly bytes: Buffer
}

function writeEntry(key: string, value: string | Tiers): OutputEntry {
  return {
    key: Buffer.from(key),
    bytes: Buffer.concat([bencode.encode(key), bencode.encode(value)]),
  }
}

const ANNOUNCE = Buffer.from('announce')
const ANNOUNCE_LIST = Buffer.from('announce-list')
const DICTIONARY_START = Buffer.from('d')
const DICTIONARY_END = Buffer.from('e')
