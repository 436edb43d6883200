/**
 * Warnings about the content of a torrent: no client can download it, only some clients can, or clients find each
 * other without a tracker.
 */
import type { Metainfo } from './metainfo.ts'
import type { TorrentSummary } from './summary.ts'
import type { Warning } from './warning.ts'

type Content = Pick<
  TorrentSummary,
  'name' | 'contentBytes' | 'paddingBytes' | 'pieceBytes' | 'pieceCount' | 'fileCount'
>

/** `unreadableCount` of its files have no path or no length. */
export function warnOfContent(metainfo: Metainfo, content: Content, unreadableCount: number): Warning[] {
  const missing: string[] = []
  if (content.name === undefined) missing.push('no `name`')
  if (content.pieceBytes === undefined || content.pieceBytes <= 0) missing.push('no usable `piece length`')
  if (content.fileCount === 0) missing.push('no files')
  if (unreadableCount > 0) missing.push(`${unreadableCount} of its files without a path or a length`)
  const pieces = metainfo.infoEntries.get('pieces')
  if (pieces === undefined ? metainfo.infoHashV1 !== undefined : pieces.kind !== 'string') {
    missing.push('no `pieces`')
  } else if (pieces !== undefined && (pieces.end - pieces.contentStart) % PIECE_HASH_BYTES !== 0) {
    missing.push('`pieces` whose length is not a multiple of 20')
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
          `no client downloads this: its files need ${needed} pieces and it has the hashes of ` +
          `${content.pieceCount}; make the torrent again`,
      })
    }
  }
  if (metainfo.bytes.length > LIBTORRENT_FILE_BYTES_MAX) {
    warnings.push({
      code: 'file-large',
      message:
        'libtorrent 2.0 does not load a .torrent above 10,000,000 bytes unless configured to; ' +
        'make the torrent again with larger pieces',
    })
  }
  return warnings
}

/** `metaVersion` is undefined where `info` has none or an unreadable one. */
export function warnOfVersion(metainfo: Metainfo, metaVersion: number | undefined): Warning[] {
  const { infoHashV1, infoHashV2 } = metainfo
  if (infoHashV2 === undefined) {
    if (metaVersion === 1 || !metainfo.infoEntries.has('meta version')) return []
    return [
      {
        code: 'version-unknown',
        message:
          '`meta version` is neither 1 nor 2: libtorrent refuses the file, other clients read it as a v1 torrent; ' +
          'make the torrent again',
      },
    ]
  }
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
        'a hybrid torrent has two swarms: libtorrent 2 announces both infohashes, other clients only the v1 infohash',
    },
  ]
}

export function warnOfPrivacy(isPrivate: boolean): Warning[] {
  if (isPrivate) return []
  return [
    {
      code: 'not-private',
      message:
        'not private: clients find peers of other sites through PEX, DHT and LSD, without a tracker; ' +
        'make the torrent again with private=1 (it is part of the infohash and cannot be added)',
    },
  ]
}

/** SHA-1. */
export const PIECE_HASH_BYTES = 20

/** Observed with 2.0.8: one byte more is "metadata too large". */
const LIBTORRENT_FILE_BYTES_MAX = 10_000_000
