/**
 * The files of a torrent as its bytes describe them, unchecked: one client ignores what makes another refuse the torrent.
 * Names are strings of one character per byte (latin1), because not every name is UTF-8.
 */
import { BencodeScanner } from '../../bencode/scanner.ts'
import {
  type BencodeEntry,
  type BencodeValue,
  currentValue,
  dictionaryEntries,
  integerOf,
  latin1Of,
  listItems,
} from '../../bencode/value.ts'
import type { Metainfo } from '../metainfo.ts'

/** undefined for an element that is not a string. */
export type PathElements = readonly (string | undefined)[]

export interface ContentEntry {
  /** undefined where there is no list of that name, and for a torrent of one file without a folder. */
  readonly path: PathElements | undefined
  readonly pathUtf8: PathElements | undefined
  /** True where the key is there, with a list or not. */
  readonly hasPathUtf8: boolean
  /** undefined where it is missing, not an integer, or beyond 2^53. May be negative. */
  readonly lengthBytes: number | undefined
  /** BEP 47: `p` padding, `l` symbolic link, `x` executable, `h` hidden. */
  readonly attributes: string
  readonly symlinkPath: PathElements | undefined
  readonly piecesRoot: string | undefined
}

/** Where a torrent describes its files: `files` or `length` (BEP 3), or only in the `file tree` (BEP 52). */
export type ContentLayout = 'list' | 'single' | 'tree' | 'none'

export function contentLayout({ infoEntries }: Metainfo): ContentLayout {
  if (infoEntries.get('files')?.kind === 'list') return 'list'
  if (infoEntries.has('length')) return 'single'
  return infoEntries.get('file tree')?.kind === 'dictionary' ? 'tree' : 'none'
}

/** undefined for an entry that is not a dictionary; the files of a malformed tree end with one. */
export function* contentEntries(metainfo: Metainfo): Generator<ContentEntry | undefined> {
  const { bytes, infoEntries } = metainfo
  switch (contentLayout(metainfo)) {
    case 'list':
      for (const item of listItems(bytes, infoEntries.get('files')?.start ?? 0)) {
        const isDictionary = item.kind === 'dictionary'
        yield isDictionary ? readEntry(bytes, firstOfEach(dictionaryEntries(bytes, item.start))) : undefined
      }
      return
    case 'single':
      yield { ...readEntry(bytes, infoEntries), path: undefined, pathUtf8: undefined, hasPathUtf8: false }
      return
    case 'tree':
      yield* treeEntries(metainfo)
      return
    case 'none':
  }
}

/**
 * The files of the `file tree`: a file is a dictionary whose only key is empty, and every other key names a dictionary.
 * One pass, because a scan that restarts at each folder reads a deep tree a hundred times.
 */
export function* treeEntries({ bytes, infoEntries }: Metainfo): Generator<ContentEntry | undefined> {
  const tree = infoEntries.get('file tree')
  if (tree?.kind !== 'dictionary') return
  const scanner = new BencodeScanner(bytes, 'scanned bytes', tree.start)
  const path: string[] = []
  /** The number of keys that were read of each open folder, and whether one of them is empty. */
  const open = [{ keys: 0, isFile: false }]
  scanner.next()
  for (let token = scanner.next(); token !== undefined; token = scanner.next()) {
    if (token === 'end') {
      path.pop()
      open.pop()
      continue
    }
    const nameEnd = Math.min(scanner.end, scanner.contentStart + NAME_BYTES_MAX)
    const name = bytes.toString('latin1', scanner.contentStart, nameEnd)
    const folder = open.at(-1)
    if (folder === undefined) return
    folder.keys++
    folder.isFile ||= name === ''
    const isMalformed = folder.isFile && (folder.keys > 1 || path.length === 0)
    if (scanner.next() !== 'dictionary' || isMalformed) {
      yield undefined
      return
    }
    if (name === '') {
      const properties = firstOfEach(dictionaryEntries(bytes, currentValue(scanner).start))
      yield { ...readEntry(bytes, properties), path: [...path], pathUtf8: undefined, hasPathUtf8: false }
    } else {
      path.push(name)
      open.push({ keys: 0, isFile: false })
    }
  }
}

/** The name of a torrent whose tree is a single file, which then has no folder; undefined for any other tree. */
export function singleTreeName(metainfo: Metainfo): string | undefined {
  const [first, second] = treeEntries(metainfo)
  return second === undefined && first?.path?.length === 1 ? first.path[0] : undefined
}

function readEntry(bytes: Buffer, properties: ReadonlyMap<string, BencodeValue>): ContentEntry {
  return {
    path: elementsOf(bytes, properties.get('path')),
    pathUtf8: elementsOf(bytes, properties.get('path.utf-8')),
    hasPathUtf8: properties.has('path.utf-8'),
    lengthBytes: integerOf(bytes, properties.get('length')),
    attributes: latin1Of(bytes, properties.get('attr'), ATTRIBUTES_MAX) ?? '',
    symlinkPath: elementsOf(bytes, properties.get('symlink path')),
    piecesRoot: latin1Of(bytes, properties.get('pieces root'), ROOT_BYTES + 1),
  }
}

function elementsOf(bytes: Buffer, value: BencodeValue | undefined): PathElements | undefined {
  if (value?.kind !== 'list') return undefined
  const elements: (string | undefined)[] = []
  for (const item of listItems(bytes, value.start)) {
    // They are held until the file has been read: a file with millions of them must not fill the memory.
    if (elements.length === PATH_ELEMENTS_MAX) break
    elements.push(latin1Of(bytes, item, NAME_BYTES_MAX))
  }
  return elements
}

function firstOfEach(entries: Iterable<BencodeEntry>): Map<string, BencodeValue> {
  const first = new Map<string, BencodeValue>()
  for (const { key, value } of entries) {
    const name = key.toString('latin1')
    if (!first.has(name)) first.set(name, value)
  }
  return first
}

/** As many as fit into a path of Linux (PATH_MAX, 4096 bytes), each with its slash. */
const PATH_ELEMENTS_MAX = 2048

/** The rest of a longer name is ignored: no file system has names of more than 255 bytes, and libtorrent shortens them. */
export const NAME_BYTES_MAX = 4096

/** Clients know four letters. */
const ATTRIBUTES_MAX = 16

/** SHA-256. */
export const ROOT_BYTES = 32
