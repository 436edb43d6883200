/**
 * Lists all files below a folder, sorted by the bytes of their names, folder by folder. This is the order of a v2
 * file tree (BEP 52), and it is the same on every machine.
 *
 * Links are followed, so the torrent contains the files that they lead to, and every client can download it:
 * libtorrent creates links (BEP 47), but aria2 and rtorrent create empty files instead. A link to a folder is
 * followed only inside the listed folder; outside, it might lead to half of the machine. A link to a file is followed
 * outside as well, because download caches are folders of such links.
 */
import type { BigIntStats, Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { toOriginError } from './file-errors.ts'
import { OriginError } from './origin-error.ts'

export interface FoundFile {
  /** Path below the root. */
  readonly path: readonly string[]
  readonly stats: BigIntStats
  /** Reached by a link, and inside the folder without it as well. */
  readonly isDuplicate: boolean
}

export interface WalkOptions {
  readonly signal: AbortSignal
  /** Real path of a folder that no link may leave; undefined for any file of the machine. */
  readonly within: string | undefined
}

interface Entry {
  readonly path: readonly string[]
  /** Real paths of the folders from the root to this entry. */
  readonly folders: readonly string[]
  readonly isDuplicate: boolean
}

export async function* walkFolder(root: string, options: WalkOptions): AsyncGenerator<FoundFile> {
  const realRoot = await system(root, () => realpath(root))
  // A stack instead of recursion: the depth of the tree is outside our control.
  const pending: Entry[] = []
  const open = async (folder: string, parent: Entry) => {
    for (const entry of await entriesOf(folder, parent, options)) pending.push(entry)
  }
  await open(root, { path: [], folders: [realRoot], isDuplicate: false })
  for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
    options.signal.throwIfAborted()
    const { path, isDuplicate } = entry
    const absolutePath = join(root, ...path)
    const stats = await system(absolutePath, () => stat(absolutePath, { bigint: true }))
    if (stats.isFile()) yield { path, stats, isDuplicate }
    else if (stats.isDirectory()) await open(absolutePath, entry)
    else throw new OriginError('unusable', `${absolutePath} is not a regular file or a folder; exclude it`)
  }
}

/** The last one first, as the stack needs them. */
async function entriesOf(folder: string, parent: Entry, options: WalkOptions): Promise<Entry[]> {
  const found = await system(folder, () => readdir(folder, { withFileTypes: true, encoding: 'buffer' }))
  found.sort((left, right) => right.name.compare(left.name))
  const entries: Entry[] = []
  for (const entry of found) entries.push(await followed(folder, parent, entry, options))
  return entries
}

/** The entry after its link, if it is one. */
async function followed(
  folder: string,
  { path, folders, isDuplicate }: Entry,
  found: Dirent<Buffer>,
  { within }: WalkOptions,
): Promise<Entry> {
  const name = found.name.toString('utf8')
  const place = join(folder, name)
  if (!Buffer.from(name).equals(found.name)) {
    throw new OriginError(
      'unusable',
      `${place}: the name is not valid UTF-8, which torrents require; rename it`,
    )
  }
  const [root = '', here = ''] = [folders[0], folders.at(-1)]
  const entry = { path: [...path, name], isDuplicate }
  if (!found.isSymbolicLink())
    return { ...entry, folders: found.isDirectory() ? [...folders, join(here, name)] : folders }
  const target = await system(place, () => realpath(place), 'the link has no target; remove it')
  if (within !== undefined && !isInside(within, target))
    throw new OriginError('unusable', `${place} is a link that leads out of ${within}`)
  const isOfTree = isInside(root, target)
  const isFolder = (await system(place, () => stat(place))).isDirectory()
  if (!isFolder) return { ...entry, folders, isDuplicate: isDuplicate || isOfTree }
  if (!isOfTree)
    throw new OriginError('unusable', `${place} is a link to a folder outside of ${root}; exclude it`)
  if (folders.some((each) => isInside(target, each)))
    throw new OriginError('unusable', `${place} is a link to a folder that contains it; exclude it`)
  return { ...entry, folders: [...folders, target], isDuplicate: true }
}

/** Whether the path is the folder or below it. */
export function isInside(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}

async function system<Result>(
  path: string,
  work: () => Promise<Result>,
  ifMissing?: string,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (ifMissing !== undefined && (error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new OriginError('missing', `cannot read ${path}: ${ifMissing}`)
    throw toOriginError(path, error)
  }
}
