/**
 * Files of a torrent by their web seed paths (BEP 19), and the file of the origin behind each one.
 *
 * Threat: a path in a request, or in a torrent, may point outside of the origin. Neither is ever opened: a request
 * selects a file only if its path equals a path in the torrent, and that file is read by its index in the list of files
 * of the opened origin.
 */
import { InputError } from '../core/errors.ts'
import { torrentFiles } from '../metainfo/files.ts'
import type { Metainfo } from '../metainfo/metainfo.ts'
import type { Origin } from '../origin/origin.ts'

export interface ContentFile {
  /** From 0, padding included. */
  readonly number: number
  readonly sizeBytes: number
  /** Zeros. aria2 does not support padding (BEP 47) and requests it like any other file. */
  readonly isPadding: boolean
}

export interface ContentFiles {
  /** False if the torrent is a folder, which may contain only one file. */
  readonly isSingle: boolean
  /** By path: folders and name separated by slashes, starting with the name of the torrent. */
  readonly byPath: ReadonlyMap<string, ContentFile>
}

/** Throws an `InputError` if a file has no path or no length. */
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
 * The file that a request selects. `escapedPath` is the part after `/webseed/{infohash}`, still escaped. For a single file
 * it may be empty or a slash, because some clients append the name only to a URL that ends in a slash.
 */
export function findContentFile(files: ContentFiles, escapedPath: string): ContentFile | undefined {
  const path = unescapePath(escapedPath)
  if (path === undefined) return undefined
  if (path === '' && files.isSingle) return [...files.byPath.values()][0]
  return files.byPath.get(path)
}

/** Returns the path without its leading slash; undefined if a part is not UTF-8 or contains a slash. */
function unescapePath(escaped: string): string | undefined {
  try {
    const parts = escaped.replace(/^\//, '').split('/').map(decodeURIComponent)
    return parts.some((part) => part.includes('/')) ? undefined : parts.join('/')
  } catch {
    return undefined
  }
}

/**
 * The index of the origin's file for each file number of the torrent. Throws an `InputError` if the origin cannot be the
 * content of the torrent: a folder instead of a file or vice versa, a file is missing, or a size differs.
 */
export function matchOrigin(
  files: ContentFiles,
  origin: Pick<Origin, 'isFolder' | 'files'>,
): ReadonlyMap<number, number> {
  if (files.isSingle === origin.isFolder)
    throw new InputError(
      files.isSingle
        ? 'the origin is a folder, and the torrent is a single file'
        : 'the origin is a single file, and the torrent is a folder',
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
        `${files.isSingle ? 'the origin' : JSON.stringify(inOrigin)} has ${origin.files[index]?.sizeBytes} bytes; in the torrent it has ${sizeBytes}`,
      )
    matched.set(number, index)
  }
  return matched
}
