/** Response to a scrape, for people and for programs, with warnings about properties that some clients do not accept. */
import { type BencodeValue, dictionaryEntries } from '../bencode/value.ts'
import { INFO_HASH_BYTES, formatInfoHash } from '../core/info-hash.ts'
import type { TrackerResponse } from './http-request.ts'
import { ResponseReader, openResponse, takeFailure } from './response-reader.ts'

export interface ScrapedTorrent {
  readonly infoHash: string
  readonly complete: number | null
  readonly incomplete: number | null
  readonly downloaded: number | null
  /** BEP 21: leechers that still download. */
  readonly downloaders: number | null
}

export interface ScrapeResponse {
  readonly isUsable: boolean
  readonly failureReason: string | null
  /** Unofficial; Transmission reads it. */
  readonly minIntervalSeconds: number | null
  readonly torrents: readonly ScrapedTorrent[]
  /** Keys that are unknown to this program. */
  readonly otherKeys: readonly string[]
  readonly warnings: readonly string[]
}

export function readScrapeResponse(response: TrackerResponse, requested: readonly Buffer[]): ScrapeResponse {
  const warnings: string[] = []
  const nothing = {
    isUsable: false,
    failureReason: null,
    minIntervalSeconds: null,
    torrents: [],
    otherKeys: [],
  }
  const reader = openResponse(response, warnings)
  if (reader === undefined) return { ...nothing, warnings }
  const failureReason = takeFailure(reader, warnings)
  if (failureReason !== null) {
    reader.take('interval')
    reader.take('min interval')
    return { ...nothing, failureReason, otherKeys: reader.left(), warnings }
  }
  const files = reader.take('files')
  const torrents = files?.kind === 'dictionary' ? readFiles(reader.bytes, files, warnings) : undefined
  if (torrents === undefined) warnings.push('there is no dictionary "files"')
  else warnAboutHashes(torrents, requested, warnings)
  return {
    isUsable: torrents !== undefined && response.status === 200,
    failureReason,
    minIntervalSeconds: takeMinInterval(reader, warnings),
    torrents: torrents ?? [],
    otherKeys: reader.left(),
    warnings,
  }
}

function readFiles(bytes: Buffer, files: BencodeValue, warnings: string[]): ScrapedTorrent[] {
  const torrents: ScrapedTorrent[] = []
  for (const { key, value } of dictionaryEntries(bytes, files.start)) {
    if (key.length !== INFO_HASH_BYTES || value.kind !== 'dictionary') {
      warnings.push(
        `"files" has an entry that is not a torrent: its key has ${key.length} bytes instead of 20`,
      )
      continue
    }
    const counts = new ResponseReader(bytes, value.start, warnings)
    torrents.push({
      infoHash: formatInfoHash(key),
      complete: counts.takeInteger('complete'),
      incomplete: counts.takeInteger('incomplete'),
      downloaded: counts.takeInteger('downloaded'),
      downloaders: counts.takeInteger('downloaders'),
    })
  }
  return torrents
}

function warnAboutHashes(
  torrents: readonly ScrapedTorrent[],
  requested: readonly Buffer[],
  warnings: string[],
): void {
  const returned = new Set(torrents.map(({ infoHash }) => infoHash))
  const wanted = new Set(requested.map(formatInfoHash))
  for (const infoHash of wanted) {
    if (!returned.has(infoHash))
      warnings.push(`${infoHash} is missing: libtorrent and rtorrent treat that as an error`)
  }
  for (const infoHash of returned) {
    if (!wanted.has(infoHash)) warnings.push(`${infoHash} was not requested`)
  }
}

function takeMinInterval(reader: ResponseReader, warnings: string[]): number | null {
  const flags = reader.take('flags')
  if (flags?.kind !== 'dictionary') return null
  return new ResponseReader(reader.bytes, flags.start, warnings).takeInteger('min_request_interval')
}
