/**
 * Registered torrents as files in a directory: `<infohash>.torrent`, and beside it `<infohash>.json` with its
 * description. A `.torrent` that an operator adds by hand is registered too, under any name.
 *
 * `.removed.json` holds the removals, for the other sites: see `torrent-removals.ts`.
 *
 * The description is written before its torrent and removed after it, and both by renaming: a reader in between, or
 * after a crash, finds a torrent complete or not at all.
 */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../core/atomic-file.ts'
import type { Clock } from '../core/clock.ts'
import { makeDirectory } from '../core/make-directory.ts'
import { ConfigError, InputError } from '../core/errors.ts'
import { readRegularFile } from '../core/regular-file.ts'
import type { Log } from '../core/log.ts'
import { DirectoryPoll } from './directory-poll.ts'
import { type KeptTorrent, KeptTorrents } from './kept-torrents.ts'
import type { RegisteredTorrent, TorrentStore } from './site-store.ts'
import { readDescription, writeDescription } from './torrent-description.ts'
import { TorrentRemovals } from './torrent-removals.ts'
import { tryWriting, writeTorrents } from './torrent-writes.ts'

export type DescribeTorrent = (
  bytes: Buffer,
  path: string,
) => Pick<RegisteredTorrent, 'infoHashes' | 'name' | 'sizeBytes'>

export interface TorrentDirectoryOptions {
  readonly directory: string
  /** Throws an `InputError` for bytes that are not a torrent. */
  readonly describe: DescribeTorrent
  /** Makes an unreadable directory a configuration error. A missing one is created. */
  readonly isRequired: boolean
  readonly clock: Clock
  readonly log: Log
}

/** Torrents hold no secret. */
const FILE_MODE = 0o644

export class TorrentDirectory implements TorrentStore {
  readonly #options: TorrentDirectoryOptions
  readonly #kept = new KeptTorrents()
  readonly #additions = new DirectoryPoll()
  readonly #removals = new TorrentRemovals()
  readonly #listeners: (() => void)[] = []
  /** One change after the other: two at once could leave a description without its torrent. */
  #changes: Promise<unknown> = Promise.resolve()

  constructor(options: TorrentDirectoryOptions) {
    this.#options = options
  }

  has(infoHash: Buffer): boolean {
    return this.#kept.find(infoHash) !== undefined
  }

  find(infoHash: Buffer): RegisteredTorrent | undefined {
    return this.#kept.find(infoHash)?.torrent
  }

  list(): readonly RegisteredTorrent[] {
    return this.#kept.list()
  }

  removals(): ReadonlyMap<string, number> {
    return this.#removals.all
  }

  /** Torrents that were added to the directory by hand. */
  addedByHand(): readonly RegisteredTorrent[] {
    const found: RegisteredTorrent[] = []
    for (const { torrent, hasDescription } of this.#kept.files())
      if (!hasDescription && torrent.infoHashes.some((infoHash) => this.find(infoHash) === torrent))
        found.push(torrent)
    return found
  }

  async read(infoHash: Buffer): Promise<Buffer | undefined> {
    const kept = this.#kept.find(infoHash)
    return kept === undefined ? undefined : readIfPresent(kept.path)
  }

  put(torrent: RegisteredTorrent, bytes: Buffer): Promise<void> {
    return this.#write(async () => {
      const { directory } = this.#options
      const path = join(directory, `${primaryHex(torrent)}.torrent`)
      const before = torrent.infoHashes.flatMap((infoHash) => this.#kept.find(infoHash) ?? [])
      await makeDirectory(directory)
      await replaceFile(descriptionPath(path), FILE_MODE, (file) => file.writeFile(writeDescription(torrent)))
      await replaceFile(path, FILE_MODE, (file) => file.writeFile(bytes))
      for (const old of before) if (old.path !== path) await removeFiles(old.path)
      const version = await versionOf(path)
      if (this.#removals.revoke(torrent.infoHashes, torrent.registeredAtMs)) await this.#writeRemovals()
      for (const old of before) this.#kept.delete(old.path)
      this.#kept.set({ torrent, path, version, hasDescription: true })
      this.#changed()
    })
  }

  remove(infoHash: Buffer, atMs = this.#options.clock.nowMs()): Promise<boolean> {
    return this.#write(async () => {
      const kept = this.#kept.find(infoHash)
      // First the removal, then the torrent: a crash in between leaves it registered, and no other node has seen a
      // change.
      await this.#recordRemoval(kept?.torrent.infoHashes ?? [infoHash], atMs)
      if (kept === undefined) return false
      // With copies of it under other names, which would register it again.
      const files = this.#kept.filesOf(infoHash)
      for (const { path } of files) await removeFiles(path)
      for (const { path } of files) this.#kept.delete(path)
      this.#changed()
      return true
    })
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** Tries to write to the directory, so that a mistake is known before the first torrent, and reads it. */
  async open(): Promise<void> {
    const { directory, log } = this.#options
    await tryWriting(directory).catch((error: Error) => {
      log.warn(
        { event: 'torrents-unwritable', problem: error.message },
        'torrents cannot be registered on this node',
      )
    })
    await this.reload()
  }

  /**
   * Registers files that were added to the directory. A file that is gone stays registered until `reload`: the disk
   * may be unmounted.
   */
  async poll(): Promise<void> {
    const { directory, clock } = this.#options
    await this.#inOrder(async () => {
      const scan = await this.#additions.neededScan(directory, clock.nowMs())
      if (scan === 'none') return
      const names = (await this.#list()) ?? []
      const isNew = (name: string) => this.#kept.at(join(directory, name)) === undefined
      this.#keep(await this.#scan(scan === 'all' ? names : names.filter(isNew), true))
    })
  }

  /** Reads the directory again. A file that is not a torrent is logged and skipped. */
  reload(): Promise<void> {
    return this.#inOrder(async () => {
      const { directory, clock } = this.#options
      await this.#additions.noteReading(directory, clock.nowMs())
      const names = await this.#list()
      if (names === undefined) return
      await this.#removals.read(join(directory, REMOVALS_FILE), clock.nowMs())
      const found = await this.#scan(names, false)
      const paths = new Set(found.map(({ path }) => path))
      const gone = [...this.#kept.files()].filter(({ path }) => !paths.has(path))
      // Removed by hand.
      for (const { torrent } of gone) await this.#recordRemoval(torrent.infoHashes, clock.nowMs())
      this.#keep(found, gone)
    })
  }

  async #scan(names: readonly string[], isPoll: boolean): Promise<KeptTorrent[]> {
    const { directory, log, clock } = this.#options
    const found: KeptTorrent[] = []
    for (const name of names) {
      const file = await this.#readFile(join(directory, name))
      if (file !== undefined) found.push(file)
    }
    for (const problem of this.#additions.takeProblems(clock.nowMs(), isPoll))
      log.warn({ event: 'torrent-unreadable', problem }, 'a registered torrent cannot be read')
    return found
  }

  async #recordRemoval(infoHashes: readonly Buffer[], atMs: number): Promise<void> {
    if (this.#removals.record(infoHashes, atMs, this.#options.clock.nowMs())) await this.#writeRemovals()
  }

  async #writeRemovals(): Promise<void> {
    const { directory } = this.#options
    await makeDirectory(directory)
    await replaceFile(join(directory, REMOVALS_FILE), FILE_MODE, (file) =>
      file.writeFile(this.#removals.toFile()),
    )
  }

  async #readFile(path: string): Promise<KeptTorrent | undefined> {
    const { describe, clock } = this.#options
    const version = await versionOf(path)
    const known = this.#kept.at(path)
    if (known?.version === version) return known
    if (version === '' || this.#additions.isUnreadable(path, version)) return undefined
    try {
      const described = describe(await readRegularFile(path), path)
      this.#additions.noteReadable(path)
      const text = await readIfPresent(descriptionPath(path))
      const description = text === undefined ? undefined : readDescription(text.toString())
      const { mtimeMs } = await stat(path)
      const torrent = description ?? { ...described, registeredAtMs: Math.floor(mtimeMs), note: '' }
      return { torrent, path, version, hasDescription: description !== undefined }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      // Removed in between.
      if (code === 'ENOENT') return undefined
      if (code === undefined && !(error instanceof InputError)) throw error
      this.#additions.noteUnreadable(path, { version, sinceMs: clock.nowMs(), problem: message })
      return undefined
    }
  }

  /** undefined where the directory has disappeared: an unmounted disk does not unregister torrents. */
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
          hint: 'give siteswarm read and write access to it, or set torrents.directory to another one',
        },
      ])
    }
  }

  #write<T>(change: () => Promise<T>): Promise<T> {
    const { directory, clock } = this.#options
    return this.#inOrder(() =>
      this.#additions.changeOwn(directory, clock.nowMs(), () => writeTorrents(directory, change)),
    )
  }

  #keep(found: readonly KeptTorrent[], gone: readonly KeptTorrent[] = []): void {
    let isChanged = gone.length > 0
    for (const { path } of gone) this.#kept.delete(path)
    for (const file of found) if (this.#kept.set(file)) isChanged = true
    if (isChanged) this.#changed()
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }

  #inOrder<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#changes.then(change)
    this.#changes = changed.catch(() => undefined)
    return changed
  }
}

/** The infohash that a torrent is stored under: v1 for a hybrid one. */
export const primaryHex = ({ infoHashes }: RegisteredTorrent): string =>
  (infoHashes[0] ?? Buffer.alloc(0)).toString('hex')

const REMOVALS_FILE = '.removed.json'

const descriptionPath = (path: string): string => path.replace(/\.torrent$/, '.json')

async function versionOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path)
    return `${mtimeMs} ${size} ${ino}`
  } catch {
    return ''
  }
}

async function readIfPresent(path: string): Promise<Buffer | undefined> {
  try {
    return await readRegularFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function removeFiles(path: string): Promise<void> {
  await rm(path, { force: true })
  await rm(descriptionPath(path), { force: true })
}
