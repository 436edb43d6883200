/**
 * Entries of the log that this node has read, a few of them, as witnesses: while they are young enough that nobody
 * may have trimmed them, they must still be there.
 *
 * The newest one gone: the log lost its end, as a fail-over or an old backup does. The oldest one gone: it was
 * trimmed underneath us, or began anew. Redis tells neither by itself: `max-deleted-entry-id` does not know of trims.
 */
import { compareIds, idMs } from './stream-id.ts'

/** One in ten seconds is kept: it says how far back a lost end reaches, to within that. */
const APART_MS = 10_000
/** Nodes trim what is older than a lifetime, each by its own clock of the site; the rest is for their differences. */
const YOUNG_SHARE = 0.9

export class Witnesses {
  readonly #lifetimeMs: number
  /** Oldest first. */
  #ids: string[] = []

  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs
  }

  /** `id`: the last entry that was read. */
  add(id: string): void {
    const last = this.#ids.at(-1)
    if (last !== undefined && compareIds(id, last) <= 0) return
    const before = this.#ids.at(-2)
    if (last !== undefined && before !== undefined && idMs(last) - idMs(before) < APART_MS) this.#ids.pop()
    this.#ids.push(id)
  }

  /** Young ones, oldest first. */
  young(siteMs: number): readonly string[] {
    const from = siteMs - this.#lifetimeMs * YOUNG_SHARE
    if (this.#ids.length > 0 && idMs(this.#ids[0] as string) < from)
      this.#ids = this.#ids.filter((id) => idMs(id) >= from)
    return this.#ids
  }

  /** What came after this one is not there any more. */
  forgetAfter(id: string): void {
    this.#ids = this.#ids.filter((each) => compareIds(each, id) <= 0)
  }

  clear(): void {
    this.#ids = []
  }
}
