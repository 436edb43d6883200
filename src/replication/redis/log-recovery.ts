/**
 * Detects losses of the site log and repairs them. Redis may lose all of the log, its end, or its beginning, and its clock
 * may move. In each case every node writes its state again, and reads again what it may have missed.
 *
 * All of the log is lost: its epoch differs. Its end: a checkpoint is missing that is not the oldest. Its beginning: the
 * oldest checkpoint is missing; the node that detects it starts another epoch, which all other nodes detect.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { LogSubscriber } from '../site-store.ts'
import { type RedisClient, text } from './client.ts'
import type { SiteKeys } from './keys.ts'
import type { LogReader } from './log-reader.ts'
import type { LogWriter } from './log-writer.ts'
import { poll, type PollResult } from './poll.ts'
import { scripts } from './scripts.ts'
import type { SiteClock } from '../../core/site-clock.ts'
import { compareIds, FIRST_ID, idMs } from './stream-id.ts'
import { Checkpoints } from './checkpoints.ts'

/** A resync starts this much before the loss: replicas, and responses in flight, are behind by less. */
const OVERLAP_MS = 60_000
/** The other nodes first write what they observed. After this time and a random one, missing records are written. */
const OTHERS_FIRST_MS = 500
const OTHERS_FIRST_JITTER_MS = 1_500
/** After a larger jump of Redis's clock, new nodes would misread the times of older entries. */
const REBASE_MS = 10_000
/**
 * Ids follow the clock of Redis, and stay ahead of it where it was set back. Entries that are further ahead were not
 * added by a node. They are never trimmed, and after the last possible id no entry can be added.
 */
const AHEAD_MS_MAX = 3_600_000
/** Nodes with different lifetimes trim each other's log; this limits the resyncs that follow. */
const ROTATION_INTERVAL_MS = 60_000

export interface LogRecoveryComponents {
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

/** Records to be written again: all, or those of announces and decisions of this node since then. */
type PendingResync = 'everything' | { readonly sinceMs: number }

export class LogRecovery {
  readonly #keys: SiteKeys
  readonly #lifetimeMs: number
  readonly #clock: SiteClock
  readonly #random: Random
  readonly #newEpoch: () => string
  readonly #log: Log
  readonly #subscriber: LogSubscriber
  readonly #writer: LogWriter
  readonly #reader: LogReader
  readonly #checkpoints: Checkpoints
  #epoch: string | undefined
  #pending: PendingResync | undefined
  #wake: () => void = () => {}
  #rotatedMs = -Infinity
  #hasLostCompletions = false
  #lastId = FIRST_ID

  constructor(components: LogRecoveryComponents) {
    this.#keys = components.keys
    this.#lifetimeMs = components.lifetimeMs
    this.#clock = components.clock
    this.#random = components.random
    this.#newEpoch = components.newEpoch
    this.#log = components.log
    this.#subscriber = components.subscriber
    this.#writer = components.writer
    this.#reader = components.reader
    this.#checkpoints = new Checkpoints(components.lifetimeMs)
  }

  /** Redis may have lost completion counts that this node has; true until `completionsRestored`. */
  get hasLostCompletions(): boolean {
    return this.#hasLostCompletions
  }

  completionsRestored(): void {
    this.#hasLostCompletions = false
  }

  /** The end of the log at the last poll. */
  get lastId(): string {
    return this.#lastId
  }

  /** This entry was read: from now on it must exist. */
  noteApplied(id: string): void {
    this.#checkpoints.note(id)
  }

  /** The connection ended: entries in flight may be lost. */
  connectionLost(): void {
    this.#writer.abandonResync()
    this.#reader.abandonWaiting()
    if (this.#epoch !== undefined) this.#scheduleResync({ sinceMs: this.#clock.nowMs() - OVERLAP_MS })
  }

  /** Polls Redis, checks the log, and schedules a resync where it lost entries. `isFirst`: of a session. */
  async poll(client: RedisClient, isFirst: boolean): Promise<PollResult> {
    const siteMs = this.#clock.nowMs()
    const ids = isFirst ? this.#checkpoints.all(siteMs) : this.#checkpoints.oldestAndRecent(siteMs)
    const { applied } = this.#reader
    const requestedMs = this.#clock.elapsed()
    const polled = await poll(client, this.#keys, { newEpoch: this.#newEpoch(), ids })
    const byMs = this.#clock.read({
      referenceMs: polled.redisMs,
      requestedMs,
      respondedMs: this.#clock.elapsed(),
    })
    const epoch = this.#epoch
    if (byMs !== 0) await this.#shift(client, byMs, polled)
    this.#lastId = polled.lastId

    // Where writes are refused, the epoch may be missing. An epoch that the shift started is newer than the poll.
    if (polled.epoch !== '' && this.#epoch === epoch) await this.#check(client, polled, ids, applied)
    const droppedSinceMs = this.#writer.takeDropped()
    if (droppedSinceMs !== undefined) this.#scheduleResync({ sinceMs: droppedSinceMs - OVERLAP_MS })
    return polled
  }

  async #check(
    client: RedisClient,
    polled: PollResult,
    ids: readonly string[],
    applied: string,
  ): Promise<void> {
    const firstMissing = polled.exists.indexOf(false)
    if (polled.epoch !== this.#epoch) this.#enterEpoch(polled.epoch)
    else if (idMs(polled.lastId) - polled.redisMs > AHEAD_MS_MAX)
      await this.#rotate(client, 'its last id is in the future of Redis', true)
    else if (firstMissing === 0) await this.#rotate(client, 'its beginning was trimmed or lost')
    else if (firstMissing > 0) await this.#recoverEnd(client, ids[firstMissing] as string)
    else if (compareIds(polled.lastId, applied) < 0) this.#reader.moveTo(polled.lastId)
    else this.#checkpoints.polled()
  }

  /** Writes the records of scheduled resyncs, until the signal is aborted. */
  async runResync(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pending = this.#pending
      if (pending === undefined) {
        await this.#waitForResync(signal)
        continue
      }
      const end = this.#lastId
      const own = this.#subscriber.snapshotRecords(pending === 'everything' ? { sinceMs: 0 } : pending)
      await this.#orAborted(this.#writer.resync(own), signal)
      if (pending === 'everything' && !signal.aborted) {
        await this.#orAborted(this.#reader.reach(end), signal)
        const jitterMs = this.#random.below(OTHERS_FIRST_JITTER_MS)
        await pause(OTHERS_FIRST_MS + jitterMs, undefined, { signal }).catch(() => undefined)
        if (!signal.aborted)
          await this.#orAborted(this.#writer.resync(this.#subscriber.snapshotRecords('all')), signal)
      }
      // Where it ended early, or more was lost meanwhile, a resync stays pending.
      if (!signal.aborted && this.#pending === pending) this.#pending = undefined
    }
  }

  /** The log in Redis is another one than this node followed so far, or the first that it follows. */
  #enterEpoch(epoch: string): void {
    const isFirst = this.#epoch === undefined
    this.#epoch = epoch
    this.#checkpoints.clear()
    this.#reader.moveTo(`${Math.max(0, this.#clock.nowMs() - this.#lifetimeMs)}-0`)
    if (isFirst) return
    this.#log.warn({ event: 'log-lost' }, 'site log restarted: this node is resending its state')
    this.#subscriber.forgetLogged()
    this.#hasLostCompletions = true
    this.#pending = undefined
    this.#scheduleResync('everything')
  }

  /** A fail-over, or an old backup: this entry is missing, and with it the end of the log at that time. */
  async #recoverEnd(client: RedisClient, missing: string): Promise<void> {
    const older = this.#checkpoints.all(this.#clock.nowMs()).filter((id) => compareIds(id, missing) < 0)
    const { exists } = await poll(client, this.#keys, { newEpoch: this.#newEpoch(), ids: older })
    const firstMissing = exists.indexOf(false)
    const common = firstMissing < 0 ? older.at(-1) : older[firstMissing - 1]
    if (common === undefined) {
      await this.#rotate(client, 'none of the entries that were read exists')
      return
    }
    this.#log.warn(
      { event: 'log-end-lost', seconds: Math.round((this.#clock.nowMs() - idMs(common)) / 1000) },
      'end of the site log lost: this node is resending its announces since then',
    )
    this.#checkpoints.dropAfter(common)
    this.#reader.moveTo(common)
    this.#hasLostCompletions = true
    this.#scheduleResync({ sinceMs: idMs(common) - OVERLAP_MS })
  }

  async #rotate(client: RedisClient, cause: string, isWorthless = false): Promise<void> {
    if (this.#clock.elapsed() - this.#rotatedMs < ROTATION_INTERVAL_MS) return
    // Rejects where the connection ends meanwhile, such as by an entry that the log does not accept: the next poll tries again.
    const epoch = await client.run(
      scripts.rotateEpoch,
      [this.#keys.epoch, this.#keys.log],
      [this.#epoch ?? '', this.#newEpoch(), isWorthless ? 1 : 0],
    )
    this.#rotatedMs = this.#clock.elapsed()
    this.#log.warn({ event: 'log-rotated', cause }, 'site log incomplete; every node is resending its state')
    this.#enterEpoch(text(epoch))
  }

  /** Redis's clock and this node's differ: the site time of this node moves, and all stored timestamps with it. */
  async #shift(client: RedisClient, byMs: number, polled: PollResult): Promise<void> {
    this.#log.warn({ event: 'time-shifted', byMs }, 'site clock changed; local timestamps shifted')
    const backlogSinceMs = this.#writer.oldestMs
    // The backlog contains times before the shift; a resync writes shifted ones.
    this.#writer.discard()
    this.#subscriber.shiftTime(byMs)
    if (backlogSinceMs !== undefined) this.#scheduleResync({ sinceMs: backlogSinceMs + byMs - OVERLAP_MS })
    if (this.#epoch === undefined || this.#epoch !== polled.epoch || Math.abs(byMs) < REBASE_MS) return
    if (byMs < 0) await this.#rotate(client, 'the clock of Redis was set back', true)
    else {
      this.#subscriber.forgetLogged()
      this.#scheduleResync('everything')
    }
  }

  #scheduleResync(resync: PendingResync): void {
    const before = this.#pending
    if (before === 'everything') return
    this.#pending =
      resync === 'everything' || before === undefined
        ? resync
        : { sinceMs: Math.min(before.sinceMs, resync.sinceMs) }
    this.#wake()
  }

  #waitForResync(signal: AbortSignal): Promise<void> {
    return this.#orAborted(new Promise<void>((resolve) => (this.#wake = resolve)), signal)
  }

  async #orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    let abort = () => {}
    const aborted = new Promise<void>((resolve) => (abort = resolve))
    signal.addEventListener('abort', abort, { once: true })
    await Promise.race([promise, aborted])
    signal.removeEventListener('abort', abort)
  }
}
