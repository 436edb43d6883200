/**
 * libtorrent 2.0, which qBittorrent and Deluge use. In a v2 or hybrid torrent it reads the `file tree` (BEP 52); both
 * descriptions of a hybrid torrent must agree.
 */
import { integerOf } from '../../bencode/value.ts'
import type { Metainfo } from '../metainfo.ts'
import {
  NO_BYTES,
  NO_FILES,
  NO_PIECE_LENGTH,
  NO_PIECES,
  type OpenReader,
  UNKNOWN_VERSION,
  WRONG_PIECES,
} from './client.ts'
import { contentEntries, contentLayout } from './content-entries.ts'
import { HybridTree } from './hybrid-tree.ts'
import { libtorrentRoot, readListedFile, readTreeFile } from './libtorrent-files.ts'
import { pieceLayersProblem } from './piece-layers.ts'
import { torrentName } from './torrent-name.ts'

const BLOCK_BYTES = 16_384
/** More are refused: pieces have less than 512 MiB. */
const BLOCKS_PER_PIECE_MAX = 32_767
const PIECES_MAX = 2 ** 21
const SHA1_BYTES = 20

export const openLibtorrent: OpenReader = (metainfo) => {
  const pieceBytes = integerOf(metainfo.bytes, metainfo.infoEntries.get('piece length')) ?? 0
  const layout = contentLayout(metainfo)
  const isTree = layout === 'tree'
  let problem = headProblem(metainfo, pieceBytes)
  const root = problem === undefined ? libtorrentRoot(metainfo) : undefined
  const hybrid =
    problem === undefined && metainfo.infoHashV2 !== undefined && !isTree
      ? new HybridTree(metainfo, pieceBytes)
      : undefined
  const isAlone = isOnlyEntry(metainfo)
  let totalBytes = 0
  let count = 0

  return {
    add(entry) {
      const file = isTree ? readTreeFile(entry) : readListedFile(entry, metainfo, layout)
      if (typeof file === 'string') problem ??= file
      if (problem !== undefined || typeof file === 'string') return undefined
      count++
      hybrid?.compare(file, totalBytes)
      totalBytes += file.lengthBytes
      const paddingBytes = isTree ? (pieceBytes - (totalBytes % pieceBytes)) % pieceBytes : 0
      totalBytes += paddingBytes
      const { path } = file
      // A torrent of one file is requested by its name alone, even where that is a folder.
      const requested = isAlone && paddingBytes === 0 && root !== undefined ? '' : path
      const isRequested = !file.isPadding && file.lengthBytes > 0
      return {
        root,
        written: file.isPadding ? undefined : path,
        requested: isRequested ? requested : undefined,
      }
    },
    problem() {
      problem ??= count === 0 ? NO_FILES : hybrid?.end(totalBytes)
      problem ??= totalBytes === 0 ? NO_BYTES : piecesProblem(metainfo, Math.ceil(totalBytes / pieceBytes))
      return problem ?? pieceLayersProblem(metainfo, pieceBytes)
    },
  }
}

function headProblem(metainfo: Metainfo, pieceBytes: number): string | undefined {
  const { bytes, infoEntries, infoHashV2 } = metainfo
  const version = integerOf(bytes, infoEntries.get('meta version')) ?? 0
  const isV2 = infoHashV2 !== undefined
  if (version > 2) return UNKNOWN_VERSION
  if (pieceBytes <= 0) return NO_PIECE_LENGTH
  if (Math.ceil(pieceBytes / BLOCK_BYTES) > BLOCKS_PER_PIECE_MAX) return 'its pieces have 512 MiB or more'
  if (isV2 && (pieceBytes < BLOCK_BYTES || !Number.isInteger(Math.log2(pieceBytes))))
    return 'the `piece length` of a v2 torrent must be a power of two from 16 KiB on'
  if (torrentName(metainfo) === undefined) return 'it has no `name`'
  const hasTree = infoEntries.get('file tree')?.kind === 'dictionary'
  if (isV2 && !hasTree) return 'a v2 torrent needs a `file tree`'
  return !isV2 && hasTree ? 'a `file tree` needs `meta version` 2' : undefined
}

function isOnlyEntry(metainfo: Metainfo): boolean {
  const entries = contentEntries(metainfo)
  entries.next()
  return entries.next().done === true
}

function piecesProblem({ infoEntries, infoHashV1 }: Metainfo, pieceCount: number): string | undefined {
  if (pieceCount > PIECES_MAX) return `it has more than ${PIECES_MAX} pieces`
  const pieces = infoEntries.get('pieces')
  if (pieces?.kind !== 'string') return infoHashV1 === undefined ? undefined : NO_PIECES
  return pieces.end - pieces.contentStart === pieceCount * SHA1_BYTES ? undefined : WRONG_PIECES
}
