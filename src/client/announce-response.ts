/**
 * Response to an announce, for people and for programs, with warnings about properties that some clients do not accept.
 */
import { type BencodeValue, dictionaryEntries, integerOf, listItems, textOf } from '../bencode/value.ts'
import { type Address, addressFromBytes, parseAddress } from '../core/address.ts'
import type { TrackerResponse } from './http-request.ts'
import { type ResponseReader, openResponse, takeFailure } from './response-reader.ts'

export interface AnnounceResponse {
  /** Clients get peers from it; false for a failure and for bytes that are not a response. */
  readonly isUsable: boolean
  readonly failureReason: string | null
  readonly warningMessage: string | null
  readonly intervalSeconds: number | null
  readonly minIntervalSeconds: number | null
  readonly complete: number | null
  readonly incomplete: number | null
  readonly downloaded: number | null
  readonly trackerId: string | null
  /** BEP 24: the address that the tracker sees. */
  readonly externalIp: string | null
  /** `address:port`, in the order of the response, `peers` before `peers6`. */
  readonly peers: readonly string[]
  /** Keys that are unknown to this program. */
  readonly otherKeys: readonly string[]
  readonly warnings: readonly string[]
}

export function readAnnounceResponse(response: TrackerResponse): AnnounceResponse {
  const warnings: string[] = []
  const reader = openResponse(response, warnings)
  if (reader === undefined) return { ...NO_ANNOUNCE_RESPONSE, warnings }
  const failureReason = takeFailure(reader, warnings)
  if (failureReason === null) warnAboutMissing(reader, warnings)
  const peers = [...takePeers(reader, warnings), ...takePeers6(reader, warnings)]
  warnAboutPeers(peers, warnings)
  const intervalSeconds = reader.takeInteger('interval')
  const minIntervalSeconds = reader.takeInteger('min interval')
  if (failureReason === null) warnAboutIntervals(intervalSeconds, minIntervalSeconds, warnings)
  if (reader.take('retry in') !== undefined) warnings.push('"retry in" (BEP 31) is ignored by all clients')
  return {
    isUsable: failureReason === null && response.status === 200,
    failureReason,
    warningMessage: reader.takeText('warning message'),
    intervalSeconds,
    minIntervalSeconds,
    complete: reader.takeInteger('complete'),
    incomplete: reader.takeInteger('incomplete'),
    downloaded: reader.takeInteger('downloaded'),
    trackerId: reader.takeText('tracker id'),
    externalIp: takeExternalIp(reader, warnings),
    peers: peers.map(formatPeer),
    otherKeys: reader.left(),
    warnings,
  }
}

export const NO_ANNOUNCE_RESPONSE: AnnounceResponse = {
  isUsable: false,
  failureReason: null,
  warningMessage: null,
  intervalSeconds: null,
  minIntervalSeconds: null,
  complete: null,
  incomplete: null,
  downloaded: null,
  trackerId: null,
  externalIp: null,
  peers: [],
  otherKeys: [],
  warnings: [],
}

interface Peer {
  /** Text where a dictionary contains a host name, which BEP 3 allows. */
  readonly host: Address | string
  readonly port: number
}

function warnAboutMissing(reader: ResponseReader, warnings: string[]): void {
  if (!reader.has('peers') && !reader.has('peers6')) {
    warnings.push('"peers" is missing: rtorrent treats that as a failure, even on stopped')
  }
  const counts = ['complete', 'incomplete', 'downloaded'].filter((key) => !reader.has(key))
  if (counts.length > 0) {
    warnings.push(`no ${counts.join(', ')}: Transmission scrapes once more for every torrent`)
  }
}

export function warnAboutIntervals(
  interval: number | null,
  intervalMin: number | null,
  warnings: string[],
): void {
  if (interval === null || interval <= 0) {
    warnings.push('no usable "interval": anacrolix announces in a loop without a pause')
  } else if (interval > TIMER_SECONDS_MAX) {
    warnings.push(
      `an interval above ${TIMER_SECONDS_MAX} s overflows the timer of WebTorrent, which then announces in a loop`,
    )
  }
  if (
    interval !== null &&
    intervalMin !== null &&
    intervalMin < LIBTORRENT_SECONDS_MIN &&
    intervalMin * 2 < interval
  ) {
    warnings.push(`aria2 announces every ${intervalMin} s: it uses the smaller of both intervals`)
  }
  if (interval !== null && intervalMin !== null && intervalMin > interval)
    warnings.push(
      `"min interval" ${intervalMin} s is above the interval: it limits extra announces of a client, which still announces every ${interval} s`,
    )
}

/** 2^31 ms. */
const TIMER_SECONDS_MAX = 2_147_483

/** The smallest interval of libtorrent. A far longer interval is meant as the minimum. */
const LIBTORRENT_SECONDS_MIN = 300

export function warnAboutPeers(peers: readonly Peer[], warnings: string[]): void {
  const unusable = peers.filter(({ port }) => port < 1 || port > 65535).length
  if (unusable > 0) warnings.push(`${unusable} peers have no usable port`)
  const addresses = peers.map(({ host }) => host.toString())
  const repeated = addresses.length - new Set(addresses).size
  if (repeated > 0) {
    warnings.push(
      `${repeated} peers have the address of another one: libtorrent and rtorrent keep one peer per address`,
    )
  }
  const linkLocal = peers.filter(({ host }) => typeof host !== 'string' && host.isLinkLocal).length
  if (linkLocal > 0)
    warnings.push(`${linkLocal} peers are link-local: libtorrent and Transmission reject them`)
}

function takePeers(reader: ResponseReader, warnings: string[]): Peer[] {
  const value = reader.take('peers')
  if (value?.kind === 'string') return readCompact(reader.bytes, value, 4, warnings)
  if (value?.kind === 'list') return readPeerList(reader.bytes, value, warnings)
  if (value !== undefined) warnings.push(`"peers" is ${article(value.kind)}; all clients ignore it`)
  return []
}

function takePeers6(reader: ResponseReader, warnings: string[]): Peer[] {
  const value = reader.take('peers6')
  if (value?.kind === 'string') return readCompact(reader.bytes, value, 16, warnings)
  if (value !== undefined) warnings.push(`"peers6" is ${article(value.kind)}; all clients ignore it`)
  return []
}

function readCompact(bytes: Buffer, value: BencodeValue, addressBytes: 4 | 16, warnings: string[]): Peer[] {
  const stride = addressBytes + 2
  const content = bytes.subarray(value.contentStart, value.end)
  const key = addressBytes === 4 ? 'peers' : 'peers6'
  if (content.length % stride !== 0) {
    warnings.push(
      `"${key}" has ${content.length} bytes, which is not a multiple of ${stride}: aria2 drops the list, WebTorrent and anacrolix drop the response`,
    )
  }
  const peers: Peer[] = []
  for (let at = 0; at + stride <= content.length; at += stride) {
    const host = addressFromBytes(content.subarray(at, at + addressBytes))
    peers.push({ host, port: content.readUInt16BE(at + addressBytes) })
  }
  const mapped =
    addressBytes === 16 ? peers.filter(({ host }) => typeof host !== 'string' && host.isV4).length : 0
  if (mapped > 0)
    warnings.push(`${mapped} peers in "peers6" are mapped IPv4 addresses: Transmission rejects them`)
  return peers
}

function readPeerList(bytes: Buffer, list: BencodeValue, warnings: string[]): Peer[] {
  const peers: Peer[] = []
  let unreadable = 0
  for (const item of listItems(bytes, list.start)) {
    const peer = item.kind === 'dictionary' ? readPeer(bytes, item) : undefined
    if (peer === undefined) unreadable++
    else peers.push(peer)
  }
  if (unreadable > 0)
    warnings.push(`${unreadable} items of "peers" are not dictionaries with "ip" and "port"`)
  return peers
}

function readPeer(bytes: Buffer, dictionary: BencodeValue): Peer | undefined {
  let ip: string | undefined
  let port: number | undefined
  for (const { key, value } of dictionaryEntries(bytes, dictionary.start)) {
    const name = key.toString('latin1')
    if (name === 'ip') ip = textOf(bytes, value)
    else if (name === 'port') port = integerOf(bytes, value)
  }
  return ip === undefined || port === undefined ? undefined : { host: parseAddress(ip) ?? ip, port }
}

function takeExternalIp(reader: ResponseReader, warnings: string[]): string | null {
  const value = reader.take('external ip')
  if (value === undefined) return null
  const bytes = reader.bytes.subarray(value.contentStart, value.end)
  if (value.kind === 'string' && (bytes.length === 4 || bytes.length === 16)) {
    return addressFromBytes(bytes).toString()
  }
  warnings.push('"external ip" is not a string of 4 or 16 bytes')
  return null
}

export function formatPeer({ host, port }: Peer): string {
  const text = host.toString()
  return text.includes(':') ? `[${text}]:${port}` : `${text}:${port}`
}

const article = (kind: string) => (kind === 'integer' ? `an ${kind}` : `a ${kind}`)
