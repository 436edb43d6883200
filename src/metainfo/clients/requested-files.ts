/**
 * The file of a torrent that a request to a web seed names. Clients request the names that they write, so a file has several
 * names. Those of the torrent come first; a name that clients give to two files leads to neither.
 *
 * Paths are bytes, one character each, and are only compared: no path of a request or of a torrent is ever opened.
 */
import type { Metainfo } from '../metainfo.ts'
import { openAria2 } from './aria2.ts'
import { canonicalFile, canonicalName, canonicalRoot } from './canonical-names.ts'
import { isPlainName } from './client.ts'
import { contentEntries } from './content-entries.ts'
import { openLibtorrent } from './libtorrent.ts'
import { plainName } from './torrent-name.ts'
import { openTransmission } from './transmission.ts'
import { transmission4Paths } from './transmission-4.ts'

const AMBIGUOUS = -1

export class RequestedFiles {
  /** The path of each file below the folder, in the torrent. */
  readonly paths: readonly string[]
  /** False for a torrent of one file without a folder. */
  readonly isFolder: boolean
  readonly #roots: ReadonlySet<string>
  readonly #numbers: ReadonlyMap<string, number>
  /** Names that only some client uses. */
  readonly #otherNumbers: ReadonlyMap<string, number>
  readonly #others: ReadonlyMap<number, readonly string[]>

  constructor(metainfo: Metainfo) {
    const root = canonicalRoot(metainfo)
    const name = canonicalName(metainfo)
    const roots = new Set(
      root === undefined ? [] : [root, plainName(metainfo) ?? root, ...transmission4Paths(root)],
    )
    const readers = [openLibtorrent, openAria2, openTransmission].map((open) => open(metainfo))
    const paths: string[] = []
    const others = new Map<number, readonly string[]>()
    for (const entry of contentEntries(metainfo)) {
      const number = paths.length
      const path = entry === undefined ? '' : canonicalFile(entry, root, name)
      paths.push(path)
      // The first file also has the names of the folder.
      if (number > 0 && entry?.pathUtf8 === undefined && path.split('/').every(isPlainName)) continue
      const names = new Set(transmission4Paths(path))
      if (entry?.pathUtf8 !== undefined && entry.path !== undefined)
        names.add(entry.path.map((part) => part ?? '').join('/'))
      for (const reader of readers) {
        const file = reader.add(entry)
        if (file?.root !== undefined) roots.add(file.root)
        for (const each of [file?.requested, file?.written]) if (each !== undefined) names.add(each)
      }
      names.delete(path)
      if (names.size > 0) others.set(number, [...names])
    }
    this.paths = paths
    this.isFolder = root !== undefined
    this.#roots = roots
    this.#others = others
    this.#numbers = numbered(paths.map((path, number) => [number, [path]]))
    this.#otherNumbers = numbered(others)
  }

  /**
   * The number of the file that the rest of a URL names, still escaped. Of a single file the URL itself is a name, with and
   * without a slash: some clients add the name only to the slash. undefined where no file or more than one has the name.
   */
  find(escapedPath: string): number | undefined {
    const path = escapedPath.replace(/^\//, '')
    const [withoutQuery = ''] = path.split('?', 1)
    // Some clients do not escape question marks and percent signs.
    for (const each of new Set([unescapeBytes(withoutQuery), unescapeBytes(path), path])) {
      const number = this.#findUnescaped(each)
      if (number !== undefined) return number
    }
    return undefined
  }

  /** Other names that a client may have given the file, in an origin that a client wrote. */
  otherPaths(number: number): readonly string[] {
    return this.#others.get(number) ?? []
  }

  #findUnescaped(path: string): number | undefined {
    if (!this.isFolder) return path === '' ? 0 : this.#numberOf(path)
    for (const root of this.#roots) {
      // libtorrent requests a folder of one file by the name of the folder.
      if (path === root && this.paths.length === 1) return 0
      const number = path.startsWith(`${root}/`) ? this.#numberOf(path.slice(root.length + 1)) : undefined
      if (number !== undefined) return number
    }
    return undefined
  }

  #numberOf(path: string): number | undefined {
    const number = this.#numbers.get(path) ?? this.#otherNumbers.get(path)
    return number === AMBIGUOUS ? undefined : number
  }
}

function numbered(names: Iterable<readonly [number, readonly string[]]>): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>()
  for (const [number, paths] of names) {
    for (const path of paths) numbers.set(path, numbers.has(path) ? AMBIGUOUS : number)
  }
  return numbers
}

/** A percent sign without two hexadecimal digits stands for itself. */
function unescapeBytes(text: string): string {
  return text.replaceAll(/%([0-9a-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  )
}
