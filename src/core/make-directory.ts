/**
 * Creates a directory and the missing ones above it.
 *
 * Node's `mkdir` with `recursive` never returns on Node 20 where a directory exists and the system reports that it
 * does not (`/proc/x`): it creates the parent, which is there, and tries again. Here such an error ends the attempt.
 */
import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/** Rejects with the error of the system. A path that is a directory already is fine. */
export async function makeDirectory(path: string): Promise<void> {
  const missing: string[] = []
  let directory = resolve(path)
  while (!(await isDirectory(directory))) {
    missing.push(directory)
    directory = dirname(directory)
  }
  for (const each of missing.toReversed())
    await mkdir(each).catch(async (error: unknown) => {
      // Created by another process in between.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !(await isDirectory(each))) throw error
    })
}

/** Rejects with any error but ENOENT, as for a path below a file. */
async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return false
  }
}
