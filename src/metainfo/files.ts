/**
 * The files of a torrent for people and for web seeds, with the names that clients prefer (`name.utf-8`, `path.utf-8`). A
 * generator, because a torrent may have a million files and few callers need all of them at once.
 */
import { canonicalFile, canonicalName, canonicalRoot } from './clients/canonical-names.ts'
import { fullPath } from './clients/client.ts'
import { contentEntries, type ContentEntry } from './clients/content-entries.ts'
import type { Metainfo } from './metainfo.ts'

export interface TorrentFile {
  /**
   * Folders and name with slashes between them, cut off with an ellipsis where it is longer than any file system
   * allows; bytes that are not UTF-8 are U+FFFD. Untrusted: it must be checked before it is opened.
   */
  readonly path: string
  /** 0 for a link. */
  readonly lengthBytes: number
  /** BEP 47: zeros that move the next file to the start of a piece. */
  readonly isPadding: boolean
  /** BEP 47: a symbolic link, which has no content. */
  readonly isLink: boolean
}

/** Yields undefined for an entry without a path or without a length. */
export function* torrentFiles(metainfo: Metainfo): Generator<TorrentFile | undefined> {
  const root = canonicalRoot(metainfo)
  const name = canonicalName(metainfo)
  for (const entry of contentEntries(metainfo)) {
    const lengthBytes = entry === undefined ? undefined : lengthOf(entry)
    if (entry === undefined || lengthBytes === undefined || !hasPath(entry, root)) yield undefined
    else {
      const path = textOf(fullPath(root, canonicalFile(entry, root, name)))
      yield { path, lengthBytes, isPadding: isPadding(entry, path), isLink: entry.attributes.includes('l') }
    }
  }
}

/** A link has no content, with or without a `length`. */
function lengthOf({ attributes, lengthBytes }: ContentEntry): number | undefined {
  if (attributes.includes('l')) return 0
  return lengthBytes !== undefined && lengthBytes >= 0 ? lengthBytes : undefined
}

/** BitComet marks padding by a name, before there was an attribute for it. */
function isPadding({ attributes }: ContentEntry, path: string): boolean {
  return attributes.includes('p') || path.includes('_____padding_file_')
}

function hasPath({ path, pathUtf8, attributes }: ContentEntry, root: string | undefined): boolean {
  if (root === undefined) return true
  const elements = pathUtf8 ?? path
  // Only padding needs none.
  if (elements === undefined || elements.length === 0) return attributes.includes('p')
  return !elements.includes(undefined)
}

function textOf(path: string): string {
  const text = Buffer.from(path.slice(0, PATH_BYTES_MAX), 'latin1').toString('utf8')
  return path.length > PATH_BYTES_MAX ? `${text}…` : text
}

/** PATH_MAX of Linux. */
const PATH_BYTES_MAX = 4096
