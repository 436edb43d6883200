/**
 * The same torrent with other trackers, and on request with other web seeds.
 *
 * The rewriter owns a few keys of the top level, mainly `announce` and `announce-list`. Every other entry is copied
 * verbatim, `info` included, so that the infohash cannot change. The top level comes out sorted. Rewriting is
 * idempotent.
 */
import bencode from 'bencode'
import { assert } from '../core/assert.ts'
import type { Metainfo } from './metainfo.ts'

/** Announce URLs in the order in which clients try them. No tier is empty and no URL comes twice. */
export type Tiers = readonly (readonly string[])[]

/** Further changes. An undefined key leaves its entries unchanged byte for byte. */
export interface RewriteChanges {
  /**
   * Replaces those that the torrent has; an empty list removes them. This covers `url-list` (BEP 19) and `httpseeds`
   * (BEP 17), because both lead clients past every tracker.
   */
  readonly webSeeds?: readonly string[] | undefined
  /** Removes `nodes`, the DHT entry points of a torrent that is not private (BEP 5). */
  readonly dropsNodes?: boolean | undefined
}

/** Pure: equal arguments give equal bytes in every process. */
export function rewriteMetainfo(metainfo: Metainfo, tiers: Tiers, changes: RewriteChanges = {}): Buffer {
  return Buffer.concat(rewriteInParts(metainfo, tiers, changes))
}

/**
 * The same bytes in parts. Kept entries share memory with the torrent that was read, so that a large torrent is
 * written without a second copy.
 */
export function rewriteInParts(metainfo: Metainfo, tiers: Tiers, changes: RewriteChanges = {}): Buffer[] {
  assertUsable(tiers)
  const { webSeeds } = changes
  // Transmission 4 announces to `announce` and to the list. The same text in both counts as one tracker.
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
  // The sort is stable: entries that repeat a key stay in file order and keep their meaning.
  entries.sort((left, right) => left.key.compare(right.key))
  return [DICTIONARY_START, ...entries.map(({ bytes }) => bytes), DICTIONARY_END]
}

/** An empty list leaves aria2 without a tracker, and no specification defines an empty tier. */
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
