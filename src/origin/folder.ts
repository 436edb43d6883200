/**
 * Lists all files below a folder, sorted by the bytes of their names, folder by folder. This is the order of a v2
 * file tree (BEP 52), and it is the same on every machine.
 *
 * Links to files are followed. Links to folders are refused: they may form a cycle or lead outside the folder.
 */
import type { BigIntStats, Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { toOriginError } from './file-errors.ts'
import { OriginError } from './origin-error.ts'

interface FoundFile {
  /** Path below the root. */
  readonly path: readonly string[]
  readonly stats: BigIntStats
}

export async function* walkFolder(root: string, signal: AbortSignal): AsyncGenerator<FoundFile> {
  // A stack instead of recursion: the depth of the tree is outside our control.
  const pending: (readonly string[])[] = [[]]
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    signal.throwIfAborted()
    const absolutePath = join(root, ...path)
    const stats = path.length === 0 ? undefined : await readStats(absolutePath)
    if (stats?.isFile() === true) yield { path, stats }
    else for (const name of (await namesIn(absolutePath)).toReversed()) pending.push([...path, name])
  }
}

async function readStats(absolutePath: string): Promise<BigIntStats> {
  try {
    const stats = await stat(absolutePath, { bigint: true })
    if (stats.isFile() || stats.isDirectory()) return stats
  } catch (error) {
    throw toOriginError(absolutePath, error)
  }
  throw new OriginError('unusable', `${absolutePath} is not a regular file or a folder; exclude it`)
}

/** Entry names, sorted as bytes. */
async function namesIn(folder: string): Promise<string[]> {
  let entries: Dirent<Buffer>[]
  try {
    entries = await readdir(folder, { withFileTypes: true, encoding: 'buffer' })
  } catch (error) {
    throw toOriginError(folder, error)
  }
  entries.sort((left, right) => left.name.compare(right.name))
  const names: string[] = []
  for (const entry of entries) names.push(await nameOf(folder, entry))
  return names
}

async function nameOf(folder: string, entry: Dirent<Buffer>): Promise<string> {
  const name = entry.name.toString('utf8')
  const absolutePath = join(folder, name)
  if (!Buffer.from(name).equals(entry.name)) {
    throw new OriginError(
      'unusable',
      `${absolutePath}: the name is not valid UTF-8, which torrents require; rename it`,
    )
  }
  if (entry.isSymbolicLink() && (await isFolder(absolutePath))) {
    throw new OriginError(
      'unusable',
      `${absolutePath} is a link to a folder, which may lead outside the published folder; exclude it`,
    )
  }
  return name
}

async function isFolder(absolutePath: string): Promise<boolean> {
  try {
    return (await stat(absolutePath)).isDirectory()
  } catch (error) {
    throw toOriginError(absolutePath, error)
  }
}
