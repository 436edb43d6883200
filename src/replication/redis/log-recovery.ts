/**
 * Keeps the site log whole. Redis may lose all of it, its end, or its beginning, and its clock may move; whatever
 * happened, every node writes again what it knows, and reads again what it may have missed.
 *
 * All of the log: another epoch. Its end: a witness is gone that is not the oldest. Its beginning: the oldest is; the
 * node that sees it begins another epoch, so that all others hear of it.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { LogSubscriber } from '../site-store.ts'
import { type RedisClient, text } from './client.ts'
import type { SiteKeys } from './keys.ts'
import type { LogReader } from './log-reader.ts'
import type { LogWriter } from './log-writer.ts'
import { look, type Look } from './poll.ts'
import { scripts } from './scripts.ts'
import type { SiteClock } from './site-clock.ts'
import { compareIds, FIRST_ID, idMs } from './stream-id.ts'
import { Checkpoints } from './checkpoints.ts'

/** How much more is written anew than seems to be missing: replicas are behind by less, and so are answers on their way. */
const OVERLAP_MS = 60_000
/** What others heard is left to them so long, and somewhat longer at random; then whatever nobody wrote is written. */
const OTHERS_FIRST_MS = 500
const OTHERS_FIRST_JITTER_MS = 1_500
/** What the log has from before such a jump of Redis's clock, new nodes would misread. */
const REBASE_MS = 10_000
/** Nodes that disagree about the lifetime would trim each other's log; they shall not dump it all the time as well. */
const ROTATE_EVERY_MS = 60_000

export interface LogKeeperOptions {
  readonly keys: SiteKeys
  readonly lifetimeMs: number
  readonly clock: SiteClock
  readonly random: Random
  readonly newEpoch: () => string
  readonly log: Log
  readonly subscriber: LogSubscriber
  readonly writer: LogWriter
  readonly reader: LogReader
}

/** What is to be written anew: everything, or what this node heard since then. */
type Debt = 'everything' | { readonly sinceMs: number }

export class LogRecovery {
  readonly #options: LogKeeperOptions
  readonly #witnesses: Checkpoints
  #epoch: string | undefined
  #debt: Debt | undefined
  #wake: () => void = () => {}
  #rotatedMs = -Infinity
  #hasLostCompletions = false
  #lastId = FIRST_ID

  constructor(options: LogKeeperOptions) {
    this.#options = options
    this.#witnesses = new Checkpoints(options.lifetimeMs)
  }

  /** Whether Redis may know less of the completions than this node. Whoever gives them back says so. */
  get hasLostCompletions(): boolean {
    return this.#hasLostCompletions
  }

  completionsRestored(): void {
    this.#hasLostCompletions = false
  }

  /** The end of the log when it was last looked at. */
  get lastId(): string {
    return this.#lastId
  }

  /** This entry was read: from now on it must be there. */
  witness(id: string): void {
    this.#witnesses.add(id)
  }

  /** The connection ended: what was on its way may be lost. */
  broke(): void {
    const { writer, reader, clock } = this.#options
    writer.abandonDump()
    reader.abandonWaiting()
    if (this.#epoch !== undefined) this.#owe({ sinceMs: clock.nowMs() - OVERLAP_MS })
  }

  /** Looks at the log and does what is to be done about it. `isFirst`: of a session. */
  async look(client: RedisClient, isFirst: boolean): Promise<Look> {
    const { keys, clock, newEpoch, reader, writer } = this.#options
    const siteMs = clock.nowMs()
    const ids = isFirst ? this.#witnesses.all(siteMs) : this.#witnesses.few(siteMs)
    const { applied } = reader
    const askedMs = clock.elapsed()
    const seen = await look(client, keys, { newEpoch: newEpoch(), ids })
    const byMs = clock.read({ redisMs: seen.redisMs, askedMs, answeredMs: clock.elapsed() })
    const epoch = this.#epoch
    if (byMs !== 0) await this.#shift(client, byMs, seen)
    this.#lastId = seen.lastId

    // Where writes are refused there may be none; and what the shift has begun, nobody has seen yet.
    if (seen.epoch !== '' && this.#epoch === epoch) await this.#check(client, seen, ids, applied)
    const droppedSinceMs = writer.takeDropped()
    if (droppedSinceMs !== undefined) this.#owe({ sinceMs: droppedSinceMs - OVERLAP_MS })
    return seen
  }

  async #check(client: RedisClient, seen: Look, ids: readonly string[], applied: string): Promise<void> {
    const firstGone = seen.isThere.indexOf(false)
    if (seen.epoch !== this.#epoch) this.#begin(seen.epoch)
    else if (firstGone === 0) await this.#rotate(client, 'its beginning was trimmed or lost')
    else if (firstGone > 0) await this.#lostEnd(client, ids[firstGone] as string)
    else if (compareIds(seen.lastId, applied) < 0) this.#options.reader.moveTo(seen.lastId)
    else this.#witnesses.looked()
  }

  /** Writes what is owed, until the signal ends it. */
  async repay(signal: AbortSignal): Promise<void> {
    const { subscriber, writer, reader, random } = this.#options
    while (!signal.aborted) {
      const debt = this.#debt
      if (debt === undefined) {
        await this.#somethingOwed(signal)
        continue
      }
      const end = this.#lastId
      await this.#orAborted(
        writer.dump(subscriber.dump(debt === 'everything' ? { sinceMs: 0 } : debt)),
        signal,
      )
      if (debt === 'everything' && !signal.aborted) {
        await this.#orAborted(reader.reach(end), signal)
        const jitterMs = random.below(OTHERS_FIRST_JITTER_MS)
        await pause(OTHERS_FIRST_MS + jitterMs, undefined, { signal }).catch(() => undefined)
        if (!signal.aborted) await this.#orAborted(writer.dump(subscriber.dump('all')), signal)
      }
      // Where it ended early, or more was lost meanwhile, the debt stays.
      if (!signal.aborted && this.#debt === debt) this.#debt = undefined
    }
  }

  /** The log that is there now is another one than this node knows, or the first that it sees. */
  #begin(epoch: string): void {
    const { reader, subscriber, clock, lifetimeMs, log } = this.#options
    const isFirst = this.#epoch === undefined
    this.#epoch = epoch
    this.#witnesses.clear()
    reader.moveTo(`${Math.max(0, clock.nowMs() - lifetimeMs)}-0`)
    if (isFirst) return
    log.warn({ event: 'log-lost' }, 'the log of the site began anew; this node writes to it what it knows')
    subscriber.forgetLogged()
    this.#hasLostCompletions = true
    this.#debt = undefined
    this.#owe('everything')
  }

  /** A fail-over, or an old backup: this entry is gone, and with it an end of the log of that time. */
  async #lostEnd(client: RedisClient, gone: string): Promise<void> {
    const { clock, keys, newEpoch, reader, log } = this.#options
    const older = this.#witnesses.all(clock.nowMs()).filter((id) => compareIds(id, gone) < 0)
    const { isThere } = await look(client, keys, { newEpoch: newEpoch(), ids: older })
    const firstGone = isThere.indexOf(false)
    const common = firstGone < 0 ? older.at(-1) : older[firstGone - 1]
    if (common === undefined) {
      await this.#rotate(client, 'nothing of what was read is in it any more')
      return
    }
    log.warn(
      { event: 'log-end-lost', seconds: Math.round((clock.nowMs() - idMs(common)) / 1000) },
      'the end of the log of the site was lost; this node writes again what it heard',
    )
    this.#witnesses.forgetAfter(common)
    reader.moveTo(common)
    this.#hasLostCompletions = true
    this.#owe({ sinceMs: idMs(common) - OVERLAP_MS })
  }

  async #rotate(client: RedisClient, cause: string, isWorthless = false): Promise<void> {
    const { keys, newEpoch, clock, log } = this.#options
    if (clock.elapsed() - this.#rotatedMs < ROTATE_EVERY_MS) return
    this.#rotatedMs = clock.elapsed()
    log.warn(
      { event: 'log-rotated', cause },
      'the log of the site is not whole: all nodes write to it what they know',
    )
    const epoch = await client.run(
      scripts.rotateEpoch,
      [keys.epoch, keys.log],
      [this.#epoch ?? '', newEpoch(), isWorthless ? 1 : 0],
    )
    this.#begin(text(epoch))
  }

  /** Redis's clock and this node's differ: the node's time moves, and all that it noted. */
  async #shift(client: RedisClient, byMs: number, seen: Look): Promise<void> {
    const { subscriber, writer, log } = this.#options
    log.warn(
      { event: 'time-shifted', byMs },
      'the time of the site is not what this node took it for; it is now',
    )
    const waitingSinceMs = writer.oldestMs
    // They have times of before in them; a dump has them right.
    writer.discard()
    subscriber.shiftTime(byMs)
    if (waitingSinceMs !== undefined) this.#owe({ sinceMs: waitingSinceMs + byMs - OVERLAP_MS })
    if (this.#epoch === undefined || this.#epoch !== seen.epoch || Math.abs(byMs) < REBASE_MS) return
    if (byMs < 0) await this.#rotate(client, 'the clock of Redis was set back', true)
    else {
      subscriber.forgetLogged()
      this.#owe('everything')
    }
  }

  #owe(debt: Debt): void {
    const before = this.#debt
    if (before === 'everything') return
    this.#debt =
      debt === 'everything' || before === undefined
        ? debt
        : { sinceMs: Math.min(before.sinceMs, debt.sinceMs) }
    this.#wake()
  }

  #somethingOwed(signal: AbortSignal): Promise<void> {
    return this.#orAborted(new Promise<void>((resolve) => (this.#wake = resolve)), signal)
  }

  async #orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    let over = () => {}
    const aborted = new Promise<void>((resolve) => (over = resolve))
    signal.addEventListener('abort', over, { once: true })
    await Promise.race([promise, aborted])
    signal.removeEventListener('abort', over)
  }
}
