/** The files of a torrent as libtorrent 2.0 lays them out, from either description. */
import { createHash } from 'node:crypto'
import type { Metainfo } from '../metainfo.ts'
import { NO_LENGTH, NO_PATH, NOT_A_FILE } from './client.ts'
import {
  type ContentEntry,
  type ContentLayout,
  contentLayout,
  ROOT_BYTES,
  singleTreeName,
  treeEntries,
} from './content-entries.ts'
import { libtorrentName } from './libtorrent-name.ts'
import { torrentName } from './torrent-name.ts'

export interface LibtorrentFile {
  /** Below the folder of the torrent, or the name of a torrent of one file. */
  readonly path: string
  readonly lengthBytes: number
  readonly isPadding: boolean
}

/** Its hash trees have no more blocks. */
const FILE_BYTES_MAX = 2 ** 44

const NAMES_OF_ZEROS = '\0'.repeat(ROOT_BYTES)

/** The folder of the torrent; undefined for one file without a folder. */
export function libtorrentRoot(metainfo: Metainfo): string | undefined {
  const layout = contentLayout(metainfo)
  if (layout === 'single' || (layout === 'tree' && singleTreeName(metainfo) !== undefined)) return undefined
  return libtorrentFolder(metainfo)
}

/** A name that vanishes is replaced by the infohash. */
export function libtorrentFolder({ bytes, info, ...metainfo }: Metainfo): string {
  const name = torrentName({ bytes, info, ...metainfo }) ?? ''
  return libtorrentName(name) ?? createHash('sha1').update(bytes.subarray(info.start, info.end)).digest('hex')
}

/** A file of `files` or of `length`, or the reason why the torrent is refused. */
export function readListedFile(
  entry: ContentEntry | undefined,
  metainfo: Metainfo,
  layout: ContentLayout,
): LibtorrentFile | string {
  if (entry === undefined) return NOT_A_FILE
  const { attributes } = entry
  const lengthBytes = lengthOf(entry)
  if (lengthBytes === undefined) return NO_LENGTH
  if (layout === 'single') {
    const name = torrentName(metainfo) ?? ''
    const path = name === '' ? undefined : libtorrentName(name)
    return path === undefined ? 'it has no usable `name`' : { path, lengthBytes, isPadding: false }
  }
  const elements = entry.pathUtf8 ?? entry.path ?? []
  if (elements.includes(undefined)) return NO_PATH
  const isPadding = attributes.includes('p')
  if (elements.length === 0)
    return isPadding ? { path: `.pad/${lengthBytes}`, lengthBytes, isPadding } : NO_PATH
  const path = joinNames(elements as readonly string[])
  // BitComet's padding has no attribute.
  return { path, lengthBytes, isPadding: isPadding || path.includes('_____padding_file_') }
}

/** A file of the `file tree`, or the reason why the torrent is refused. */
export function readTreeFile(entry: ContentEntry | undefined): LibtorrentFile | string {
  if (entry === undefined) return NOT_A_FILE
  if (entry.attributes.includes('p')) return 'a `file tree` has no padding'
  const lengthBytes = lengthOf(entry)
  if (lengthBytes === undefined) return NO_LENGTH
  const { piecesRoot } = entry
  if (lengthBytes > 0 && (piecesRoot?.length !== ROOT_BYTES || piecesRoot === NAMES_OF_ZEROS))
    return 'a file has no `pieces root` of 32 bytes'
  return { path: joinNames((entry.path ?? []) as readonly string[]), lengthBytes, isPadding: false }
}

/** With padding after each file that does not end with a piece. Yields a reason and ends where the torrent is refused. */
export function* treeFiles(metainfo: Metainfo, pieceBytes: number): Generator<LibtorrentFile | string> {
  for (const entry of treeEntries(metainfo)) {
    const file = readTreeFile(entry)
    yield file
    if (typeof file === 'string') return
    const rest = file.lengthBytes % pieceBytes
    if (rest > 0) yield { path: '', lengthBytes: pieceBytes - rest, isPadding: true }
  }
}

/** A link has no content, with or without a `length`. undefined where the length is missing or unusable. */
function lengthOf({ attributes, lengthBytes }: ContentEntry): number | undefined {
  if (attributes.includes('l')) return 0
  return lengthBytes !== undefined && lengthBytes >= 0 && lengthBytes < FILE_BYTES_MAX
    ? lengthBytes
    : undefined
}

function joinNames(names: readonly string[]): string {
  const joined = names
    .map(libtorrentName)
    .filter((name) => name !== undefined)
    .join('/')
  return joined === '' ? '_' : joined
}
