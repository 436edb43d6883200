/**
 * The shared state of a site in Redis. Announces are always answered from the memory of this node, also while Redis is
 * down; the store keeps that memory equal to that of the other nodes, and resyncs it after an outage.
 *
 * A session lasts as long as both of its connections. It runs a writer, a reader, a poll every second, and pending
 * resyncs; the first of them to fail ends it, and the next session starts after a pause.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { StoreTarget } from '../../core/store-url.ts'
import type { LogSubscriber, SiteLog, SiteStore, StoreState } from '../site-store.ts'
import type { OverrideFile } from '../override-file.ts'
import type { TorrentDirectory } from '../torrent-directory.ts'
import { isRefusal, type RedisClient } from './client.ts'
import { siteKeys, type SiteKeys } from './keys.ts'
import { InvalidValues, type OnInvalidValue } from './invalid-values.ts'
import { LogRecovery } from './log-recovery.ts'
import { LogReader } from './log-reader.ts'
import { LogWriter } from './log-writer.ts'
import { RedisCompletions } from './redis-completions.ts'
import { RedisDocuments } from './redis-documents.ts'
import { RedisLeases } from './redis-leases.ts'
import { RedisOverrides } from './redis-overrides.ts'
import { RedisSecrets } from './redis-secrets.ts'
import { openSession, type RedisSession } from './redis-session.ts'
import { type CheckTorrent, RedisTorrents } from './redis-torrents.ts'
import { refusedBy, WRITE_REFUSALS } from './refusals.ts'
import { SiteClock } from '../../core/site-clock.ts'
import { storeSentence } from './store-sentence.ts'

/**
 * A held rollout stops within a second on all nodes of the site. A server that hangs is detected within one and a half: half
 * a second until the next poll, one until its deadline.
 */
const POLL_INTERVAL_MS = 500
/** A node that starts while Redis is down waits this long, then runs standalone. */
const STANDALONE_AFTER_MS = 10_000
/** Between two attempts to connect: short at first, because most outages are; the maximum spares Redis many nodes. */
const RETRY_MS_MIN = 100
const RETRY_MS_MAX = 2_000
/** After a session of this length, the retry delay starts again from its minimum. */
const STABLE_MS = 5_000
/** Time that a stopping node has to write its last batches. */
const FLUSH_DEADLINE_MS = 3_000

export interface RedisStoreOptions {
  readonly target: StoreTarget
  readonly site: string
  /** The longest lifetime of a peer without an announce; the log reaches back as far. */
  readonly lifetimeMs: number
  readonly mirror: TorrentDirectory
  readonly mirrorDirectory: string
  readonly overrides: OverrideFile
  readonly check: CheckTorrent
  readonly clock: Clock
  readonly random: Random
  /** 32 unpredictable bytes. */
  readonly newSecret: () => Buffer
  readonly log: Log
  /** Replaces the elapsed time of the machine. */
  readonly elapsed?: () => number
}

/** Collaborators of every session, from `open` on. */
interface SessionComponents {
  readonly recovery: LogRecovery
  readonly reader: LogReader
  readonly subscriber: LogSubscriber
  /** Resolves `open`. */
  readonly caughtUp: () => void
  /** Rejects `open`. */
  readonly refused: (error: Error) => void
}

export class RedisStore implements SiteStore {
  readonly leases: RedisLeases
  readonly completions: RedisCompletions
  readonly torrents: RedisTorrents
  readonly documents: RedisDocuments
  readonly overrides: RedisOverrides
  readonly secrets: RedisSecrets
  readonly clock: SiteClock
  readonly log: SiteLog
  readonly #options: RedisStoreOptions
  readonly #keys: SiteKeys
  readonly #writer: LogWriter
  readonly #invalid: InvalidValues
  readonly #closing = new AbortController()
  #running: Promise<void> | undefined
  /** The reason why there is no session, and its start by `clock.elapsed`. */
  #down: { readonly reason: string; readonly sinceMs: number } | undefined
  /** The error with which Redis refuses writes other than those of the log. */
  #refusal = ''
  #isCaughtUp = false
  /** From then on, no error of Redis ends the node. */
  #isOpen = false

  constructor(options: RedisStoreOptions) {
    const { site, clock, elapsed, lifetimeMs, mirror, mirrorDirectory, newSecret, log } = options
    this.#options = options
    this.#keys = siteKeys(site)
    this.clock = new SiteClock(clock, elapsed)
    this.#writer = new LogWriter({ key: this.#keys.log, lifetimeMs, clock: this.clock })
    this.log = { isShared: true, append: (batch) => this.#writer.append(batch) }
    this.leases = new RedisLeases(this.#keys)
    this.#invalid = new InvalidValues(log, () => this.clock.elapsed())
    const onInvalid: OnInvalidValue = (value, problem) => this.#invalid.note(value, problem)
    this.completions = new RedisCompletions(this.#keys, log, onInvalid)
    this.documents = new RedisDocuments(this.#keys, onInvalid)
    this.secrets = new RedisSecrets(this.#keys, newSecret)
    this.torrents = new RedisTorrents({
      keys: this.#keys,
      mirror,
      directory: mirrorDirectory,
      newId: () => newSecret().toString('hex'),
      check: options.check,
      onInvalid,
      elapsedMs: () => this.clock.elapsed(),
      log,
    })
    this.overrides = new RedisOverrides(this.#keys, options.overrides, onInvalid)
    this.#down = { reason: 'not connected yet', sinceMs: this.clock.elapsed() }
  }

  async open(subscriber: LogSubscriber): Promise<void> {
    const { random, newSecret, lifetimeMs, log, mirror, overrides } = this.#options
    await mirror.open()
    await overrides.open()
    const reader = new LogReader({
      key: this.#keys.log,
      apply: (batch) => subscriber.apply(batch),
      onApplied: (id) => recovery.noteApplied(id),
    })
    const recovery: LogRecovery = new LogRecovery({
      keys: this.#keys,
      lifetimeMs,
      clock: this.clock,
      random,
      newEpoch: () => newSecret().toString('hex'),
      log,
      subscriber,
      writer: this.#writer,
      reader,
    })
    const caughtUp = new Promise<void>((resolve, reject) => {
      this.#running = this.#run({ recovery, reader, subscriber, caughtUp: resolve, refused: reject })
    })
    const opened = new AbortController()
    try {
      await Promise.race([caughtUp, this.#unreachableTooLong(opened.signal)])
    } finally {
      opened.abort()
    }
    this.#isOpen = true
  }

  /** Resolves when Redis was unreachable for `STANDALONE_AFTER_MS`, or when the signal is aborted. */
  async #unreachableTooLong(signal: AbortSignal): Promise<void> {
    for (;;) {
      const downMs = this.#down === undefined ? 0 : this.clock.elapsed() - this.#down.sinceMs
      if (downMs >= STANDALONE_AFTER_MS) break
      await pause(STANDALONE_AFTER_MS - downMs, undefined, { signal, ref: false }).catch(() => undefined)
      if (signal.aborted) return
    }
    this.#options.log.warn(
      { event: 'store-alone', reason: this.#down?.reason },
      'store unreachable at start; running standalone until it is reachable',
    )
  }

  get state(): StoreState {
    const down = this.#down
    const refusal = this.#writer.refusal ?? this.#refusal
    const { oldestMs, backlogBytes, droppedBatches } = this.#writer
    return {
      isUp: down === undefined && refusal === '',
      isCaughtUp: this.#isCaughtUp,
      lagSeconds: oldestMs === undefined ? 0 : Math.max(0, this.clock.nowMs() - oldestMs) / 1000,
      backlogBytes,
      droppedBatches,
      invalidValues: this.#invalid.count,
      sentence: storeSentence({
        redactedUrl: this.#options.target.redactedUrl,
        down: down && { reason: down.reason, seconds: (this.clock.elapsed() - down.sinceMs) / 1000 },
        refusal,
        isCaughtUp: this.#isCaughtUp,
        backlogBytes,
      }),
    }
  }

  async close(): Promise<void> {
    if (this.#down === undefined) {
      const deadline = AbortSignal.timeout(FLUSH_DEADLINE_MS)
      await this.#writer.drained(deadline)
      await this.completions.drained(deadline)
      await this.documents.drained(deadline)
    }
    this.#closing.abort()
    await this.#running
  }

  async #run(components: SessionComponents): Promise<void> {
    const { target, site, random } = this.#options
    const { signal } = this.#closing
    let pauseMs = RETRY_MS_MIN
    while (!signal.aborted) {
      let session: RedisSession | undefined
      let startedMs = Infinity
      try {
        session = await openSession(target, site)
        await this.#start(session, components)
        startedMs = this.clock.elapsed()
        await this.#serve(session, components)
      } catch (error) {
        const refused = this.#isOpen || this.#isCaughtUp ? undefined : refusedBy(target, error)
        if (refused !== undefined) {
          components.refused(refused)
          return
        }
        this.#markDown(error as Error)
      } finally {
        session?.close()
        this.#use(undefined)
        components.recovery.connectionLost()
      }
      if (this.clock.elapsed() - startedMs > STABLE_MS) pauseMs = RETRY_MS_MIN
      await pause(pauseMs / 2 + random.below(pauseMs), undefined, { signal }).catch(() => undefined)
      pauseMs = Math.min(RETRY_MS_MAX, pauseMs * 2)
    }
    components.caughtUp()
  }

  /** Afterwards Redis is usable, and all state but the log has been read. */
  async #start({ commands }: RedisSession, components: SessionComponents): Promise<void> {
    const { log, target } = this.#options
    if (!this.#isOpen) await checkWritable(commands, this.#keys)
    await this.#poll(commands, components, true)
    await this.leases.prepare(commands)
    this.#use(commands)
    this.#down = undefined
    log.info({ event: 'store-up', store: target.redactedUrl }, 'connected to the store')
  }

  /** Rejects with the error that ended the session; resolves when the store is closed. */
  async #serve(session: RedisSession, components: SessionComponents): Promise<void> {
    const { commands, reading } = session
    const { recovery, reader } = components
    const end = new AbortController()
    const signal = AbortSignal.any([end.signal, this.#closing.signal])
    const closed = new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve())
    })
    void this.#catchUp(components)
    const jobs = [
      this.#writer.run(commands, signal),
      reader.run(reading, signal),
      this.#pollRepeatedly(commands, components, signal),
      recovery.runResync(signal),
    ]
    try {
      await Promise.race([closed, Promise.all(jobs)])
    } finally {
      end.abort()
      session.close()
      await Promise.allSettled(jobs)
    }
  }

  async #catchUp({ recovery, reader, caughtUp }: SessionComponents): Promise<void> {
    await reader.reach(recovery.lastId)
    this.#isCaughtUp = true
    caughtUp()
  }

  async #pollRepeatedly(
    client: RedisClient,
    components: SessionComponents,
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      await pause(POLL_INTERVAL_MS, undefined, { signal }).catch(() => undefined)
      if (!signal.aborted) await this.#poll(client, components, false)
    }
  }

  async #poll(
    client: RedisClient,
    { recovery, subscriber }: SessionComponents,
    isFirst: boolean,
  ): Promise<void> {
    const { completions, documents, secrets, torrents, overrides } = this
    try {
      const polled = await recovery.poll(client, isFirst)
      // A replica: the next session connects to the current master.
      if (polled.refusal.startsWith('READONLY')) throw new Error(polled.refusal)
      this.leases.markResponsive()
      this.#refusal = polled.refusal
      if (recovery.hasLostCompletions) {
        await completions.restore(client, subscriber)
        recovery.completionsRestored()
      }
      completions.retry()
      if (completions.isBehind(polled.lastCompletion))
        await completions.follow(client, polled.lastCompletion, subscriber)
      if (secrets.isBehind(polled.secretsChangedAt, this.clock.nowMs())) await secrets.follow(client)
      if (torrents.isBehind(polled.torrentsId, polled.torrentsVersion))
        await torrents.follow(client, polled.torrentsId, polled.torrentsVersion)
      await documents.follow(client)
      if (overrides.isBehind(polled.overridesVersion)) await overrides.follow(client, polled.overridesVersion)
    } catch (error) {
      // A full server can still be read; refused writes are repeated after the next poll.
      if (!isRefusal(error, ...WRITE_REFUSALS)) throw error
      this.#refusal = (error as Error).message
    }
  }

  #use(client: RedisClient | undefined): void {
    this.leases.use(client)
    this.completions.use(client)
    this.torrents.use(client)
    this.documents.use(client)
    this.overrides.use(client)
  }

  #markDown({ message: reason }: Error): void {
    if (this.#closing.signal.aborted) return
    if (this.#down === undefined)
      this.#options.log.warn(
        { event: 'store-down', reason },
        'store unavailable; answering announces from memory until it is available again',
      )
    this.#down = { reason, sinceMs: this.#down?.sinceMs ?? this.clock.elapsed() }
  }
}

/**
 * Detects missing write permissions at the start rather than at the first announce. An entry cannot have this id, so
 * nothing is written.
 */
async function checkWritable(client: RedisClient, keys: SiteKeys): Promise<void> {
  try {
    await client.call('xadd', [keys.log, '0-0', 'b', ''])
  } catch (error) {
    const isFull = isRefusal(error, ...WRITE_REFUSALS)
    if (!isFull && !(error as Error).message.includes('must be greater than 0-0')) throw error
  }
}
