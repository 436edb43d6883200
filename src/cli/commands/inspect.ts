/**
 * `inspect`: the content of a torrent or magnet as clients read it, with warnings.
 */
import { formatInfoHash } from '../../core/info-hash.ts'
import type { Magnet } from '../../metainfo/magnet.ts'
import type { Metainfo } from '../../metainfo/metainfo.ts'
import { FILES_LISTED_MAX, summarize, type TorrentSummary } from '../../metainfo/summary.ts'
import type { Warning } from '../../metainfo/warning.ts'
import { type Command, exitCodes } from '../command.ts'
import { formatByteSize } from '../byte-size.ts'
import { escapeControl } from '../escape-control.ts'
import { openTorrent } from '../torrent-argument.ts'

export const inspectCommand: Command = {
  examples: [
    'siteswarm inspect debian.torrent',
    'siteswarm inspect debian.torrent --json',
    "siteswarm inspect 'magnet:?xt=urn:btih:2bcb3dab253c7e8c9355b33f262efadd63005087'",
  ],
  flags: [],
  async run([argument = ''], flags, context) {
    const opened = openTorrent(argument)
    const [document, lines] =
      opened.kind === 'torrent'
        ? showTorrent(opened.metainfo, summarize(opened.metainfo))
        : showMagnet(opened.magnet)
    if (flags['json'] === true) context.out(JSON.stringify(document, null, 2))
    else for (const line of lines) context.out(line)
    return exitCodes.yes
  },
}

/** A JSON document, and the lines for people. */
type Shown = readonly [document: Readonly<Record<string, unknown>>, lines: readonly string[]]

function showTorrent(metainfo: Metainfo, summary: TorrentSummary): Shown {
  const { source, infoHashV1, infoHashV2 } = metainfo
  const { name, contentBytes, pieceBytes, pieceCount, fileCount, files, webSeeds, warnings } = summary
  const createdAt = showDate(summary.createdAtSeconds)
  const document = {
    kind: 'torrent',
    source,
    ...hashesOf(metainfo),
    name: name ?? null,
    contentBytes,
    paddingBytes: summary.paddingBytes,
    pieceBytes: pieceBytes ?? null,
    pieceCount,
    private: summary.isPrivate,
    tiers: summary.tiers,
    webSeeds,
    comment: summary.comment ?? null,
    createdBy: summary.createdBy ?? null,
    createdAt,
    fileCount,
    files: files.map(({ path, lengthBytes }) => ({ path, lengthBytes })),
    warnings,
  }
  const size = `${formatByteSize(contentBytes)} (${contentBytes} bytes) in ${plural(fileCount, 'file')}`
  const lines = [
    ...hashLines({ infoHashV1, infoHashV2 }),
    ...row('name', name),
    ...row('size', size),
    ...row('pieces', `${pieceCount} of ${pieceBytes === undefined ? '?' : formatByteSize(pieceBytes)}`),
    ...row('private', summary.isPrivate ? 'yes' : 'no'),
    ...rows('trackers', showTiers(summary.tiers)),
    ...rows('web seeds', webSeeds),
    ...row('comment', summary.comment),
    ...row('created by', summary.createdBy),
    ...row('created', createdAt ?? undefined),
    ...rows('files', showFiles(summary)),
    ...warningLines(warnings),
  ]
  return [document, lines]
}

function showMagnet(magnet: Magnet): Shown {
  const { name, trackers, webSeeds, warnings } = magnet
  const tiers = trackers.map((url) => [url])
  const document = { kind: 'magnet', ...hashesOf(magnet), name: name ?? null, tiers, webSeeds, warnings }
  const lines = [
    ...hashLines(magnet),
    ...row('name', name),
    ...rows('trackers', showTiers(tiers)),
    ...rows('web seeds', webSeeds),
    ...warningLines(warnings),
  ]
  return [document, lines]
}

type Hashes = Pick<Metainfo, 'infoHashV1' | 'infoHashV2'>

function hashesOf({ infoHashV1, infoHashV2 }: Hashes) {
  return {
    infoHashV1: infoHashV1 === undefined ? null : formatInfoHash(infoHashV1),
    infoHashV2: infoHashV2 === undefined ? null : formatInfoHash(infoHashV2),
  }
}

function hashLines({ infoHashV1, infoHashV2 }: Hashes): string[] {
  return [
    ...row('infohash', infoHashV1 === undefined ? undefined : formatInfoHash(infoHashV1)),
    ...row('infohash v2', infoHashV2 === undefined ? undefined : formatInfoHash(infoHashV2)),
    // The form in announces and logs.
    ...row('on the wire', infoHashV2 === undefined ? undefined : formatInfoHash(infoHashV2.subarray(0, 20))),
  ]
}

function showTiers(tiers: readonly (readonly string[])[]): string[] {
  if (tiers.length === 0) return ['none']
  return tiers.flatMap((tier, index) => tier.map((url) => `tier ${index + 1}  ${url}`))
}

function showFiles({ files, fileCount }: TorrentSummary): string[] {
  const shown = files
    .slice(0, FILES_SHOWN_MAX)
    .map(({ path, lengthBytes }) => `${formatByteSize(lengthBytes).padStart(9)}  ${path}`)
  return fileCount > shown.length
    ? [...shown, `and ${fileCount - shown.length} more; --json lists up to ${FILES_LISTED_MAX}`]
    : shown
}

/** Leaves room for the other rows on one screen. */
const FILES_SHOWN_MAX = 20

/** ISO 8601; null where the torrent has no date or one out of range. */
function showDate(seconds: number | undefined): string | null {
  const date = new Date((seconds ?? Number.NaN) * 1000)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}

const row = (label: string, value: string | undefined) => rows(label, value === undefined ? [] : [value])

function rows(label: string, values: readonly string[]): string[] {
  return values.map(
    (value, index) => `${(index === 0 ? label : '').padEnd(LABEL_WIDTH)}${escapeControl(value)}`,
  )
}

const LABEL_WIDTH = 13

function warningLines(warnings: readonly Warning[]): string[] {
  return warnings.map(({ code, message }) => `warning: ${escapeControl(message)} [${code}]`)
}

function plural(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`
}
