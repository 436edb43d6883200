/**
 * What the nodes of a site share, in Redis. Whatever happens to Redis, an announce is answered from this node's
 * memory; what is here keeps that memory like the other nodes', and makes it so again after an outage.
 *
 * A session lasts while both connections do. In it run a writer, a reader, a look every second, and what has to be
 * dumped; the first of them to fail ends it, and the next one begins after a pause.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { Random } from '../../core/random.ts'
import type { StoreTarget } from '../../core/store-url.ts'
import type { LogSubscriber, SiteLog, SiteStore, StoreState } from '../site-store.ts'
import type { TorrentDirectory } from '../torrent-directory.ts'
import { isRefusal, type RedisClient } from './client.ts'
import { siteKeys, type SiteKeys } from './keys.ts'
import { LogRecovery } from './log-recovery.ts'
import { LogReader } from './log-reader.ts'
import { LogWriter } from './log-writer.ts'
import { RedisCompletions } from './redis-completions.ts'
import { RedisLeases } from './redis-leases.ts'
import { RedisSecrets } from './redis-secrets.ts'
import { openSession, type RedisSession } from './redis-session.ts'
import { RedisTorrents } from './redis-torrents.ts'
import { refusedBy, WRITE_REFUSALS } from './refusals.ts'
import { SiteClock } from './site-clock.ts'
import { storeSentence } from './store-sentence.ts'

/** A server that hangs is noticed within two: one until the next look, one until its deadline. */
const LOOK_EVERY_MS = 1_000
/** A node that starts while Redis is away waits so long for it, then serves alone. */
const ALONE_AFTER_MS = 10_000
/** Between two attempts to connect: from soon, because most breaks are short, to seldom enough for a herd of nodes. */
const RETRY_MS_MIN = 100
const RETRY_MS_MAX = 2_000
/** A session that lasted so long was a good one: the next attempt comes soon again. */
const LASTING_MS = 5_000
/** A stopping node gives its last batches so long. */
const FLUSH_DEADLINE_MS = 3_000

export interface RedisStoreOptions {
  readonly target: StoreTarget
  readonly site: string
  /** The longest that a peer may be silent: the log goes back as far. */
  readonly lifetimeMs: number
  readonly mirror: TorrentDirectory
  readonly mirrorDirectory: string
  readonly clock: Clock
  readonly random: Random
  /** 32 bytes that nobody can guess. */
  readonly newSecret: () => Buffer
  readonly log: Log
  /** Time that passes, should it not be the machine's. */
  readonly elapsed?: () => number
}

/** What a session works with; there from `open` on. */
interface Following {
  readonly keeper: LogRecovery
  readonly reader: LogReader
  readonly subscriber: LogSubscriber
  /** For whoever waits for `open`. */
  readonly caughtUp: () => void
  readonly refused: (error: Error) => void
}

export class RedisStore implements SiteStore {
  readonly leases: RedisLeases
  readonly completions: RedisCompletions
  readonly torrents: RedisTorrents
  readonly secrets: RedisSecrets
  readonly clock: SiteClock
  readonly log: SiteLog
  readonly #options: RedisStoreOptions
  readonly #keys: SiteKeys
  readonly #writer: LogWriter
  readonly #closing = new AbortController()
  #running: Promise<void> | undefined
  /** Why there is no session, and since when by `clock.elapsed`. */
  #down: { readonly reason: string; readonly sinceMs: number } | undefined
  /** What Redis answered when something else than the log was to be written. */
  #refusal = ''
  #isCaughtUp = false
  /** Once it is, nothing that Redis says ends the node. */
  #isOpen = false

  constructor(options: RedisStoreOptions) {
    const { site, clock, elapsed, lifetimeMs, mirror, mirrorDirectory, newSecret, log } = options
    this.#options = options
    this.#keys = siteKeys(site)
    this.clock = new SiteClock(clock, elapsed)
    this.#writer = new LogWriter({ key: this.#keys.log, lifetimeMs, clock: this.clock })
    this.log = { isShared: true, append: (batch) => this.#writer.append(batch) }
    this.leases = new RedisLeases(this.#keys)
    this.completions = new RedisCompletions(this.#keys, log)
    this.secrets = new RedisSecrets(this.#keys, newSecret)
    this.torrents = new RedisTorrents({
      keys: this.#keys,
      mirror,
      directory: mirrorDirectory,
      newId: () => newSecret().toString('hex'),
      log,
    })
    this.#down = { reason: 'not connected yet', sinceMs: this.clock.elapsed() }
  }

  async open(subscriber: LogSubscriber): Promise<void> {
    const { random, newSecret, lifetimeMs, log, mirror } = this.#options
    await mirror.reload()
    const reader = new LogReader({
      key: this.#keys.log,
      apply: (batch) => subscriber.apply(batch),
      onApplied: (id) => keeper.witness(id),
    })
    const keeper: LogRecovery = new LogRecovery({
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
      this.#running = this.#run({ keeper, reader, subscriber, caughtUp: resolve, refused: reject })
    })
    const over = new AbortController()
    try {
      await Promise.race([caughtUp, this.#aloneTooLong(over.signal)])
    } finally {
      over.abort()
    }
    this.#isOpen = true
  }

  /** Resolves when there was no Redis for so long that the node begins without. */
  async #aloneTooLong(signal: AbortSignal): Promise<void> {
    for (;;) {
      const downMs = this.#down === undefined ? 0 : this.clock.elapsed() - this.#down.sinceMs
      if (downMs >= ALONE_AFTER_MS) break
      await pause(ALONE_AFTER_MS - downMs, undefined, { signal, ref: false }).catch(() => undefined)
      if (signal.aborted) return
    }
    this.#options.log.warn(
      { event: 'store-alone', reason: this.#down?.reason },
      'the store cannot be reached: this node begins alone, and joins the others when it can',
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
      sentence: storeSentence({
        shown: this.#options.target.redactedUrl,
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
    }
    this.#closing.abort()
    await this.#running
  }

  async #run(following: Following): Promise<void> {
    const { target, site, random } = this.#options
    const { signal } = this.#closing
    let pauseMs = RETRY_MS_MIN
    while (!signal.aborted) {
      let session: RedisSession | undefined
      let startedMs = Infinity
      try {
        session = await openSession(target, site)
        await this.#start(session, following)
        startedMs = this.clock.elapsed()
        await this.#serve(session, following)
      } catch (error) {
        const refused = this.#isOpen || this.#isCaughtUp ? undefined : refusedBy(target, error)
        if (refused !== undefined) {
          following.refused(refused)
          return
        }
        this.#noteDown(error as Error)
      } finally {
        session?.close()
        this.#use(undefined)
        following.keeper.broke()
      }
      if (this.clock.elapsed() - startedMs > LASTING_MS) pauseMs = RETRY_MS_MIN
      await pause(pauseMs / 2 + random.below(pauseMs), undefined, { signal }).catch(() => undefined)
      pauseMs = Math.min(RETRY_MS_MAX, pauseMs * 2)
    }
    following.caughtUp()
  }

  /** From here on Redis is there, and everything but the replay is known. */
  async #start({ commands }: RedisSession, following: Following): Promise<void> {
    const { log, target } = this.#options
    if (!this.#isOpen) await mayWrite(commands, this.#keys)
    await this.#look(commands, following, true)
    await this.leases.prepare(commands)
    this.#use(commands)
    this.#down = undefined
    log.info({ event: 'store-up', store: target.redactedUrl }, 'the store is there')
  }

  /** Rejects with what ended the session; resolves when the store is closed. */
  async #serve(session: RedisSession, following: Following): Promise<void> {
    const { commands, reading } = session
    const { keeper, reader } = following
    const end = new AbortController()
    const signal = AbortSignal.any([end.signal, this.#closing.signal])
    const closed = new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve())
    })
    void this.#catchUp(following)
    const jobs = [
      this.#writer.run(commands, signal),
      reader.run(reading, signal),
      this.#keepLooking(commands, following, signal),
      keeper.repay(signal),
    ]
    try {
      await Promise.race([closed, Promise.all(jobs)])
    } finally {
      end.abort()
      session.close()
      await Promise.allSettled(jobs)
    }
  }

  async #catchUp({ keeper, reader, caughtUp }: Following): Promise<void> {
    await reader.reach(keeper.lastId)
    this.#isCaughtUp = true
    caughtUp()
  }

  async #keepLooking(client: RedisClient, following: Following, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined)
      if (!signal.aborted) await this.#look(client, following, false)
    }
  }

  async #look(client: RedisClient, { keeper, subscriber }: Following, isFirst: boolean): Promise<void> {
    const { completions, secrets, torrents } = this
    try {
      const seen = await keeper.look(client, isFirst)
      // A replica: whoever knows the master is asked again.
      if (seen.refusal.startsWith('READONLY')) throw new Error(seen.refusal)
      this.leases.trust()
      this.#refusal = seen.refusal
      if (keeper.hasLostCompletions) {
        await completions.restore(client, subscriber)
        keeper.completionsRestored()
      }
      completions.retry()
      if (completions.isBehind(seen.lastCompletion))
        await completions.follow(client, seen.lastCompletion, subscriber)
      if (secrets.isBehind(seen.secretsChangedAt, this.clock.nowMs())) await secrets.follow(client)
      if (torrents.isBehind(seen.torrentsId, seen.torrentsVersion))
        await torrents.follow(client, seen.torrentsId, seen.torrentsVersion)
    } catch (error) {
      // A server that is full can still be read, and gets what it would not take at the next look.
      if (!isRefusal(error, ...WRITE_REFUSALS)) throw error
      this.#refusal = (error as Error).message
    }
  }

  #use(client: RedisClient | undefined): void {
    this.leases.use(client)
    this.completions.use(client)
    this.torrents.use(client)
  }

  #noteDown({ message: reason }: Error): void {
    if (this.#closing.signal.aborted) return
    if (this.#down === undefined)
      this.#options.log.warn(
        { event: 'store-down', reason },
        'the store cannot be used; announces are answered from memory until it is there again',
      )
    this.#down = { reason, sinceMs: this.#down?.sinceMs ?? this.clock.elapsed() }
  }
}

/**
 * Refused for want of rights, it is better known now than with the first announce. An entry cannot have this id, so
 * nothing is written.
 */
async function mayWrite(client: RedisClient, keys: SiteKeys): Promise<void> {
  try {
    await client.call('xadd', [keys.log, '0-0', 'b', ''])
  } catch (error) {
    const isFull = isRefusal(error, ...WRITE_REFUSALS)
    if (!isFull && !(error as Error).message.includes('must be greater than 0-0')) throw error
  }
}
