/**
 * UDP scrape (BEP 15): counts of up to 74 torrents in the order of the request. A torrent without peers has three
 * zeros.
 */
import type { ScrapeCounts } from '../../core/announce.ts'
import { Refusal } from '../../core/errors.ts'
import { INFO_HASH_BYTES } from '../../core/info-hash.ts'
import {
  RESPONSE_HEAD_BYTES,
  actions,
  REQUEST_HEAD_BYTES,
  type RequestHead,
  writeResponseHead,
  writeRequestHead,
} from './header.ts'

/*
  ScrapeRequest => 16 bytes, then 20 for each torrent; a shorter rest is ignored
     0  uint64   connection_id    verified by the caller
     8  uint32   action           2
    12  uint32   transaction_id   echoed in the response
    16  byte[20] info_hash        …
*/

/** The maximum of BEP 15; the request then has 1,496 bytes and the response 896. */
export const UDP_SCRAPE_HASHES_MAX = 74

/** Throws a `Refusal` that names the problem. */
export function readScrape(packet: Buffer): Buffer[] {
  const count = Math.floor((packet.length - REQUEST_HEAD_BYTES) / INFO_HASH_BYTES)
  if (count === 0) throw new Refusal('TRK_SCRAPE_EMPTY')
  if (count > UDP_SCRAPE_HASHES_MAX) {
    throw new Refusal('TRK_SCRAPE_TOO_MANY', `at most ${UDP_SCRAPE_HASHES_MAX} over UDP`)
  }
  return Array.from({ length: count }, (_, index) => {
    const start = REQUEST_HEAD_BYTES + index * INFO_HASH_BYTES
    return packet.subarray(start, start + INFO_HASH_BYTES)
  })
}

/** For clients. */
export function writeScrape(head: RequestHead, infoHashes: readonly Buffer[]): Buffer {
  const packet = Buffer.alloc(REQUEST_HEAD_BYTES)
  writeRequestHead(packet, actions.scrape, head)
  return Buffer.concat([packet, ...infoHashes])
}

/*
  ScrapeResponse => 8 bytes, then 12 for each torrent
     0  uint32   action           2
     4  uint32   transaction_id
     8  int32    seeders          …
    12  int32    completed
    16  int32    leechers
*/
const COUNTS_BYTES = 12

export type UdpScrapeCounts = Pick<ScrapeCounts, 'complete' | 'downloaded' | 'incomplete'>

export function writeScrapeResponse(transactionId: number, counts: readonly UdpScrapeCounts[]): Buffer {
  const packet = Buffer.allocUnsafe(RESPONSE_HEAD_BYTES + counts.length * COUNTS_BYTES)
  writeResponseHead(packet, actions.scrape, transactionId)
  let end = RESPONSE_HEAD_BYTES
  for (const { complete, downloaded, incomplete } of counts) {
    end = packet.writeInt32BE(complete, end)
    end = packet.writeInt32BE(downloaded, end)
    end = packet.writeInt32BE(incomplete, end)
  }
  return packet
}

/** Reads a packet for which `isResponse` is true: one entry for each torrent with counts. */
export function readScrapeResponse(packet: Buffer): UdpScrapeCounts[] {
  const counts: UdpScrapeCounts[] = []
  for (let at = RESPONSE_HEAD_BYTES; at + COUNTS_BYTES <= packet.length; at += COUNTS_BYTES) {
    counts.push({
      complete: packet.readInt32BE(at),
      downloaded: packet.readInt32BE(at + 4),
      incomplete: packet.readInt32BE(at + 8),
    })
  }
  return counts
}
