/**
 * Entries of the log that this node has read, a few of them, as witnesses: while they are young enough that nobody
 * may have trimmed them, they must still be there.
 *
 * One is gone and older ones are not: the log lost its end, as a fail-over or an old backup does; others may have
 * written to it since. The oldest is gone: it was trimmed underneath us, or began anew. Redis tells neither by itself:
 * `max-deleted-entry-id` does not know of trims.
 */
import { compareIds, idMs } from './stream-id.ts'

/** One in ten seconds is kept: it says how far back a lost end reaches, to within that. */
const APART_MS = 10_000
/** Between two looks, more of them: an end that was lost and written over in between shall not go unnoticed. */
const RECENT_MAX = 16
/** Nodes trim what is older than a lifetime, each by its own clock of the site; the rest is for their differences. */
const YOUNG_SHARE = 0.9

export class Checkpoints {
  readonly #lifetimeMs: number
  /** Oldest first, as all lists here. */
  #kept: string[] = []
  /** Since the last look, which the first of them was there for. */
  #recent: string[] = []

  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs
  }

  /** `id`: the last entry that was read. */
  add(id: string): void {
    const last = this.#recent.at(-1)
    if (last !== undefined && compareIds(id, last) <= 0) return
    if (this.#recent.length === RECENT_MAX) this.#recent = this.#recent.filter((_, index) => index % 2 === 0)
    this.#recent.push(id)
    const kept = this.#kept.at(-1)
    if (kept === undefined || idMs(id) - idMs(kept) >= APART_MS) this.#kept.push(id)
  }

  /** All young ones. */
  all(siteMs: number): readonly string[] {
    const from = siteMs - this.#lifetimeMs * YOUNG_SHARE
    if (this.#kept.length > 0 && idMs(this.#kept[0] as string) < from)
      this.#kept = this.#kept.filter((id) => idMs(id) >= from)
    const newest = this.#kept.at(-1)
    const recent = this.#recent.filter((id) => idMs(id) >= from)
    return [...this.#kept, ...recent.filter((id) => newest === undefined || compareIds(id, newest) > 0)]
  }

  /** The oldest of them, and what was read since the last look. */
  few(siteMs: number): readonly string[] {
    const all = this.all(siteMs)
    const [since] = this.#recent
    return all.filter((id, index) => index === 0 || (since !== undefined && compareIds(id, since) >= 0))
  }

  /** So far all were there. */
  looked(): void {
    this.#recent = this.#recent.slice(-1)
  }

  /** What came after this one is not there any more. */
  forgetAfter(id: string): void {
    this.#kept = this.#kept.filter((each) => compareIds(each, id) <= 0)
    this.#recent = [id]
  }

  clear(): void {
    this.#kept = []
    this.#recent = []
  }
}
