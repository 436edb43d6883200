/**
 * HTTP announce (BEP 3, 7, 21, 23): `GET /announce?info_hash=…&peer_id=…&port=…`, answered with one bencoded
 * dictionary.
 *
 * A parameter without which the announce is useless is required. Other invalid values count as absent, since
 * refusing them would lock out clients that work. The first of a repeated parameter counts, so that text appended
 * to a URL cannot change the values of the client.
 *
 * `peer id` is never sent, with or without `no_peer_id`: libtorrent sends one id to the tracker and others to its
 * peers, so an id in the response could mismatch. `external ip` is not sent either: the node does not know the
 * address that other sites must use.
 */
import { addressFromBytes } from '../../core/address.ts'
import type { AnnounceEvent, AnnounceReply, AnnounceRequest } from '../../core/announce.ts'
import { Refusal } from '../../core/errors.ts'
import { INFO_HASH_BYTES } from '../../core/info-hash.ts'
import { KEY_BYTES_MAX, PEERS_WANTED_MAX } from '../../core/limits.ts'
import { escapeValue, QueryCursor, secondQuery } from './read-query.ts'

/*
  info_hash   20 bytes, percent-encoded; exactly one
  peer_id     20 bytes, percent-encoded
  port        1 … 65535; may be missing or 0 only with event=stopped
  uploaded    decimal bytes since `started`       else 0
  downloaded  decimal bytes since `started`       else 0
  left        decimal bytes; INT64_MAX and -1 occur    else unknown; absent with event=completed: 0
  event       started | completed | stopped | paused   else none
  numwant     decimal; 0: none, -1: the tracker chooses    else the tracker chooses
  key         opaque
  compact     0: peers as a list of dictionaries; any other value is ignored
  ip          an address; the caller decides whether to trust it
  All other parameters are ignored, `ipv4` and `ipv6` too: they name other addresses of the client, and it announces
  from each of those that work.
*/
export interface HttpAnnounce extends AnnounceRequest {
  /** Peers as a string; false only where the client asked for a list. */
  readonly isCompact: boolean
  /** `ip=` as received, unchecked. */
  readonly claimedAddress: string | undefined
}

const PEER_ID_BYTES = 20
const NO_KEY = Buffer.alloc(0)

/** Throws a `Refusal` that names the parameter. */
export function readAnnounce(target: string): HttpAnnounce {
  let infoHash: Buffer | undefined
  let infoHashes = 0
  let peerId: Buffer | undefined
  let peerIds = 0
  let port: number | undefined
  let uploadedBytes: number | undefined
  let downloadedBytes: number | undefined
  let leftBytes: number | undefined
  let event: AnnounceEvent | undefined
  let peersWanted: number | undefined
  let key: Buffer | undefined
  let compact: number | undefined
  let claimedAddress: string | undefined

  const query = new QueryCursor(target)
  while (query.next()) {
    switch (query.name) {
      case 'info_hash':
        if (++infoHashes === 1) infoHash = query.bytes(INFO_HASH_BYTES)
        break
      case 'peer_id':
        if (++peerIds === 1) peerId = query.bytes(PEER_ID_BYTES)
        break
      case 'port':
        port ??= query.decimal()
        break
      case 'uploaded':
        uploadedBytes ??= query.decimal()
        break
      case 'downloaded':
        downloadedBytes ??= query.decimal()
        break
      case 'left':
        leftBytes ??= query.decimal()
        break
      case 'event':
        event ??= readEvent(query.text())
        break
      case 'numwant':
        peersWanted ??= query.decimal()
        break
      case 'key':
        key ??= readKey(query)
        break
      case 'compact':
        compact ??= query.decimal()
        break
      case 'ip':
        claimedAddress ??= query.text() ?? ''
        break
    }
  }

  if (infoHashes === 0) {
    const appended = secondQuery(target)
    if (appended !== undefined) return readAnnounce(appended)
    throw new Refusal('TRK_INFO_HASH_MISSING')
  }
  if (infoHashes > 1) throw new Refusal('TRK_INFO_HASH_REPEATED')
  if (infoHash?.length !== INFO_HASH_BYTES) throw new Refusal('TRK_INFO_HASH_INVALID')
  if (peerId?.length !== PEER_ID_BYTES) throw new Refusal('TRK_PEER_ID_INVALID')
  const isPort = port !== undefined && port >= 1 && port <= 65535
  // aria2 and rtorrent omit the port when they do not listen; their stop still counts.
  if (!isPort && event !== 'stopped') throw new Refusal('TRK_PORT_INVALID')

  return {
    infoHash,
    peerId,
    port: isPort ? (port ?? 0) : 0,
    uploadedBytes: Math.max(uploadedBytes ?? 0, 0),
    downloadedBytes: Math.max(downloadedBytes ?? 0, 0),
    leftBytes: readLeft(leftBytes, event),
    event: event ?? 'none',
    peersWanted:
      peersWanted === undefined || peersWanted < 0 ? undefined : Math.min(peersWanted, PEERS_WANTED_MAX),
    key: key ?? NO_KEY,
    isCompact: compact !== 0,
    claimedAddress,
  }
}

/** The query without the question mark, in libtorrent's order. For clients. */
export function writeAnnounce(announce: HttpAnnounce): string {
  const parameters = [
    `info_hash=${escapeValue(announce.infoHash)}`,
    `peer_id=${escapeValue(announce.peerId)}`,
    `port=${announce.port}`,
    `uploaded=${announce.uploadedBytes}`,
    `downloaded=${announce.downloadedBytes}`,
  ]
  if (announce.leftBytes !== undefined) parameters.push(`left=${announce.leftBytes}`)
  if (announce.key.length > 0) parameters.push(`key=${escapeValue(announce.key)}`)
  if (announce.event !== 'none') parameters.push(`event=${announce.event}`)
  if (announce.peersWanted !== undefined) parameters.push(`numwant=${announce.peersWanted}`)
  parameters.push(announce.isCompact ? 'compact=1' : 'compact=0')
  if (announce.claimedAddress !== undefined) {
    parameters.push(`ip=${escapeValue(Buffer.from(announce.claimedAddress, 'latin1'))}`)
  }
  return parameters.join('&')
}

/** A client that has just completed lacks nothing. An invalid number stays unknown: it may mean any amount. */
function readLeft(leftBytes: number | undefined, event: AnnounceEvent | undefined): number | undefined {
  if (leftBytes === undefined) return event === 'completed' ? 0 : undefined
  return leftBytes < 0 ? undefined : leftBytes
}

function readEvent(text: string | undefined): AnnounceEvent {
  switch (text) {
    case 'started':
    case 'completed':
    case 'stopped':
    case 'paused':
      return text
    default:
      return 'none'
  }
}

/** Refused rather than cut or dropped: two clients with equal keys count as one. */
function readKey(query: QueryCursor): Buffer {
  const key = query.bytes(KEY_BYTES_MAX)
  if (key === undefined) throw new Refusal('TRK_PARAMETER_INVALID', `key, at most ${KEY_BYTES_MAX} bytes`)
  return key
}

/**
 * Keys are in byte order. `peers` is present even when it is empty, since rtorrent fails without it.
 *
 * One character per byte (`latin1`): Node then sends head and body in one write, which saves a tenth of the time of
 * a whole announce compared with a Buffer (bench/http-announces.ts).
 */
export function writeAnnounceResponse(reply: AnnounceReply, isCompact: boolean): string {
  const head =
    `d8:completei${reply.complete}e10:downloadedi${reply.downloaded}e10:incompletei${reply.incomplete}e` +
    `8:intervali${reply.intervalSeconds}e12:min intervali${reply.intervalSecondsMin}e5:peers`
  if (!isCompact) return `${head}${writePeerList(reply)}e`
  const { peers4, peers6 } = reply
  const peers = `${peers4.length}:${peers4.toString('latin1')}`
  return peers6.length === 0
    ? `${head}${peers}e`
    : `${head}${peers}6:peers6${peers6.length}:${peers6.toString('latin1')}e`
}

/** The original form of BEP 3: a list of dictionaries with `ip` and `port`. */
function writePeerList(reply: AnnounceReply): string {
  return `l${writePeers(reply.peers4, 4)}${writePeers(reply.peers6, 16)}e`
}

function writePeers(peers: Buffer, addressBytes: 4 | 16): string {
  let list = ''
  for (let at = 0; at < peers.length; at += addressBytes + 2) {
    const ip = addressFromBytes(peers.subarray(at, at + addressBytes)).toString()
    list += `d2:ip${ip.length}:${ip}4:porti${peers.readUInt16BE(at + addressBytes)}ee`
  }
  return list
}
