/**
 * Decides when a directory has to be scanned for added files. Network file systems and mounted volumes report no
 * events, so the directory is polled: its modification time changes with each entry.
 *
 * A file that cannot be read may still be written, and later writes do not change the directory. Until such a file has
 * been the same for `GROWING_MS`, every poll requests a scan.
 *
 * A change that this node made itself requests no scan: with 100,000 files, one takes seconds, and the next registration waits
 * for it. A file that is added in the same moment is found by its name within a minute.
 */
import { stat } from 'node:fs/promises'

/** `names`: known files are not read again. */
export type DirectoryScan = 'all' | 'names' | 'none'

interface UnreadableFile {
  /** Its time and size. */
  readonly version: string
  readonly sinceMs: number
  readonly problem: string
  isReported: boolean
}

export class DirectoryPoll {
  #version = ''
  #changedAtMs = -Infinity
  /** Of this node, or a scan that a change in the same moment may have missed. */
  #firstOwnChangeMs: number | undefined = undefined
  readonly #unreadable = new Map<string, UnreadableFile>()

  /** A directory that cannot be read has not changed. */
  async neededScan(directory: string, nowMs: number): Promise<DirectoryScan> {
    const version = await versionOf(directory)
    if (version !== undefined && version !== this.#version) {
      this.#version = version
      this.#changedAtMs = nowMs
    }
    const isGrowing = [...this.#unreadable.values()].some(({ sinceMs }) => nowMs - sinceMs <= GROWING_MS)
    const isAll = isGrowing || nowMs - this.#changedAtMs <= SETTLED_MS
    const isDue = this.#firstOwnChangeMs !== undefined && nowMs - this.#firstOwnChangeMs >= OWN_CHANGES_MS
    if (!isAll && !isDue) return 'none'
    this.#firstOwnChangeMs = undefined
    return isAll ? 'all' : 'names'
  }

  /** Before all files are read, after which a poll does not read them again. */
  async noteReading(directory: string, nowMs: number): Promise<void> {
    this.#version = (await versionOf(directory)) ?? ''
    this.#firstOwnChangeMs = nowMs
  }

  /** Runs a change of this node in the directory. */
  async changeOwn<T>(directory: string, nowMs: number, change: () => Promise<T>): Promise<T> {
    const isKnown = (await versionOf(directory)) === this.#version
    try {
      return await change()
    } finally {
      const version = await versionOf(directory)
      if (isKnown && version !== undefined && version !== this.#version) {
        this.#version = version
        this.#firstOwnChangeMs ??= nowMs
      }
    }
  }

  isUnreadable(path: string, version: string): boolean {
    return this.#unreadable.get(path)?.version === version
  }

  /** Records a file that is not a torrent, at least not yet. */
  noteUnreadable(path: string, file: Pick<UnreadableFile, 'version' | 'sinceMs' | 'problem'>): void {
    this.#unreadable.set(path, { ...file, isReported: false })
  }

  noteReadable(path: string): void {
    this.#unreadable.delete(path)
  }

  /** Returns each problem once: at a poll only those of files that did not grow since the poll before. */
  takeProblems(nowMs: number, isPoll: boolean): string[] {
    const due = [...this.#unreadable.values()].filter(
      ({ isReported, sinceMs }) => !isReported && (!isPoll || sinceMs < nowMs),
    )
    for (const file of due) file.isReported = true
    return due.map(({ problem }) => problem)
  }
}

async function versionOf(directory: string): Promise<string | undefined> {
  try {
    const { mtimeMs, ino } = await stat(directory)
    return `${mtimeMs} ${ino}`
  } catch {
    return undefined
  }
}

/** File systems count time in steps of up to two seconds: a second file in the same step leaves the time unchanged. */
const SETTLED_MS = 10_000

/** A scan of the names of 100,000 files takes a tenth of a second. */
const OWN_CHANGES_MS = 60_000

/** A file that has not grown for this long is not being copied. */
const GROWING_MS = 60_000
