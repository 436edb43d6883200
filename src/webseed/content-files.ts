/**
 * The files of a torrent as web seeds name them (BEP 19), and which file of the origin each one is.
 *
 * Threat: a path in a request may be anything, and so may a path in a torrent. So neither is ever opened: a request
 * names a file only by being equal to a name in the torrent, and that file is read as a number in the list that the
 * opened origin made of itself.
 */
import { InputError } from '../core/errors.ts'
import { torrentFiles } from '../metainfo/files.ts'
import type { Metainfo } from '../metainfo/metainfo.ts'
import type { Origin } from '../origin/origin.ts'

export interface ContentFile {
  /** From 0, padding included. */
  readonly number: number
  readonly sizeBytes: number
  /** Zeros that aria2, which does not know of padding (BEP 47), asks for like any other file. */
  readonly isPadding: boolean
}

export interface ContentFiles {
  /** False where the torrent is a folder, though it may have one file only. */
  readonly isSingle: boolean
  /** By folders and name with slashes between them, beginning with the name of the torrent. */
  readonly byPath: ReadonlyMap<string, ContentFile>
}

/** Throws an `InputError` where a file has no path or no length. */
export function readContentFiles(metainfo: Metainfo): ContentFiles {
  const byPath = new Map<string, ContentFile>()
  let number = 0
  for (const file of torrentFiles(metainfo)) {
    if (file === undefined) throw new InputError(`${metainfo.source}: a file without a path or a length`)
    byPath.set(file.path, { number: number++, sizeBytes: file.lengthBytes, isPadding: file.isPadding })
  }
  const [only] = byPath.keys()
  return { isSingle: byPath.size === 1 && only?.includes('/') === false, byPath }
}

/**
 * The file that a request names: what stands behind `/webseed/{infohash}`, still escaped. For a single file the
 * URL itself will do, with and without a slash: some clients add the name only to the slash.
 */
export function findContentFile(files: ContentFiles, escapedPath: string): ContentFile | undefined {
  const path = unescapePath(escapedPath)
  if (path === undefined) return undefined
  if (path === '' && files.isSingle) return [...files.byPath.values()][0]
  return files.byPath.get(path)
}

/** Without the slash it begins with. undefined where a part is not UTF-8, or would be two parts. */
function unescapePath(escaped: string): string | undefined {
  try {
    const parts = escaped.replace(/^\//, '').split('/').map(decodeURIComponent)
    return parts.some((part) => part.includes('/')) ? undefined : parts.join('/')
  } catch {
    return undefined
  }
}

/**
 * By the number of a torrent's file, the index of the origin's. Throws an `InputError` where the origin cannot be
 * what the torrent was made of: another shape, a file missing, another size.
 */
export function matchOrigin(
  files: ContentFiles,
  origin: Pick<Origin, 'isFolder' | 'files'>,
): ReadonlyMap<number, number> {
  if (files.isSingle === origin.isFolder)
    throw new InputError(
      files.isSingle
        ? 'the origin is a folder, the torrent one file'
        : 'the origin is one file, the torrent a folder',
    )
  const indexes = new Map(origin.files.map((file, index) => [file.path.join('/'), index]))
  const matched = new Map<number, number>()
  for (const [path, { number, sizeBytes, isPadding }] of files.byPath) {
    if (isPadding) continue
    const inOrigin = files.isSingle ? '' : path.slice(path.indexOf('/') + 1)
    const index = indexes.get(inOrigin)
    if (index === undefined) throw new InputError(`the origin has no file ${JSON.stringify(inOrigin)}`)
    if (origin.files[index]?.sizeBytes !== sizeBytes)
      throw new InputError(
        `${files.isSingle ? 'the origin' : JSON.stringify(inOrigin)} has ${origin.files[index]?.sizeBytes} bytes, the torrent says ${sizeBytes}`,
      )
    matched.set(number, index)
  }
  return matched
}
