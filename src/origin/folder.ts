/**
 * All files below a folder, sorted by the bytes of their names, folder by folder: that is the order of a v2 file
 * tree (BEP 52), and the same on every machine.
 *
 * Links to files are followed. Links to folders are refused: they may lead in a circle, or to half a machine.
 */
import type { BigIntStats, Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { explainFileError } from './file-trouble.ts'
import { OriginError } from './origin-error.ts'

interface FoundFile {
  /** Below the root. */
  readonly path: readonly string[]
  readonly stats: BigIntStats
}

export async function* walkFolder(root: string, signal: AbortSignal): AsyncGenerator<FoundFile> {
  // A stack and no recursion: the depth of a folder is somebody else's choice.
  const waiting: (readonly string[])[] = [[]]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    signal.throwIfAborted()
    const place = join(root, ...path)
    const stats = path.length === 0 ? undefined : await readStats(place)
    if (stats?.isFile() === true) yield { path, stats }
    else for (const name of (await namesIn(place)).toReversed()) waiting.push([...path, name])
  }
}

async function readStats(place: string): Promise<BigIntStats> {
  try {
    const stats = await stat(place, { bigint: true })
    if (stats.isFile() || stats.isDirectory()) return stats
  } catch (error) {
    throw explainFileError(place, error)
  }
  throw new OriginError('unusable', `${place} is neither a file nor a folder; leave it out`)
}

/** Sorted as bytes. */
async function namesIn(folder: string): Promise<string[]> {
  let entries: Dirent<Buffer>[]
  try {
    entries = await readdir(folder, { withFileTypes: true, encoding: 'buffer' })
  } catch (error) {
    throw explainFileError(folder, error)
  }
  entries.sort((left, right) => left.name.compare(right.name))
  const names: string[] = []
  for (const entry of entries) names.push(await nameOf(folder, entry))
  return names
}

async function nameOf(folder: string, entry: Dirent<Buffer>): Promise<string> {
  const name = entry.name.toString('utf8')
  const place = join(folder, name)
  if (!Buffer.from(name).equals(entry.name)) {
    throw new OriginError('unusable', `${place}: the name is not UTF-8, which torrents need; rename it`)
  }
  if (entry.isSymbolicLink() && (await isFolder(place))) {
    throw new OriginError('unusable', `${place} is a link to a folder, and may lead anywhere; leave it out`)
  }
  return name
}

async function isFolder(place: string): Promise<boolean> {
  try {
    return (await stat(place)).isDirectory()
  } catch (error) {
    throw explainFileError(place, error)
  }
}
