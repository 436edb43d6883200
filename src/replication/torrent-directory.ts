/**
 * Registered torrents as files in a directory: `<infohash>.torrent`, and beside it `<infohash>.json` with what the
 * registrar noted. A `.torrent` that an admin puts there by hand, under whatever name, counts as well.
 *
 * `.removed.json` is there for the other sites, see `removals.ts`.
 *
 * The note is written before its torrent and removed after it, and both by renaming: who reads in between, or after
 * a crash, sees a torrent whole or not at all.
 */
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../core/atomic-file.ts'
import type { Clock } from '../core/clock.ts'
import { makeDirectory } from '../core/make-directory.ts'
import { ConfigError, InputError } from '../core/errors.ts'
import { infoHashKey } from '../core/info-hash.ts'
import type { Log } from '../core/log.ts'
import type { RegisteredTorrent, TorrentStore } from './site-store.ts'
import { readDescription, writeDescription } from './torrent-description.ts'
import { Removals } from './torrent-removals.ts'

export type DescribeTorrent = (
  bytes: Buffer,
  path: string,
) => Pick<RegisteredTorrent, 'infoHashes' | 'name' | 'sizeBytes'>

export interface TorrentDirectoryOptions {
  readonly directory: string
  /** Throws an `InputError` for what is no torrent. */
  readonly describe: DescribeTorrent
  /** Whether a directory that cannot be read is a mistake in the configuration. One that is not there yet is made. */
  readonly isRequired: boolean
  readonly clock: Clock
  readonly log: Log
}

interface Kept {
  readonly torrent: RegisteredTorrent
  readonly path: string
  /** Its name and time and size: while they are the same, it need not be read again. */
  readonly version: string
  readonly isNoted: boolean
}

/** Torrents hold no secret. */
const FILE_MODE = 0o644

export class TorrentDirectory implements TorrentStore {
  readonly #options: TorrentDirectoryOptions
  /** By the path of the file. */
  #kept: ReadonlyMap<string, Kept> = new Map()
  #byInfoHash: ReadonlyMap<string, Kept> = new Map()
  readonly #removals = new Removals()
  readonly #listeners: (() => void)[] = []
  /** One change after the other: two at once could leave a note without its torrent. */
  #changes: Promise<unknown> = Promise.resolve()

  constructor(options: TorrentDirectoryOptions) {
    this.#options = options
  }

  has(infoHash: Buffer): boolean {
    return this.#byInfoHash.has(infoHashKey(infoHash))
  }

  list(): readonly RegisteredTorrent[] {
    return [...new Set(this.#byInfoHash.values())]
      .map(({ torrent }) => torrent)
      .sort((a, b) => a.registeredAtMs - b.registeredAtMs || (primaryHex(a) < primaryHex(b) ? -1 : 1))
  }

  removals(): ReadonlyMap<string, number> {
    return this.#removals.all
  }

  /** Those that somebody put into the directory by hand. */
  unnoted(): readonly RegisteredTorrent[] {
    return [...new Set(this.#byInfoHash.values())]
      .filter(({ isNoted }) => !isNoted)
      .map(({ torrent }) => torrent)
  }

  async read(infoHash: Buffer): Promise<Buffer | undefined> {
    const kept = this.#byInfoHash.get(infoHashKey(infoHash))
    return kept === undefined ? undefined : readIfThere(kept.path)
  }

  put(torrent: RegisteredTorrent, bytes: Buffer): Promise<void> {
    return this.#oneByOne(async () => {
      const { directory } = this.#options
      const path = join(directory, `${primaryHex(torrent)}.torrent`)
      const before = torrent.infoHashes.flatMap(
        (infoHash) => this.#byInfoHash.get(infoHashKey(infoHash)) ?? [],
      )
      await makeDirectory(directory)
      await replaceFile(notePath(path), FILE_MODE, (file) => file.writeFile(writeDescription(torrent)))
      await replaceFile(path, FILE_MODE, (file) => file.writeFile(bytes))
      const kept = new Map(this.#kept)
      for (const old of before) {
        kept.delete(old.path)
        if (old.path !== path) await removeFiles(old.path)
      }
      kept.set(path, { torrent, path, version: await versionOf(path), isNoted: true })
      if (this.#removals.revoke(torrent.infoHashes, torrent.registeredAtMs)) await this.#keepRemovals()
      this.#take(kept)
    })
  }

  remove(infoHash: Buffer, atMs = this.#options.clock.nowMs()): Promise<boolean> {
    return this.#oneByOne(async () => {
      const kept = this.#byInfoHash.get(infoHashKey(infoHash))
      // Before the torrent goes: a crash in between leaves it registered, and nobody else has heard of it yet.
      await this.#noteRemoval(kept?.torrent.infoHashes ?? [infoHash], atMs)
      if (kept === undefined) return false
      await removeFiles(kept.path)
      const rest = new Map(this.#kept)
      rest.delete(kept.path)
      this.#take(rest)
      return true
    })
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** Reads the directory anew. A file that is no torrent is named in the log and passed over. */
  reload(): Promise<void> {
    return this.#oneByOne(async () => {
      const { directory, clock } = this.#options
      const names = await this.#list()
      if (names === undefined) return
      await this.#removals.read(join(directory, REMOVALS_FILE), clock.nowMs())
      const kept = new Map<string, Kept>()
      for (const name of names) {
        const path = join(directory, name)
        const found = await this.#readFile(path)
        if (found !== undefined) kept.set(path, found)
      }
      // Taken out by hand.
      for (const [path, { torrent }] of this.#kept)
        if (!kept.has(path)) await this.#noteRemoval(torrent.infoHashes, clock.nowMs())
      this.#take(kept)
    })
  }

  async #noteRemoval(infoHashes: readonly Buffer[], atMs: number): Promise<void> {
    if (this.#removals.note(infoHashes, atMs, this.#options.clock.nowMs())) await this.#keepRemovals()
  }

  async #keepRemovals(): Promise<void> {
    const { directory } = this.#options
    await makeDirectory(directory)
    await replaceFile(join(directory, REMOVALS_FILE), FILE_MODE, (file) =>
      file.writeFile(this.#removals.toFile()),
    )
  }

  async #readFile(path: string): Promise<Kept | undefined> {
    const { describe, log } = this.#options
    const version = await versionOf(path)
    const known = this.#kept.get(path)
    if (known?.version === version) return known
    const bytes = await readIfThere(path)
    if (bytes === undefined) return undefined
    try {
      const described = describe(bytes, path)
      const note = await readIfThere(notePath(path))
      const noted = note === undefined ? undefined : readDescription(note.toString())
      const { mtimeMs } = await stat(path)
      const torrent = noted ?? { ...described, registeredAtMs: Math.floor(mtimeMs), note: '' }
      return { torrent, path, version, isNoted: noted !== undefined }
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      log.warn({ event: 'torrent-unreadable', problem: error.message }, 'a registered torrent cannot be read')
      return undefined
    }
  }

  /** undefined where the directory has gone: a disk that is not mounted removes no torrents. */
  async #list(): Promise<string[] | undefined> {
    const { directory, isRequired, log } = this.#options
    try {
      if (this.#kept.size === 0 && isRequired) await makeDirectory(directory)
      return (await readdir(directory)).filter((name) => name.endsWith('.torrent'))
    } catch (error) {
      if (this.#kept.size > 0) {
        log.warn(
          { event: 'torrents-unreadable', problem: (error as Error).message },
          'the directory of registered torrents cannot be read; they stay registered',
        )
        return undefined
      }
      if (!isRequired) return []
      throw new ConfigError([
        {
          file: directory,
          line: 1,
          column: 1,
          message: `the torrents of admit: registered cannot be listed: ${(error as Error).message}`,
          hint: 'let siteswarm read and write there, or point torrents.directory elsewhere',
        },
      ])
    }
  }

  #take(kept: ReadonlyMap<string, Kept>): void {
    const isSame =
      kept.size === this.#kept.size && [...kept].every(([path, each]) => this.#kept.get(path) === each)
    if (isSame) return
    this.#kept = kept
    this.#byInfoHash = new Map(
      [...kept.values()].flatMap((each) =>
        each.torrent.infoHashes.map((infoHash) => [infoHashKey(infoHash), each] as const),
      ),
    )
    for (const listener of this.#listeners) listener()
  }

  #oneByOne<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#changes.then(change)
    this.#changes = changed.catch(() => undefined)
    return changed
  }
}

/** Under which a torrent is kept: the v1 infohash of a hybrid one. */
export const primaryHex = ({ infoHashes }: RegisteredTorrent): string =>
  (infoHashes[0] ?? Buffer.alloc(0)).toString('hex')

const REMOVALS_FILE = '.removed.json'

const notePath = (path: string): string => path.replace(/\.torrent$/, '.json')

async function versionOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path)
    return `${mtimeMs} ${size} ${ino}`
  } catch {
    return ''
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function removeFiles(path: string): Promise<void> {
  await rm(path, { force: true })
  await rm(notePath(path), { force: true })
}
