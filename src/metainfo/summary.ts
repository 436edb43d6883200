/**
 * Summary of a torrent for people: everything that `inspect` prints, with the warnings.
 *
 * Rewriting needs none of it. A file that no client downloads still has a summary, with a warning for the missing
 * parts. All lists are bounded in total, because a file may consist of nothing but names.
 */
import { type BencodeValue, integerOf, listItems, textOf } from '../bencode/value.ts'
import { warnOfClients } from './client-warnings.ts'
import { warnOfPrivacy, warnOfSize, warnOfVersion } from './content-warnings.ts'
import { type TorrentFile, torrentFiles } from './files.ts'
import type { Metainfo } from './metainfo.ts'
import type { RewriteChanges, Tiers } from './rewrite.ts'
import { warnOfTrackers, warnOfWebSeeds } from './url-warnings.ts'
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
  /** The first `FILES_LISTED_MAX`, fewer where their paths are extremely long. */
  readonly files: readonly TorrentFile[]
  readonly isPrivate: boolean
  /** As clients read them: `announce` counts only where there is no list. */
  readonly tiers: readonly (readonly string[])[]
  readonly webSeeds: readonly string[]
  readonly comment: string | undefined
  readonly createdBy: string | undefined
  /** Seconds since 1970. */
  readonly createdAtSeconds: number | undefined
  /**
   * The reason why the torrent is not registered or rewritten, as in the warning `info-incomplete`; undefined for a torrent
   * that some client downloads.
   */
  readonly refusal: string | undefined
  /** Includes those about the encoding. */
  readonly warnings: readonly Warning[]
}

/** SHA-1. */
const PIECE_HASH_BYTES = 20

/** More than a person reads, in a JSON document that common tools still open. The total is always right. */
export const FILES_LISTED_MAX = 10_000

/** Trackers, tiers, web seeds: a file with more of them is an attempt to exhaust memory. */
const TEXTS_LISTED_MAX = 10_000

/** Total length of all paths, and of all URLs: three times that of ten thousand ordinary ones. */
const LISTED_LENGTH_MAX = 4_194_304

/** HTTP servers refuse longer request targets, so the URL of a working tracker is never cut. */
const URL_BYTES_MAX = 16_384

/** With `rewritten`: the summary of the torrent after it gets these trackers, and these web seeds where given. */
export function summarize(
  metainfo: Metainfo,
  rewritten?: Pick<RewriteChanges, 'webSeeds'> & { readonly tiers: Tiers },
): TorrentSummary {
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
  const trackers =
    rewritten === undefined ? readTrackers(bytes, top) : { tiers: rewritten.tiers, warnings: [] }
  const budget = newBudget()
  const webSeeds = rewritten?.webSeeds ?? [
    ...readTexts(bytes, top.get('url-list'), budget),
    ...readTexts(bytes, top.get('httpseeds'), budget),
  ]
  const summary = {
    name: textOf(bytes, infoEntries.get('name.utf-8') ?? infoEntries.get('name')),
    contentBytes: content.contentBytes,
    paddingBytes: content.paddingBytes,
    pieceBytes,
    pieceCount,
    fileCount: content.fileCount,
    files: content.files,
    isPrivate: integerOf(bytes, infoEntries.get('private')) === 1,
    tiers: trackers.tiers,
    webSeeds,
    comment: textOf(bytes, top.get('comment.utf-8') ?? top.get('comment')),
    createdBy: textOf(bytes, top.get('created by')),
    createdAtSeconds: integerOf(bytes, top.get('creation date')),
  }
  const clients = warnOfClients(metainfo)
  const warnings = [
    ...metainfo.warnings,
    ...clients.warnings,
    ...warnOfSize(metainfo),
    ...warnOfVersion(metainfo),
    ...warnOfPrivacy(summary.isPrivate),
    ...trackers.warnings,
    ...warnOfWebSeeds(webSeeds),
  ]
  return { ...summary, refusal: clients.refusal, warnings }
}

/** Only the web seeds of BEP 19: those of `httpseeds` (BEP 17) use another protocol and are not valid in `url-list`. */
export function urlListOf({ bytes, entries }: Metainfo): string[] {
  const list = entries.find(({ key }) => key.toString('latin1') === 'url-list')
  return readTexts(bytes, list?.value, newBudget())
}

function countFiles(metainfo: Metainfo, pieceBytes: number | undefined) {
  const files: TorrentFile[] = []
  let listedLength = 0
  let fileCount = 0
  let contentBytes = 0
  let paddingBytes = 0
  let pieceCountV2 = 0
  for (const file of torrentFiles(metainfo)) {
    if (file === undefined) continue
    if (file.isPadding) paddingBytes += file.lengthBytes
    else {
      if (files.length < FILES_LISTED_MAX && listedLength < LISTED_LENGTH_MAX) files.push(file)
      listedLength += file.path.length
      fileCount++
      contentBytes += file.lengthBytes
      // In v2 each file begins a new piece.
      if (pieceBytes !== undefined && pieceBytes > 0) pieceCountV2 += Math.ceil(file.lengthBytes / pieceBytes)
    }
  }
  return { files, fileCount, contentBytes, paddingBytes, pieceCountV2 }
}

function readTrackers(bytes: Buffer, top: ReadonlyMap<string, BencodeValue>) {
  const announce = textOf(bytes, top.get('announce'), URL_BYTES_MAX) ?? ''
  const listed = readTiers(bytes, top.get('announce-list'))
  const tiers = listed.length > 0 ? listed : announce === '' ? [] : [[announce]]
  const warnings = warnOfTrackers(tiers.flat())
  if (listed.length > 0 && announce !== '' && !listed.flat().includes(announce)) {
    warnings.push({
      code: 'announce-outside-list',
      message: `\`announce\` is ${announce}, which is in no tier: only Transmission 4 announces there too`,
    })
  }
  return { tiers, warnings }
}

function readTiers(bytes: Buffer, value: BencodeValue | undefined): string[][] {
  if (value?.kind !== 'list') return []
  const tiers: string[][] = []
  const budget = newBudget()
  for (const tier of listItems(bytes, value.start)) {
    // An empty tier counts too, since it costs memory.
    if (--budget.texts < 0) break
    const urls = tier.kind === 'list' ? readTexts(bytes, tier, budget) : []
    if (urls.length > 0) tiers.push(urls)
  }
  return tiers
}

/** The remaining room in a list. */
interface Budget {
  texts: number
  length: number
}

const newBudget = (): Budget => ({ texts: TEXTS_LISTED_MAX, length: LISTED_LENGTH_MAX })

/** A list of strings, or a single string, which `url-list` may be (BEP 19). Empty strings are skipped. */
function readTexts(bytes: Buffer, value: BencodeValue | undefined, budget: Budget): string[] {
  const values = value?.kind === 'list' ? listItems(bytes, value.start) : value === undefined ? [] : [value]
  const texts: string[] = []
  for (const item of values) {
    if (--budget.texts < 0 || budget.length < 0) break
    const text = textOf(bytes, item, URL_BYTES_MAX)
    if (text === undefined || text === '') continue
    texts.push(text)
    budget.length -= text.length
  }
  return texts
}
