/** Explains why registered torrents cannot be written, and what to do. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InputError } from '../core/errors.ts'
import { makeDirectory } from '../core/make-directory.ts'

/** The directory of registered torrents cannot be written. */
export class TorrentsUnwritable extends InputError {}

/** Turns errors of the file system into `TorrentsUnwritable`. */
export async function writeTorrents<Result>(
  directory: string,
  write: () => Promise<Result>,
): Promise<Result> {
  try {
    return await write()
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (code === undefined || syscall === undefined) throw error
    throw new TorrentsUnwritable(
      `torrents cannot be written to ${directory} (${code}); ` +
        'let the user of the node write there, or set torrents.directory',
    )
  }
}

/** Creates the directory and a file in it. Rejects with `TorrentsUnwritable`. */
export function tryWriting(directory: string): Promise<void> {
  return writeTorrents(directory, async () => {
    // Named after the process: the workers of one machine share the directory.
    const file = join(directory, `.writable.${process.pid}`)
    await makeDirectory(directory)
    await writeFile(file, '')
    await rm(file, { force: true })
  })
}
