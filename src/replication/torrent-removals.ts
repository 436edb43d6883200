/**
 * Which registered torrents were removed, and when: so that a site that was cut meanwhile does not bring them back, also
 * after a restart. A file beside the torrents, as JSON: `[infohash in hex, milliseconds since 1970]` each, oldest first.
 */
import { readFile } from 'node:fs/promises'
import { infoHashKey, parseInfoHash } from '../core/info-hash.ts'

/** Some hundred bytes each, in memory and on disk. */
const REMOVALS_MAX = 10_000
/** No link is cut for longer than that; and by then somebody else may mean the same torrent. */
const KEPT_MS = 90 * 86_400_000

export class Removals {
  readonly #atMs = new Map<string, number>()

  /** By `infoHashKey`. */
  get all(): ReadonlyMap<string, number> {
    return this.#atMs
  }

  /** A file that is not there, or was written by somebody else, says nothing. */
  async read(path: string, nowMs: number): Promise<void> {
    let entries: unknown
    try {
      entries = JSON.parse(await readFile(path, 'utf8'))
    } catch {
      return
    }
    for (const entry of Array.isArray(entries) ? entries : []) {
      const [hex, atMs] = (Array.isArray(entry) ? entry : []) as unknown[]
      const infoHash = typeof hex === 'string' ? parseInfoHash(hex) : undefined
      if (infoHash !== undefined && typeof atMs === 'number') this.note([infoHash], atMs, nowMs)
    }
  }

  toFile(): Buffer {
    const entries = [...this.#atMs].map(([key, atMs]) => [Buffer.from(key, 'latin1').toString('hex'), atMs])
    return Buffer.from(JSON.stringify(entries))
  }

  /** Returns whether that is news. */
  note(infoHashes: readonly Buffer[], atMs: number, nowMs: number): boolean {
    let isNews = false
    for (const key of infoHashes.map(infoHashKey)) {
      if (atMs + KEPT_MS < nowMs || (this.#atMs.get(key) ?? 0) >= atMs) continue
      isNews = true
      this.#atMs.delete(key)
      this.#atMs.set(key, atMs)
    }
    for (const [key, oldMs] of this.#atMs) {
      if (this.#atMs.size <= REMOVALS_MAX && oldMs + KEPT_MS >= nowMs) break
      this.#atMs.delete(key)
    }
    return isNews
  }

  /** It was registered again at that time. Returns whether that is news. */
  revoke(infoHashes: readonly Buffer[], registeredAtMs: number): boolean {
    let isNews = false
    for (const key of infoHashes.map(infoHashKey))
      if ((this.#atMs.get(key) ?? Infinity) < registeredAtMs) isNews = this.#atMs.delete(key)
    return isNews
  }
}
