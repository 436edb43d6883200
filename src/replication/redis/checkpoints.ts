/**
 * Sampled ids of log entries that this node has read. While they are younger than the trim horizon, they must still
 * exist.
 *
 * One is missing and older ones exist: the log lost its end, as after a fail-over or with an old backup; other nodes may
 * have written to it since. The oldest is missing: the log was trimmed too early, or started again. Redis reports neither
 * by itself: `max-deleted-entry-id` does not cover trims.
 */
import { compareIds, idMs } from './stream-id.ts'

/** Distance of kept checkpoints: the accuracy with which the start of a lost end is known. */
const INTERVAL_MS = 10_000
/** More are kept between two polls, to detect an end that was lost and overwritten in between. */
const RECENT_MAX = 16
/** Share of a lifetime. Nodes trim entries older than a lifetime by their own site clock; the rest is a margin. */
const CHECKED_SHARE = 0.9

export class Checkpoints {
  readonly #lifetimeMs: number
  /** Oldest first, as all lists here. */
  #kept: string[] = []
  /** Since the last poll. The first one existed at that poll. */
  #recent: string[] = []

  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs
  }

  /** `id`: the last entry that was read. */
  note(id: string): void {
    const last = this.#recent.at(-1)
    if (last !== undefined && compareIds(id, last) <= 0) return
    if (this.#recent.length === RECENT_MAX) this.#recent = this.#recent.filter((_, index) => index % 2 === 0)
    this.#recent.push(id)
    const kept = this.#kept.at(-1)
    if (kept === undefined || idMs(id) - idMs(kept) >= INTERVAL_MS) this.#kept.push(id)
  }

  /** All checkpoints that are younger than the trim horizon. */
  all(siteMs: number): readonly string[] {
    const from = siteMs - this.#lifetimeMs * CHECKED_SHARE
    if (this.#kept.length > 0 && idMs(this.#kept[0] as string) < from)
      this.#kept = this.#kept.filter((id) => idMs(id) >= from)
    const newest = this.#kept.at(-1)
    const recent = this.#recent.filter((id) => idMs(id) >= from)
    return [...this.#kept, ...recent.filter((id) => newest === undefined || compareIds(id, newest) > 0)]
  }

  /** The oldest checkpoint, and those since the last poll. */
  oldestAndRecent(siteMs: number): readonly string[] {
    const all = this.all(siteMs)
    const [since] = this.#recent
    return all.filter((id, index) => index === 0 || (since !== undefined && compareIds(id, since) >= 0))
  }

  /** A poll found all of them. */
  polled(): void {
    this.#recent = this.#recent.slice(-1)
  }

  /** The entries after this one are lost. */
  dropAfter(id: string): void {
    this.#kept = this.#kept.filter((each) => compareIds(each, id) <= 0)
    this.#recent = [id]
  }

  clear(): void {
    this.#kept = []
    this.#recent = []
  }
}
