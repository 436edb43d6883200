/**
 * Reads a file that must be a regular one.
 *
 * Threat: a pipe or a device in the place of a file of the node. A read of it waits forever or never ends, and the node
 * would not start, or would not answer any more.
 */
import { constants, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { InputError } from './errors.ts'

/** Rejects with an `InputError` if it is not a regular file, and with the error of the file system otherwise. */
export async function readRegularFile(path: string): Promise<Buffer> {
  // A pipe without a writer is opened at once.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    if (!(await file.stat()).isFile()) throw notRegular(path)
    return await file.readFile()
  } finally {
    await file.close()
  }
}

/** For a file that is then read in one go. A missing file passes: its reader explains it. */
export function refuseSpecialFile(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats !== undefined && !stats.isFile()) throw notRegular(path)
}

function notRegular(path: string): InputError {
  return new InputError(`${path} is not a regular file; replace it by one`)
}
