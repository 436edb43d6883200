/**
 * The files of a torrent, from `length` or `files` (BEP 3) or from the `file tree` (BEP 52). A generator, because a
 * torrent may have a million files and few callers need all of them at once.
 */
import { BencodeScanner } from '../bencode/scanner.ts'
import {
  type BencodeEntry,
  type BencodeValue,
  currentValue,
  dictionaryEntries,
  integerOf,
  listItems,
  textAt,
  textOf,
} from '../bencode/value.ts'
import type { Metainfo } from './metainfo.ts'

export interface TorrentFile {
  /**
   * Folders and name with slashes between them, cut off with an ellipsis where it is longer than any file system
   * allows. Untrusted: it must be checked before it is opened.
   */
  readonly path: string
  readonly lengthBytes: number
  /** BEP 47: zeros that move the next file to the start of a piece. */
  readonly isPadding: boolean
}

/** Yields undefined for an entry without a path or without a length. */
export function* torrentFiles(metainfo: Metainfo): Generator<TorrentFile | undefined> {
  const { bytes, infoEntries } = metainfo
  const name = textOf(bytes, infoEntries.get('name'), PATH_BYTES_MAX) ?? ''
  const files = infoEntries.get('files')
  const tree = infoEntries.get('file tree')
  if (files?.kind === 'list') {
    for (const item of listItems(bytes, files.start)) {
      yield item.kind === 'dictionary' ? readListed(bytes, item, name) : undefined
    }
  } else if (infoEntries.has('length')) {
    const lengthBytes = lengthOf(bytes, infoEntries.get('length'))
    yield lengthBytes === undefined ? undefined : { path: name, lengthBytes, isPadding: false }
  } else if (tree?.kind === 'dictionary') yield* readTree(bytes, tree, name)
}

function readListed(bytes: Buffer, item: BencodeValue, folder: string): TorrentFile | undefined {
  const properties = firstOfEach(dictionaryEntries(bytes, item.start))
  const path = properties.get('path.utf-8') ?? properties.get('path')
  const lengthBytes = lengthOf(bytes, properties.get('length'))
  if (path?.kind !== 'list' || lengthBytes === undefined) return undefined
  const parts = [folder]
  for (const part of listItems(bytes, path.start)) {
    const text = textOf(bytes, part, PATH_BYTES_MAX)
    if (text === undefined) return undefined
    if (parts.length <= PATH_PARTS_MAX) parts.push(text)
  }
  if (parts.length === 1) return undefined
  return { path: joinPath(parts), lengthBytes, isPadding: isPadding(bytes, properties) }
}

/**
 * Folders are dictionaries of names; a file is a dictionary whose only key is empty. One pass with a stack of
 * names, because a scan that restarts at each folder reads a deep tree a hundred times.
 */
function* readTree(bytes: Buffer, tree: BencodeValue, name: string): Generator<TorrentFile | undefined> {
  const scanner = new BencodeScanner(bytes, 'scanned bytes', tree.start)
  const path: string[] = []
  scanner.next()
  for (let token = scanner.next(); token !== undefined; token = scanner.next()) {
    if (token === 'end') {
      path.pop()
      continue
    }
    const part = textAt(bytes, scanner, PATH_BYTES_MAX)
    if (scanner.next() !== 'dictionary') {
      scanner.skip()
      yield undefined
    } else if (part !== '') path.push(part)
    else {
      const properties = firstOfEach(dictionaryEntries(bytes, currentValue(scanner).start))
      const lengthBytes = lengthOf(bytes, properties.get('length'))
      // A torrent of one file has that file, under its own name, as the whole tree.
      const parts = path.length === 1 && path[0] === name ? path : [name, ...path]
      yield lengthBytes === undefined
        ? undefined
        : { path: joinPath(parts), lengthBytes, isPadding: isPadding(bytes, properties) }
    }
  }
}

/** A path is built for every file of a torrent, so its length bounds the memory that a torrent can cost. */
function joinPath(parts: readonly string[]): string {
  let path = ''
  for (const [index, part] of parts.entries()) {
    path += index === 0 ? part : `/${part}`
    if (path.length > PATH_BYTES_MAX) return `${path.slice(0, PATH_BYTES_MAX)}…`
  }
  return path
}

/** PATH_MAX of Linux. */
const PATH_BYTES_MAX = 4096
/** The most that fit into a path, each with its slash. */
const PATH_PARTS_MAX = PATH_BYTES_MAX / 2

function isPadding(bytes: Buffer, properties: ReadonlyMap<string, BencodeValue>): boolean {
  return textOf(bytes, properties.get('attr'))?.includes('p') ?? false
}

function lengthOf(bytes: Buffer, value: BencodeValue | undefined): number | undefined {
  const lengthBytes = integerOf(bytes, value)
  return lengthBytes !== undefined && lengthBytes >= 0 ? lengthBytes : undefined
}

function firstOfEach(entries: Iterable<BencodeEntry>): Map<string, BencodeValue> {
  const first = new Map<string, BencodeValue>()
  for (const { key, value } of entries) {
    const name = key.toString('latin1')
    if (!first.has(name)) first.set(name, value)
  }
  return first
}
