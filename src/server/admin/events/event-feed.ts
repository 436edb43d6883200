/**
 * Events of the node: the whole state first, then each change, for any number of streams.
 *
 * Entries are read once a second while a stream is open, and compared with the previous reading. A stream has no queue of
 * its own: it keeps its position in the list of recent changes, which is bounded, and continues when its socket takes
 * more. A stream whose position is no longer in the list, because it is slow or was interrupted for long, starts again with the
 * whole state. The memory is the same for one stream and for a hundred.
 */
import type { Clock } from '../../../core/clock.ts'
import type { Log } from '../../../core/log.ts'
import { EVENT_KINDS, type EventKind } from '../answers/events.ts'

/** Key of an entry within its kind, and its state in JSON. */
export type Entry = readonly [key: string, value: unknown]

export type EventSources = Readonly<Record<EventKind, () => Promise<Iterable<Entry>> | Iterable<Entry>>>

export interface Change {
  readonly sequence: number
  readonly kind: EventKind
  readonly key: string
  /** JSON; `null` for a removed entry. */
  readonly value: string
}

const POLL_INTERVAL_MS = 1_000
/** About 3 MB: a minute of changes in ten swarms, or one turn of all. */
const CHANGES_MAX = 10_000
/** Without a stream for this long, the node forgets the changes: a client that returns later gets the whole state. */
const IDLE_POLLS_MAX = 60

export interface EventFeedComponents {
  readonly sources: EventSources
  readonly clock: Clock
  readonly log: Log
}

export class EventFeed {
  readonly #sources: EventSources
  readonly #log: Log
  /** Distinguishes the positions of this process from those of its predecessor. */
  readonly #epoch: string
  readonly #entries: Readonly<Record<EventKind, Map<string, string>>>
  readonly #waiting = new Set<() => void>()
  #changes: Change[] = []
  #sequence = 0
  #streams = 0
  #idlePolls = 0
  #timer: NodeJS.Timeout | undefined
  #polling: Promise<void> | undefined

  constructor({ sources, clock, log }: EventFeedComponents) {
    this.#sources = sources
    this.#log = log
    this.#epoch = clock.nowMs().toString(36)
    this.#entries = {
      node: new Map(),
      site: new Map(),
      torrent: new Map(),
      rollout: new Map(),
      swarm: new Map(),
    }
  }

  /** Starts the polls with the first stream. Resolves after a poll, so that the stream begins with the current state. */
  async open(): Promise<void> {
    this.#streams++
    this.#idlePolls = 0
    this.#timer ??= setInterval(() => void this.#tick(), POLL_INTERVAL_MS).unref()
    await this.poll()
  }

  close(): void {
    this.#streams--
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Position after the last change. */
  get position(): number {
    return this.#sequence
  }

  idOf(position: number): string {
    return `${this.#epoch}-${position}`
  }

  /** Position of an id; undefined if the changes after it are not in the list. */
  positionOf(id: string | undefined): number | undefined {
    const [epoch, digits = ''] = id?.split('-') ?? []
    const position = Number(digits)
    const isKnown = epoch === this.#epoch && /^\d{1,15}$/.test(digits) && position <= this.#sequence
    return isKnown && this.isListed(position) ? position : undefined
  }

  /** True if all changes after this position are in the list. */
  isListed(position: number): boolean {
    return position >= this.#sequence - this.#changes.length
  }

  changesAfter(position: number): readonly Change[] {
    return this.#changes.slice(this.#changes.length - (this.#sequence - position))
  }

  /** May be iterated while entries change: a change during the iteration has a later position, and is sent again. */
  entries(kind: EventKind): Iterable<readonly [string, string]> {
    return this.#entries[kind]
  }

  /** Resolves at the next change. */
  nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#waiting.add(done)
      signal.addEventListener('abort', done)
    })
  }

  /** Reads all sources once. Concurrent calls share one reading. */
  async poll(): Promise<void> {
    this.#polling ??= this.#readAll().finally(() => (this.#polling = undefined))
    return this.#polling
  }

  async #tick(): Promise<void> {
    this.#idlePolls = this.#streams > 0 ? 0 : this.#idlePolls + 1
    if (this.#idlePolls < IDLE_POLLS_MAX) return this.poll()
    this.stop()
    // The sequence continues: positions from before are not in the list any more.
    this.#sequence++
    this.#changes = []
  }

  async #readAll(): Promise<void> {
    const before = this.#sequence
    for (const kind of EVENT_KINDS) await this.#read(kind)
    if (this.#changes.length > CHANGES_MAX) this.#changes = this.#changes.slice(-CHANGES_MAX)
    if (this.#sequence !== before) for (const done of this.#waiting) done()
  }

  /** The entries of a source that fails stay until it can be read again, such as while the store is down. */
  async #read(kind: EventKind): Promise<void> {
    try {
      this.#compare(kind, await this.#sources[kind]())
    } catch (error) {
      this.#log.debug(
        { event: 'events-read-failed', kind, err: error },
        'a source of events could not be read',
      )
    }
  }

  #compare(kind: EventKind, current: Iterable<Entry>): void {
    const entries = this.#entries[kind]
    const gone = new Set(entries.keys())
    for (const [key, value] of current) {
      const json = JSON.stringify(value)
      gone.delete(key)
      if (entries.get(key) === json) continue
      entries.set(key, json)
      this.#add(kind, key, json)
    }
    for (const key of gone) {
      entries.delete(key)
      this.#add(kind, key, 'null')
    }
  }

  #add(kind: EventKind, key: string, value: string): void {
    this.#changes.push({ sequence: ++this.#sequence, kind, key, value })
  }
}
