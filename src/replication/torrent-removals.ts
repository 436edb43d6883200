/**
 * Removals of registered torrents, with their times: a site that was unreachable meanwhile must not register them again,
 * also after a restart. A file beside the torrents, as JSON: `[infohash in hex, milliseconds since 1970]` each, oldest
 * first.
 */
import { infoHashKey, parseInfoHash } from '../core/info-hash.ts'
import { readRegularFile } from '../core/regular-file.ts'

/** Some hundred bytes each, in memory and on disk. */
const REMOVALS_MAX = 10_000
/** No outage between sites lasts longer; and after that time the torrent may be registered by another operator. */
const KEPT_MS = 90 * 86_400_000

export class TorrentRemovals {
  readonly #atMs = new Map<string, number>()

  /** By `infoHashKey`. */
  get all(): ReadonlyMap<string, number> {
    return this.#atMs
  }

  /** A file that is missing or cannot be parsed counts as empty. */
  async read(path: string, nowMs: number): Promise<void> {
    let entries: unknown
    try {
      entries = JSON.parse((await readRegularFile(path)).toString('utf8'))
    } catch {
      return
    }
    for (const entry of Array.isArray(entries) ? entries : []) {
      const [hex, atMs] = (Array.isArray(entry) ? entry : []) as unknown[]
      const infoHash = typeof hex === 'string' ? parseInfoHash(hex) : undefined
      if (infoHash !== undefined && typeof atMs === 'number') this.record([infoHash], atMs, nowMs)
    }
  }

  toFile(): Buffer {
    const entries = [...this.#atMs].map(([key, atMs]) => [Buffer.from(key, 'latin1').toString('hex'), atMs])
    return Buffer.from(JSON.stringify(entries))
  }

  /** A time in the future counts as now: no later registration would win over it. Returns whether anything changed. */
  record(infoHashes: readonly Buffer[], claimedMs: number, nowMs: number): boolean {
    const atMs = Math.min(claimedMs, nowMs)
    let isChanged = false
    for (const key of infoHashes.map(infoHashKey)) {
      if (atMs + KEPT_MS < nowMs || (this.#atMs.get(key) ?? 0) >= atMs) continue
      isChanged = true
      this.#atMs.delete(key)
      this.#atMs.set(key, atMs)
    }
    for (const [key, oldMs] of this.#atMs) {
      if (this.#atMs.size <= REMOVALS_MAX && oldMs + KEPT_MS >= nowMs) break
      this.#atMs.delete(key)
    }
    return isChanged
  }

  /** The torrent was registered again at that time. Returns whether anything changed. */
  revoke(infoHashes: readonly Buffer[], registeredAtMs: number): boolean {
    let isChanged = false
    for (const key of infoHashes.map(infoHashKey))
      if ((this.#atMs.get(key) ?? Infinity) < registeredAtMs) isChanged = this.#atMs.delete(key)
    return isChanged
  }
}
