/**
 * Replaces a file as a whole: a reader sees the old content or the new, and so does the next process after a crash.
 * The new content is written beside the file, flushed to the disk and renamed.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'

/** Calls `write` with the new file. Rejects with the error of the file system, and leaves the old file as it was. */
export async function replaceFile(
  path: string,
  mode: number,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const unfinished = unfinishedPath(path)
  try {
    const file = await open(unfinished, 'w', mode)
    try {
      await write(file)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
}

/** The same for a command that has nothing else to do. Parts are written one after the other. */
export function replaceFileSync(path: string, mode: number, parts: readonly (Buffer | string)[]): void {
  const unfinished = unfinishedPath(path)
  const file = openSync(unfinished, 'wx', mode)
  try {
    try {
      for (const part of parts) writeFileSync(file, part)
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

/** Named after the process: the workers of one machine share the directory. */
function unfinishedPath(path: string): string {
  return `${path}.${process.pid}.unfinished`
}
