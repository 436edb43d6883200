/**
 * The torrents of a directory: by path, by infohash, and in the order of their registration. A registration changes a few
 * entries; an index that is built again for each of them takes 100 ms with 100,000 torrents.
 *
 * Several files may contain one torrent. A file with a description is the registered one: a copy that was added by hand,
 * such as a downloaded one, does not replace it.
 */
import { infoHashKey } from '../core/info-hash.ts'
import { withChanges } from '../core/sorted-list.ts'
import type { RegisteredTorrent } from './site-store.ts'

export interface KeptTorrent {
  readonly torrent: RegisteredTorrent
  readonly path: string
  /** Time, size and inode of the file: while they are the same, it is not read again. */
  readonly version: string
  readonly hasDescription: boolean
}

export class KeptTorrents {
  readonly #byPath = new Map<string, KeptTorrent>()
  /** The files of each infohash, in the order in which they were added. */
  readonly #byInfoHash = new Map<string, readonly KeptTorrent[]>()
  #list: readonly RegisteredTorrent[] = []
  /** Changes that `#list` lacks. */
  readonly #added = new Set<RegisteredTorrent>()
  readonly #removed = new Set<RegisteredTorrent>()

  get size(): number {
    return this.#byPath.size
  }

  at(path: string): KeptTorrent | undefined {
    return this.#byPath.get(path)
  }

  files(): Iterable<KeptTorrent> {
    return this.#byPath.values()
  }

  /** The registered one of the files with this infohash. */
  find(infoHash: Buffer): KeptTorrent | undefined {
    return registered(this.filesOf(infoHash))
  }

  filesOf(infoHash: Buffer): readonly KeptTorrent[] {
    return this.#byInfoHash.get(infoHashKey(infoHash)) ?? []
  }

  /** Registered torrents, oldest first. The same array until a change. */
  list(): readonly RegisteredTorrent[] {
    if (this.#added.size + this.#removed.size > 0) {
      const changes = { removed: this.#removed, added: [...this.#added] }
      this.#list = withChanges(this.#list, changes, compareAge)
      this.#added.clear()
      this.#removed.clear()
    }
    return this.#list
  }

  /** Adds a file, or replaces the one at its path. Returns whether anything changed. */
  set(file: KeptTorrent): boolean {
    if (this.#byPath.get(file.path) === file) return false
    this.delete(file.path)
    this.#byPath.set(file.path, file)
    this.#change(file, (files) => [...files, file])
    return true
  }

  delete(path: string): boolean {
    const file = this.#byPath.get(path)
    if (file === undefined) return false
    this.#byPath.delete(path)
    this.#change(file, (files) => files.filter((each) => each !== file))
    return true
  }

  #change(
    { torrent: { infoHashes } }: KeptTorrent,
    change: (files: readonly KeptTorrent[]) => readonly KeptTorrent[],
  ): void {
    const affected = new Set(infoHashes.flatMap((infoHash) => this.filesOf(infoHash)))
    const before = new Set([...affected].filter((each) => this.#isRegistered(each)))
    for (const infoHash of infoHashes) {
      const files = change(this.filesOf(infoHash))
      if (files.length === 0) this.#byInfoHash.delete(infoHashKey(infoHash))
      else this.#byInfoHash.set(infoHashKey(infoHash), files)
      for (const file of files) affected.add(file)
    }
    for (const file of affected) {
      const isRegistered = this.#isRegistered(file)
      if (isRegistered && !before.has(file)) note(file.torrent, this.#added, this.#removed)
      if (!isRegistered && before.has(file)) note(file.torrent, this.#removed, this.#added)
    }
  }

  #isRegistered(file: KeptTorrent): boolean {
    return file.torrent.infoHashes.some((infoHash) => this.find(infoHash) === file)
  }
}

function registered(files: readonly KeptTorrent[]): KeptTorrent | undefined {
  return files.findLast(({ hasDescription }) => hasDescription) ?? files.at(-1)
}

/** A change that undoes an earlier one leaves none. */
function note(
  torrent: RegisteredTorrent,
  changes: Set<RegisteredTorrent>,
  opposite: Set<RegisteredTorrent>,
): void {
  if (!opposite.delete(torrent)) changes.add(torrent)
}

function compareAge(a: RegisteredTorrent, b: RegisteredTorrent): number {
  return (
    a.registeredAtMs - b.registeredAtMs ||
    Buffer.compare(a.infoHashes[0] as Buffer, b.infoHashes[0] as Buffer)
  )
}
