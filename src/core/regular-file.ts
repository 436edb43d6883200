/**
 * Reads a file that must be a regular one.
 *
 * Threat: a pipe or a device in the place of a file of the node. A read of it waits forever or never ends, and the node
 * would not start, or would not answer any more.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { InputError } from './errors.ts'

/** A pipe without a writer is opened at once. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK

/** Rejects with an `InputError` if it is not a regular file, and with the error of the file system otherwise. */
export async function readRegularFile(path: string): Promise<Buffer> {
  const file = await open(path, FLAGS)
  try {
    if (!(await file.stat()).isFile()) throw notRegular(path)
    return await file.readFile()
  } finally {
    await file.close()
  }
}

/** The same at once. A directory gives the error of the file system, which its reader explains. */
export function readRegularFileSync(path: string): Buffer {
  const file = openSync(path, FLAGS)
  try {
    const stats = fstatSync(file)
    if (!stats.isFile() && !stats.isDirectory()) throw notRegular(path)
    return readFileSync(file)
  } finally {
    closeSync(file)
  }
}

function notRegular(path: string): InputError {
  return new InputError(`${path} is not a regular file; replace it by one`)
}
