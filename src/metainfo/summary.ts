/**
 * What a torrent is, for people: everything that `inspect` prints, and what will surprise them about it.
 *
 * Nothing in here is needed to rewrite a torrent. A file that no client would download still has a summary, with a
 * warning for what is missing.
 */
import { type BencodeValue, integerOf, listItems, textOf } from '../bencode/value.ts'
import { type TorrentFile, torrentFiles } from './files.ts'
import type { Metainfo } from './metainfo.ts'
import type { Warning } from './warning.ts'

export interface TorrentSummary {
  readonly name: string | undefined
  /** Without padding. */
  readonly contentBytes: number
  readonly paddingBytes: number
  readonly pieceBytes: number | undefined
  readonly pieceCount: number
  /** Without padding. */
  readonly fileCount: number
  /** The first `FILES_LISTED_MAX` of them. */
  readonly files: readonly TorrentFile[]
  readonly isPrivate: boolean
  /** As clients read them: `announce` alone only counts where there is no list. */
  readonly tiers: readonly (readonly string[])[]
  readonly webSeeds: readonly string[]
  readonly comment: string | undefined
  readonly createdBy: string | undefined
  /** Seconds since 1970. */
  readonly createdAtSeconds: number | undefined
  /** Those of the bytes included. */
  readonly warnings: readonly Warning[]
}

/** More than anybody reads, and a JSON document that everything can still open. The total is always right. */
export const FILES_LISTED_MAX = 10_000

/** Tiers, trackers of a tier, web seeds: what lies behind was put there to fill somebody's memory. */
const TEXTS_LISTED_MAX = 10_000

export function summarize(metainfo: Metainfo): TorrentSummary {
  const { bytes, infoEntries } = metainfo
  const top = new Map<string, BencodeValue>()
  for (const { key, value } of metainfo.entries) {
    const name = key.toString('latin1')
    if (!top.has(name)) top.set(name, value)
  }
  const pieceBytes = integerOf(bytes, infoEntries.get('piece length'))
  const content = countFiles(metainfo, pieceBytes)
  const pieces = infoEntries.get('pieces')
  const pieceCount =
    pieces?.kind === 'string'
      ? Math.floor((pieces.end - pieces.contentStart) / PIECE_HASH_BYTES)
      : content.pieceCountV2
  const announce = textOf(bytes, top.get('announce')) ?? ''
  const listed = readTiers(bytes, top.get('announce-list'))
  const webSeeds = [...readTexts(bytes, top.get('url-list')), ...readTexts(bytes, top.get('httpseeds'))]
  const isPrivate = integerOf(bytes, infoEntries.get('private')) === 1

  const summary = {
    name: textOf(bytes, infoEntries.get('name.utf-8') ?? infoEntries.get('name')),
    contentBytes: content.contentBytes,
    paddingBytes: content.paddingBytes,
    pieceBytes,
    pieceCount,
    fileCount: content.fileCount,
    files: content.files,
    isPrivate,
    tiers: listed.length > 0 ? listed : announce === '' ? [] : [[announce]],
    webSeeds,
    comment: textOf(bytes, top.get('comment.utf-8') ?? top.get('comment')),
    createdBy: textOf(bytes, top.get('created by')),
    createdAtSeconds: integerOf(bytes, top.get('creation date')),
  }
  const warnings = [
    ...metainfo.warnings,
    ...warnOfContent(metainfo, summary, content.unreadableCount),
    ...warnOfVersion(metainfo),
    ...warnOfLocality(summary),
  ]
  if (listed.length > 0 && announce !== '' && !listed.flat().includes(announce)) {
    warnings.push({
      code: 'announce-outside-list',
      message: `\`announce\` names ${announce}, which is in no tier: only Transmission 4 announces there too`,
    })
  }
  return { ...summary, warnings }
}

function countFiles(metainfo: Metainfo, pieceBytes: number | undefined) {
  const files: TorrentFile[] = []
  let fileCount = 0
  let contentBytes = 0
  let paddingBytes = 0
  let pieceCountV2 = 0
  let unreadableCount = 0
  for (const file of torrentFiles(metainfo)) {
    if (file === undefined) unreadableCount++
    else if (file.isPadding) paddingBytes += file.lengthBytes
    else {
      if (files.length < FILES_LISTED_MAX) files.push(file)
      fileCount++
      contentBytes += file.lengthBytes
      // In v2 each file begins with a piece of its own.
      if (pieceBytes !== undefined && pieceBytes > 0) pieceCountV2 += Math.ceil(file.lengthBytes / pieceBytes)
    }
  }
  return { files, fileCount, contentBytes, paddingBytes, pieceCountV2, unreadableCount }
}

function readTiers(bytes: Buffer, value: BencodeValue | undefined): string[][] {
  if (value?.kind !== 'list') return []
  const tiers: string[][] = []
  for (const tier of listItems(bytes, value.start)) {
    const urls = tier.kind === 'list' ? readTexts(bytes, tier) : []
    if (urls.length > 0) tiers.push(urls)
    if (tiers.length === TEXTS_LISTED_MAX) break
  }
  return tiers
}

/** A list of strings, or one string in its place, as `url-list` may be (BEP 19). Empty ones are left out. */
function readTexts(bytes: Buffer, value: BencodeValue | undefined): string[] {
  const values = value?.kind === 'list' ? listItems(bytes, value.start) : value === undefined ? [] : [value]
  const texts: string[] = []
  for (const item of values) {
    const text = textOf(bytes, item)
    if (text !== undefined && text !== '') texts.push(text)
    if (texts.length === TEXTS_LISTED_MAX) break
  }
  return texts
}

type Content = Pick<
  TorrentSummary,
  'name' | 'contentBytes' | 'paddingBytes' | 'pieceBytes' | 'pieceCount' | 'fileCount'
>

function warnOfContent(metainfo: Metainfo, content: Content, unreadableCount: number): Warning[] {
  const missing: string[] = []
  if (content.name === undefined) missing.push('no `name`')
  if (content.pieceBytes === undefined || content.pieceBytes <= 0) missing.push('no usable `piece length`')
  if (content.fileCount === 0) missing.push('no files')
  if (unreadableCount > 0) missing.push(`${unreadableCount} of its files without a path or a length`)
  const pieces = metainfo.infoEntries.get('pieces')
  if (pieces === undefined ? metainfo.infoHashV1 !== undefined : pieces.kind !== 'string') {
    missing.push('no `pieces`')
  } else if (pieces !== undefined && (pieces.end - pieces.contentStart) % PIECE_HASH_BYTES !== 0) {
    missing.push('`pieces` that are no whole number of SHA-1 hashes')
  }
  const warnings: Warning[] = []
  if (missing.length > 0) {
    warnings.push({
      code: 'info-incomplete',
      message: `no client downloads this: \`info\` has ${missing.join(', ')}; make the torrent again`,
    })
  } else if (metainfo.infoHashV1 !== undefined) {
    const needed = Math.ceil((content.contentBytes + content.paddingBytes) / (content.pieceBytes ?? 1))
    if (needed !== content.pieceCount) {
      warnings.push({
        code: 'pieces-mismatch',
        message:
          `no client downloads this: its files need ${needed} pieces and it has hashes of ` +
          `${content.pieceCount}; make the torrent again`,
      })
    }
  }
  if (metainfo.bytes.length > LIBTORRENT_FILE_BYTES_MAX) {
    warnings.push({
      code: 'file-large',
      message:
        'libtorrent 2.0 does not load a .torrent above 10,000,000 bytes unless it is told to; ' +
        'make the torrent again with larger pieces',
    })
  }
  return warnings
}

function warnOfVersion({ infoHashV1, infoHashV2 }: Metainfo): Warning[] {
  if (infoHashV2 === undefined) return []
  if (infoHashV1 === undefined) {
    return [
      {
        code: 'v2-only',
        message:
          'a v2 torrent: only libtorrent 2 and clients built on it download it; ' +
          'make a hybrid or a v1 torrent for the others',
      },
    ]
  }
  return [
    {
      code: 'hybrid',
      message:
        'a hybrid torrent is two swarms: libtorrent 2 announces both infohashes, other clients the first alone',
    },
  ]
}

function warnOfLocality(summary: Pick<TorrentSummary, 'isPrivate' | 'webSeeds'>): Warning[] {
  const warnings: Warning[] = []
  if (!summary.isPrivate) {
    warnings.push({
      code: 'not-private',
      message:
        'not private: through PEX, DHT and LSD clients find peers of other sites without asking any tracker; ' +
        'make the torrent again with private=1 (it is part of the infohash and cannot be added)',
    })
  }
  if (summary.webSeeds.length > 0) {
    warnings.push({
      code: 'web-seeds',
      message: 'has web seeds: clients of every site fetch from them, whatever any tracker says',
    })
  }
  return warnings
}

/** SHA-1. */
const PIECE_HASH_BYTES = 20

/** Observed with 2.0.8: one byte more is "metadata too large". */
const LIBTORRENT_FILE_BYTES_MAX = 10_000_000
