/**
 * Files that are read and written whole, with errors for people.
 *
 * A written file is complete or not there: a client that watches the folder never loads half a torrent. It is
 * written beside its place and renamed, except where renaming would replace a device, a pipe or a link.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs'
import { InputError } from '../core/errors.ts'

export function readWholeFile(path: string, limits: { readonly bytesMax: number }): Buffer {
  return explained('read', path, () => {
    const { size } = statSync(path)
    if (size > limits.bytesMax) {
      throw new InputError(
        `${path}: ${size} bytes are more than the ${limits.bytesMax} that are read; is it the right file?`,
      )
    }
    return readFileSync(path)
  })
}

export function writeWholeFile(path: string, bytes: Buffer | string): void {
  explained('write', path, () => {
    const existing = statSync(path, { throwIfNoEntry: false })
    if (existing !== undefined && !existing.isFile()) writeFileSync(path, bytes)
    else replaceFile(existing === undefined ? path : realpathSync(path), bytes, existing)
  })
}

/** Makes a folder, and those above it, where they are not there yet. */
export function makeFolder(path: string): void {
  explained('make the folder', path, () => mkdirSync(path, { recursive: true }))
}

function replaceFile(path: string, bytes: Buffer | string, existing: Stats | undefined): void {
  const unfinished = `${path}.${process.pid}.unfinished`
  const file = openSync(unfinished, 'wx', existing?.mode ?? 0o666)
  try {
    try {
      writeFileSync(file, bytes)
      // Renamed before its bytes are on the disk, it could be there and empty after a power cut.
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(unfinished, path)
  } catch (error) {
    rmSync(unfinished, { force: true })
    throw error
  }
}

function explained<Result>(doing: string, path: string, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === undefined) throw error
    throw new InputError(`cannot ${doing} ${path}: ${REASONS[code] ?? (error as Error).message}`)
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder; check the spelling',
  ENOTDIR: 'a part of the path is a file and no folder; check the spelling',
  EISDIR: 'this is a folder; name a file in it',
  EACCES: 'permission denied; ask its owner, or choose another place',
  EPERM: 'permission denied; ask its owner, or choose another place',
  EROFS: 'the file system is read-only; choose another place',
  ENOSPC: 'the disk is full; make room or choose another place',
  EEXIST: 'an unfinished file of this name is there already; remove it',
}
