/** Announces and scrapes over UDP, with responses in the form of those over HTTP. */
import { type Address, addressFromBytes } from '../core/address.ts'
import type { AnnounceRequest } from '../core/announce.ts'
import { formatInfoHash } from '../core/info-hash.ts'
import { readAnnounceResponse, writeAnnounce } from '../wire/udp/announce.ts'
import { readError } from '../wire/udp/error.ts'
import { actions } from '../wire/udp/header.ts'
import { readScrapeResponse, UDP_SCRAPE_HASHES_MAX, writeScrape } from '../wire/udp/scrape.ts'
import {
  type AnnounceResponse,
  formatPeer,
  NO_ANNOUNCE_RESPONSE,
  warnAboutIntervals,
  warnAboutPeers,
} from './announce-response.ts'
import { requestUdpTracker, type UdpTrackerResponse } from './udp-request.ts'
import type { ScrapeResponse } from './scrape-response.ts'
import { UsageError } from './usage-error.ts'

export interface UdpTracker {
  readonly url: URL
  readonly from: string | undefined
  readonly signal: AbortSignal
}

/** libtorrent truncates path and query to this, one option of BEP 41. */
const URL_DATA_BYTES_MAX = 255

const KEY_BYTES = 4

/** rtorrent reads no more of a response. */
const RESPONSE_BYTES_RTORRENT = 512

/** Rejects with `TrackerUnreachable`, or with a `UsageError` for arguments that UDP cannot carry. */
export async function announceOverUdp(
  tracker: UdpTracker,
  announce: AnnounceRequest,
): Promise<{ readonly read: AnnounceResponse; readonly elapsedMs: number }> {
  if (announce.key.length > KEY_BYTES) throw new UsageError(`--key: over UDP, at most ${KEY_BYTES} bytes`)
  const { pathname, search } = tracker.url
  const urlData = Buffer.from(`${pathname}${search}`).subarray(0, URL_DATA_BYTES_MAX)
  const response = await requestUdpTracker({
    ...tracker,
    action: actions.announce,
    write: (head) => writeAnnounce(head, { ...announce, urlData }),
  })
  return { read: readAnnounce(response), elapsedMs: response.elapsedMs }
}

function readAnnounce({ packet, isError, isV4 }: UdpTrackerResponse): AnnounceResponse {
  if (isError) return { ...NO_ANNOUNCE_RESPONSE, failureReason: readError(packet) }
  const response = readAnnounceResponse(packet, isV4)
  if (response === undefined) {
    const warning = `${packet.length} bytes: the response ends too early or inside a peer; libtorrent treats that as a failure`
    return { ...NO_ANNOUNCE_RESPONSE, warnings: [warning] }
  }
  const warnings: string[] = []
  const peers = peersOf(isV4 ? response.peers4 : response.peers6, isV4 ? 4 : 16)
  warnAboutPeers(peers, warnings)
  warnAboutIntervals(response.intervalSeconds, null, warnings)
  if (packet.length > RESPONSE_BYTES_RTORRENT) {
    warnings.push(
      `${packet.length} bytes: rtorrent reads ${RESPONSE_BYTES_RTORRENT} and drops the peers after them`,
    )
  }
  const { intervalSeconds, complete, incomplete } = response
  return {
    ...NO_ANNOUNCE_RESPONSE,
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

/** Rejects with `TrackerUnreachable`, or with a `UsageError` for arguments that UDP cannot carry. */
export async function scrapeOverUdp(
  tracker: UdpTracker,
  infoHashes: readonly Buffer[],
): Promise<{ readonly read: ScrapeResponse; readonly elapsedMs: number }> {
  if (infoHashes.length > UDP_SCRAPE_HASHES_MAX) {
    throw new UsageError(`--info-hash: over UDP, at most ${UDP_SCRAPE_HASHES_MAX} torrents at a time`)
  }
  const response = await requestUdpTracker({
    ...tracker,
    action: actions.scrape,
    write: (head) => writeScrape(head, infoHashes),
  })
  return { read: readScrape(response, infoHashes), elapsedMs: response.elapsedMs }
}

function readScrape({ packet, isError }: UdpTrackerResponse, requested: readonly Buffer[]): ScrapeResponse {
  const nothing = { minIntervalSeconds: null, torrents: [], otherKeys: [], warnings: [] }
  if (isError) return { ...nothing, isUsable: false, failureReason: readError(packet) }
  const counts = readScrapeResponse(packet)
  const torrents = counts.slice(0, requested.length).map((count, index) => ({
    infoHash: formatInfoHash(requested[index] ?? Buffer.alloc(0)),
    ...count,
    downloaders: null,
  }))
  const isComplete = counts.length === requested.length
  return {
    ...nothing,
    isUsable: isComplete,
    failureReason: null,
    torrents,
    warnings: isComplete
      ? []
      : [`counts for ${counts.length} torrents, but ${requested.length} were requested`],
  }
}
