/**
 * The same torrent with other trackers, and if asked for with other web seeds.
 *
 * We own a few keys of the top level, `announce` and `announce-list` above all; every other entry is copied as it
 * stands, `info` included, so that the infohash cannot change. The top level comes out sorted. Rewriting twice is
 * rewriting once.
 */
import bencode from 'bencode'
import { assert } from '../core/assert.ts'
import type { Metainfo } from './metainfo.ts'

/** Announce URLs in the order in which clients try them. No tier is empty and no URL comes twice. */
export type Tiers = readonly (readonly string[])[]

/** What else is ours to write. Whatever is left out stays byte for byte as it is. */
export interface RewriteChanges {
  /**
   * Instead of those that the torrent has; none to remove them. Both kinds go, `url-list` (BEP 19) and `httpseeds`
   * (BEP 17), because either leads clients past every tracker.
   */
  readonly webSeeds?: readonly string[] | undefined
  /** Removes `nodes`: where clients of a torrent that is not private enter the DHT (BEP 5). */
  readonly dropsNodes?: boolean | undefined
}

/** Pure: equal arguments give equal bytes, whatever process they are in. */
export function rewriteMetainfo(metainfo: Metainfo, tiers: Tiers, changes: RewriteChanges = {}): Buffer {
  return Buffer.concat(rewriteInParts(metainfo, tiers, changes))
}

/**
 * The same bytes one part after the other. What is kept shares memory with the torrent that was read, so that a
 * large one is written without a second copy of it.
 */
export function rewriteInParts(metainfo: Metainfo, tiers: Tiers, changes: RewriteChanges = {}): Buffer[] {
  assertUsable(tiers)
  const { webSeeds } = changes
  // Transmission 4 announces to `announce` and to the list. The same text in both is one tracker to it.
  const entries: OutputEntry[] = [
    writeEntry('announce', tiers[0]?.[0] as string),
    writeEntry('announce-list', tiers),
  ]
  if (webSeeds !== undefined && webSeeds.length > 0) entries.push(writeEntry('url-list', webSeeds))
  const ours = [
    ...TRACKER_KEYS,
    ...(webSeeds === undefined ? [] : WEB_SEED_KEYS),
    ...(changes.dropsNodes === true ? NODES_KEYS : []),
  ]
  for (const { start, key, value } of metainfo.entries) {
    if (ours.some((owned) => key.equals(owned))) continue
    entries.push({ key, bytes: metainfo.bytes.subarray(start, value.end) })
  }
  // The sort is stable: entries that repeat a key stay in the order of the file, and mean what they meant.
  entries.sort((left, right) => left.key.compare(right.key))
  return [DICTIONARY_START, ...entries.map(({ bytes }) => bytes), DICTIONARY_END]
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

function writeEntry(key: string, value: string | readonly string[] | Tiers): OutputEntry {
  return {
    key: Buffer.from(key),
    bytes: Buffer.concat([bencode.encode(key), bencode.encode(value)]),
  }
}

const TRACKER_KEYS = [Buffer.from('announce'), Buffer.from('announce-list')]
const WEB_SEED_KEYS = [Buffer.from('url-list'), Buffer.from('httpseeds')]
const NODES_KEYS = [Buffer.from('nodes')]
const DICTIONARY_START = Buffer.from('d')
const DICTIONARY_END = Buffer.from('e')
