/** What `announce` and `scrape` do with a UDP tracker: the question, and its answer as an HTTP tracker's would read. */
import { type Address, addressFromBytes } from '../core/address.ts'
import type { AnnounceRequest } from '../core/announce.ts'
import { formatInfoHash } from '../core/info-hash.ts'
import { readAnnounceResponse, writeAnnounce } from '../wire/udp/announce.ts'
import { readError } from '../wire/udp/error.ts'
import { actions } from '../wire/udp/header.ts'
import { readScrapeResponse, UDP_SCRAPE_HASHES_MAX, writeScrape } from '../wire/udp/scrape.ts'
import {
  type AnnounceAnswer,
  formatPeer,
  NO_ANNOUNCE_ANSWER,
  warnAboutIntervals,
  warnAboutPeers,
} from './announce-response.ts'
import { askUdpTracker, type UdpTrackerAnswer } from './udp-request.ts'
import type { ScrapeAnswer } from './scrape-response.ts'
import { UsageError } from './usage-error.ts'

export interface UdpTracker {
  readonly url: URL
  readonly from: string | undefined
  readonly signal: AbortSignal
}

/** libtorrent cuts path and query to this, one option of BEP 41. */
const URL_DATA_BYTES_MAX = 255

const KEY_BYTES = 4

/** rtorrent reads no more of an answer. */
const ANSWER_BYTES_RTORRENT = 512

/** Rejects with `TrackerUnreachable`, or with a `UsageError` for what cannot be said over UDP. */
export async function announceOverUdp(
  tracker: UdpTracker,
  announce: AnnounceRequest,
): Promise<{ readonly read: AnnounceAnswer; readonly elapsedMs: number }> {
  if (announce.key.length > KEY_BYTES) throw new UsageError(`--key: over UDP, at most ${KEY_BYTES} bytes`)
  const { pathname, search } = tracker.url
  const urlData = Buffer.from(`${pathname}${search}`).subarray(0, URL_DATA_BYTES_MAX)
  const answer = await askUdpTracker({
    ...tracker,
    action: actions.announce,
    write: (head) => writeAnnounce(head, { ...announce, urlData }),
  })
  return { read: readAnnounce(answer), elapsedMs: answer.elapsedMs }
}

function readAnnounce({ packet, isError, isV4 }: UdpTrackerAnswer): AnnounceAnswer {
  if (isError) return { ...NO_ANNOUNCE_ANSWER, failureReason: readError(packet) }
  const reply = readAnnounceResponse(packet, isV4)
  if (reply === undefined) {
    const warning = `${packet.length} bytes: the answer ends too early or inside a peer; libtorrent takes that for a failure`
    return { ...NO_ANNOUNCE_ANSWER, warnings: [warning] }
  }
  const warnings: string[] = []
  const peers = peersOf(isV4 ? reply.peers4 : reply.peers6, isV4 ? 4 : 16)
  warnAboutPeers(peers, warnings)
  warnAboutIntervals(reply.intervalSeconds, null, warnings)
  if (packet.length > ANSWER_BYTES_RTORRENT) {
    warnings.push(
      `${packet.length} bytes: rtorrent reads ${ANSWER_BYTES_RTORRENT} and loses the peers behind`,
    )
  }
  const { intervalSeconds, complete, incomplete } = reply
  return {
    ...NO_ANNOUNCE_ANSWER,
    isUsable: true,
    intervalSeconds,
    complete,
    incomplete,
    peers: peers.map(formatPeer),
    warnings,
  }
}

function peersOf(bytes: Buffer, addressBytes: 4 | 16): { readonly host: Address; readonly port: number }[] {
  const stride = addressBytes + 2
  return Array.from({ length: bytes.length / stride }, (_, index) => {
    const end = index * stride + addressBytes
    return { host: addressFromBytes(bytes.subarray(index * stride, end)), port: bytes.readUInt16BE(end) }
  })
}

/** Rejects with `TrackerUnreachable`, or with a `UsageError` for what cannot be asked over UDP. */
export async function scrapeOverUdp(
  tracker: UdpTracker,
  infoHashes: readonly Buffer[],
): Promise<{ readonly read: ScrapeAnswer; readonly elapsedMs: number }> {
  if (infoHashes.length > UDP_SCRAPE_HASHES_MAX) {
    throw new UsageError(`--info-hash: over UDP, at most ${UDP_SCRAPE_HASHES_MAX} torrents at a time`)
  }
  const answer = await askUdpTracker({
    ...tracker,
    action: actions.scrape,
    write: (head) => writeScrape(head, infoHashes),
  })
  return { read: readScrape(answer, infoHashes), elapsedMs: answer.elapsedMs }
}

function readScrape({ packet, isError }: UdpTrackerAnswer, asked: readonly Buffer[]): ScrapeAnswer {
  const nothing = { minIntervalSeconds: null, torrents: [], otherKeys: [], warnings: [] }
  if (isError) return { ...nothing, isUsable: false, failureReason: readError(packet) }
  const counts = readScrapeResponse(packet)
  const torrents = counts.slice(0, asked.length).map((count, index) => ({
    infoHash: formatInfoHash(asked[index] ?? Buffer.alloc(0)),
    ...count,
    downloaders: null,
  }))
  const isWhole = counts.length === asked.length
  return {
    ...nothing,
    isUsable: isWhole,
    failureReason: null,
    torrents,
    warnings: isWhole ? [] : [`counts for ${counts.length} torrents, but ${asked.length} were asked for`],
  }
}
