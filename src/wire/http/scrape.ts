/**
 * HTTP scrape (BEP 48): counts of the named torrents, without an announce.
 *
 * A torrent without peers gets zeros: libtorrent and rtorrent report an error where a requested hash is missing. A
 * scrape without a hash, for which BEP 48 allows a response with all torrents, is refused.
 *
 * `downloaders` (BEP 21) is in the response only where it differs from `incomplete`, that is with partial seeds: some
 * readers of responses fail on a key that BEP 48 does not define.
 */
import type { ScrapeCounts } from '../../core/announce.ts'
import { Refusal } from '../../core/errors.ts'
import { INFO_HASH_BYTES } from '../../core/info-hash.ts'
import { SCRAPE_HASHES_MAX } from '../../core/limits.ts'
import { escapeValue, QueryCursor, secondQuery } from './read-query.ts'

/** Transmission, the only client that reads this, never scrapes more often by itself. */
const SCRAPE_INTERVAL_SECONDS = 1800

/** The hashes, each once, in byte order, which is that of the response. */
export function readScrape(target: string): Buffer[] {
  const infoHashes: Buffer[] = []
  const query = new QueryCursor(target)
  while (query.next()) {
    if (query.name !== 'info_hash') continue
    const infoHash = query.bytes(INFO_HASH_BYTES)
    if (infoHash?.length !== INFO_HASH_BYTES) throw new Refusal('TRK_INFO_HASH_INVALID')
    if (infoHashes.length === SCRAPE_HASHES_MAX) {
      // Transmission reduces its scrapes by five hashes when it reads these four words.
      throw new Refusal('TRK_SCRAPE_TOO_MANY', `GET string too long, at most ${SCRAPE_HASHES_MAX}`)
    }
    infoHashes.push(infoHash)
  }
  if (infoHashes.length === 0) {
    const appended = secondQuery(target)
    if (appended !== undefined) return readScrape(appended)
    throw new Refusal('TRK_SCRAPE_EMPTY')
  }
  infoHashes.sort((a, b) => a.compare(b))
  return infoHashes.filter((infoHash, index) => infoHashes[index - 1]?.equals(infoHash) !== true)
}

/** The query without the question mark. For clients. */
export function writeScrape(infoHashes: readonly Buffer[]): string {
  return infoHashes.map((infoHash) => `info_hash=${escapeValue(infoHash)}`).join('&')
}

/** `counts` has one entry for each hash, in the same order. One character per byte (`latin1`). */
export function writeScrapeResponse(infoHashes: readonly Buffer[], counts: readonly ScrapeCounts[]): string {
  let files = ''
  for (const [index, infoHash] of infoHashes.entries()) {
    const { complete = 0, downloaded = 0, downloaders = 0, incomplete = 0 } = counts[index] ?? {}
    const partial = downloaders === incomplete ? '' : `11:downloadersi${downloaders}e`
    files +=
      `20:${infoHash.toString('latin1')}d8:completei${complete}e10:downloadedi${downloaded}e` +
      `${partial}10:incompletei${incomplete}ee`
  }
  return `d5:filesd${files}e5:flagsd20:min_request_intervali${SCRAPE_INTERVAL_SECONDS}eee`
}
