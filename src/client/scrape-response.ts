/** The answer to a scrape, for people and for programs, with what clients make of its oddities. */
import { type BencodeValue, dictionaryEntries } from '../bencode/value.ts'
import { INFO_HASH_BYTES, formatInfoHash } from '../core/info-hash.ts'
import type { TrackerAnswer } from './http-request.ts'
import { AnswerReader, readAnswer, takeFailure } from './response-reader.ts'

export interface ScrapedTorrent {
  readonly infoHash: string
  readonly complete: number | null
  readonly incomplete: number | null
  readonly downloaded: number | null
  /** BEP 21: leechers that still download. */
  readonly downloaders: number | null
}

export interface ScrapeAnswer {
  readonly isUsable: boolean
  readonly failureReason: string | null
  /** Unofficial; Transmission reads it. */
  readonly minIntervalSeconds: number | null
  readonly torrents: readonly ScrapedTorrent[]
  /** Keys that this program does not know. */
  readonly otherKeys: readonly string[]
  readonly warnings: readonly string[]
}

export function readScrapeResponse(answer: TrackerAnswer, asked: readonly Buffer[]): ScrapeAnswer {
  const warnings: string[] = []
  const nothing = {
    isUsable: false,
    failureReason: null,
    minIntervalSeconds: null,
    torrents: [],
    otherKeys: [],
  }
  const reader = readAnswer(answer, warnings)
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
  else warnAboutHashes(torrents, asked, warnings)
  return {
    isUsable: torrents !== undefined && answer.status === 200,
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
      warnings.push(`"files" has an entry that is no torrent: its key has ${key.length} bytes instead of 20`)
      continue
    }
    const counts = new AnswerReader(bytes, value.start, warnings)
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
  asked: readonly Buffer[],
  warnings: string[],
): void {
  const answered = new Set(torrents.map(({ infoHash }) => infoHash))
  const wanted = new Set(asked.map(formatInfoHash))
  for (const infoHash of wanted) {
    if (!answered.has(infoHash))
      warnings.push(`${infoHash} is missing: libtorrent and rtorrent take that for an error`)
  }
  for (const infoHash of answered) {
    if (!wanted.has(infoHash)) warnings.push(`${infoHash} was not asked for`)
  }
}

function takeMinInterval(reader: AnswerReader, warnings: string[]): number | null {
  const flags = reader.take('flags')
  if (flags?.kind !== 'dictionary') return null
  return new AnswerReader(reader.bytes, flags.start, warnings).takeInteger('min_request_interval')
}
