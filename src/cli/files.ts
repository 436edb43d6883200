/**
 * Reads and writes whole files, with errors for people.
 *
 * A write is atomic, so that a client that watches the folder never loads half a torrent. The file is written under a
 * temporary name and renamed, except where renaming would replace a device, a pipe or a link.
 */
import {
  accessSync,
  closeSync,
  constants,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { replaceFileSync } from '../core/atomic-file.ts'
import { InputError } from '../core/errors.ts'
import { makeDirectory } from '../core/make-directory.ts'

export function readWholeFile(path: string, limits: { readonly bytesMax: number }): Buffer {
  return explained('read', path, () => {
    const stats = statSync(path)
    if (stats.size > limits.bytesMax) {
      throw new InputError(
        `${path}: ${stats.size} bytes are more than the limit of ${limits.bytesMax}; is it the right file?`,
      )
    }
    return stats.isFile() || stats.isDirectory() ? readFileSync(path) : readStream(path, limits.bytesMax)
  })
}

/** A pipe or a device has no size: without the limit, `/dev/zero` would exhaust the memory. */
function readStream(path: string, bytesMax: number): Buffer {
  const file = openSync(path, 'r')
  try {
    const chunks: Buffer[] = []
    for (let bytesRead = 0; ;) {
      const chunk = Buffer.alloc(STREAM_CHUNK_BYTES)
      const length = readSync(file, chunk)
      if (length === 0) return Buffer.concat(chunks)
      bytesRead += length
      if (bytesRead > bytesMax) {
        throw new InputError(`${path}: more than the limit of ${bytesMax} bytes; is it the right file?`)
      }
      chunks.push(chunk.subarray(0, length))
    }
  } finally {
    closeSync(file)
  }
}

/** The capacity of a pipe on Linux. */
const STREAM_CHUNK_BYTES = 65_536

/** Writes text, bytes, or parts in sequence. */
export function writeWholeFile(path: string, content: Buffer | string | readonly Buffer[]): void {
  const parts = typeof content === 'string' || Buffer.isBuffer(content) ? [content] : content
  explained('write', path, () => {
    const existing = statSync(path, { throwIfNoEntry: false })
    if (existing === undefined) replaceFileSync(path, 0o666, parts)
    else if (existing.isFile()) replaceFileSync(realpathSync(path), existing.mode, parts)
    else writeParts(openSync(path, 'w'), parts)
  })
}

/** True where both paths lead to one file, also through hard or symbolic links. */
export function isSameFile(one: string, other: string): boolean {
  const [left, right] = [one, other].map((path) =>
    explained('read', path, () => statSync(path, { throwIfNoEntry: false, bigint: true })),
  )
  return left !== undefined && right !== undefined && left.ino === right.ino && left.dev === right.dev
}

/** Throws where the file cannot be written. Called before the work of computing its content. */
export function assertWritable(path: string): void {
  explained('write', path, () => {
    const existing = statSync(path, { throwIfNoEntry: false })
    if (existing?.isDirectory() === true) throw new InputError(`cannot write ${path}: ${REASONS['EISDIR']}`)
    accessSync(existing === undefined ? dirname(resolve(path)) : path, constants.W_OK)
  })
}

/** Creates a folder with its parents where they do not exist. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeDirectory(path)
  } catch (error) {
    throw explain(error, 'make the folder', path, FOLDER_REASONS)
  }
}

type Parts = readonly (Buffer | string)[]

function writeParts(file: number, parts: Parts): void {
  try {
    for (const part of parts) writeFileSync(file, part)
  } finally {
    closeSync(file)
  }
}

function explained<Result>(doing: string, path: string, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    throw explain(error, doing, path)
  }
}

function explain(error: unknown, doing: string, path: string, reasons = REASONS): unknown {
  const { code, message } = error as NodeJS.ErrnoException
  return code === undefined ? error : new InputError(`cannot ${doing} ${path}: ${reasons[code] ?? message}`)
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder; check the spelling',
  ENOTDIR: 'a part of the path is a file and not a folder; check the spelling',
  EISDIR: 'this is a folder; name a file in it',
  EACCES: 'permission denied; ask its owner, or choose another place',
  EPERM: 'permission denied; ask its owner, or choose another place',
  EROFS: 'the file system is read-only; choose another place',
  ENOSPC: 'the disk is full; make room or choose another place',
  ENAMETOOLONG: 'the name is too long for the file system; choose a shorter one',
  EEXIST: 'an unfinished file of this name exists; remove it',
}

const FOLDER_REASONS: typeof REASONS = {
  ...REASONS,
  ENOENT: 'this file system cannot hold it; choose another place',
  EEXIST: 'a file, or a link without a target, is there; remove it or choose another place',
}
