/**
 * Files of a torrent by their web seed paths (BEP 19), and the file of the origin behind each one.
 *
 * Threat: a path in a request, or in a torrent, may point outside of the origin. Neither is ever opened: a request
 * selects a file only if its path equals a path in the torrent or one that a client makes of it, and that file is read by
 * its index in the list of files of the opened origin.
 */
import { InputError } from '../core/errors.ts'
import { RequestedFiles } from '../metainfo/clients/requested-files.ts'
import { torrentFiles } from '../metainfo/files.ts'
import type { Metainfo } from '../metainfo/metainfo.ts'
import type { Origin } from '../origin/origin.ts'

export interface ContentFile {
  /** From 0, padding included. */
  readonly number: number
  /** 0 for a link. */
  readonly sizeBytes: number
  /** Zeros. aria2 and Transmission do not support padding (BEP 47) and request it like any other file. */
  readonly isPadding: boolean
}

export interface ContentFiles {
  readonly files: readonly ContentFile[]
  readonly requested: RequestedFiles
}

/** Throws an `InputError` if a file has no path or no length. */
export function readContentFiles(metainfo: Metainfo): ContentFiles {
  const files: ContentFile[] = []
  for (const file of torrentFiles(metainfo)) {
    if (file === undefined) throw new InputError(`${metainfo.source}: a file without a path or a length`)
    files.push({ number: files.length, sizeBytes: file.lengthBytes, isPadding: file.isPadding })
  }
  return { files, requested: new RequestedFiles(metainfo) }
}

/** The file that a request names: the rest of the target after `/webseed/{infohash}`, still escaped. */
export function findContentFile(
  { files, requested }: ContentFiles,
  escapedPath: string,
): ContentFile | undefined {
  const number = requested.find(escapedPath)
  return number === undefined ? undefined : files[number]
}

/**
 * The index of the origin's file for each file number of the torrent. Throws an `InputError` if the origin cannot be the
 * content of the torrent: a folder instead of a file or vice versa, a file is missing, or a size differs. Files without
 * content may be missing: padding, links, and empty files, which Transmission does not create.
 */
export function matchOrigin(
  { files, requested }: ContentFiles,
  origin: Pick<Origin, 'isFolder' | 'files'>,
): ReadonlyMap<number, number> {
  if (requested.isFolder !== origin.isFolder)
    throw new InputError(
      requested.isFolder
        ? 'the origin is a single file, and the torrent is a folder'
        : 'the origin is a folder, and the torrent is a single file',
    )
  const indexes = new Map(origin.files.map((file, index) => [file.path.join('/'), index]))
  const matched = new Map<number, number>()
  for (const { number, sizeBytes, isPadding } of files) {
    if (isPadding || sizeBytes === 0) continue
    const path = requested.isFolder ? textOf(requested.paths[number] ?? '') : ''
    const index = indexes.get(path) ?? otherIndex(requested, number, indexes)
    if (index === undefined) throw new InputError(missingText(path, indexes.keys()))
    const found = origin.files[index]
    if (found?.sizeBytes !== sizeBytes)
      throw new InputError(
        `${requested.isFolder ? JSON.stringify(path) : 'the origin'} has ${found?.sizeBytes} bytes; in the torrent it has ${sizeBytes}`,
      )
    matched.set(number, index)
  }
  return matched
}

/** The folder may be the download of a client, with the names of that client. */
function otherIndex(
  requested: RequestedFiles,
  number: number,
  indexes: ReadonlyMap<string, number>,
): number | undefined {
  for (const path of requested.otherPaths(number)) {
    const index = indexes.get(textOf(path))
    if (index !== undefined) return index
  }
  return undefined
}

/** macOS decomposes letters with marks, and other systems keep them as they are written: both look the same. */
function missingText(path: string, paths: Iterable<string>): string {
  const composed = path.normalize('NFC')
  for (const other of paths) {
    if (other.normalize('NFC') !== composed) continue
    const [form, otherForm] = path === composed ? ['NFC', 'NFD'] : ['NFD', 'NFC']
    return (
      `the origin has ${JSON.stringify(other)} with composed or decomposed letters (${otherForm}), and the torrent the same name ` +
      `in the other form (${form}); rename the file of the origin, or publish it again`
    )
  }
  return `the origin has no file ${JSON.stringify(path)}`
}

function textOf(path: string): string {
  return Buffer.from(path, 'latin1').toString('utf8')
}
