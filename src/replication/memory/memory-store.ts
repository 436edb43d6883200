/**
 * A site with one node: nobody to share with, so everything is in this process, and a snapshot on disk once a minute
 * and at the end keeps it over a restart. The seeds would otherwise come back only once per interval.
 */
import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { LogSubscriber, SiteLog, SiteStore, SnapshotStore, StoreState } from '../site-store.ts'
import { MemoryCompletions } from './memory-completions.ts'
import { MemoryLeases } from './memory-leases.ts'
import { MemorySecrets } from './memory-secrets.ts'
import type { TorrentDirectory } from '../torrent-directory.ts'

const SNAPSHOT_EVERY_MS = 60_000

export interface MemoryStoreOptions {
  readonly snapshots: SnapshotStore
  readonly torrents: TorrentDirectory
  readonly clock: Clock
  /** 32 bytes that nobody can guess. */
  readonly newSecret: () => Buffer
  readonly log: Log
}

export class MemoryStore implements SiteStore {
  /** Nobody else can read it, so nothing is kept in it. */
  readonly log: SiteLog = { isShared: false, append: () => {} }
  readonly leases: MemoryLeases
  readonly completions: MemoryCompletions
  readonly torrents: TorrentDirectory
  readonly secrets: MemorySecrets
  readonly clock: Clock
  readonly #options: MemoryStoreOptions
  #subscriber: LogSubscriber | undefined
  #timer: NodeJS.Timeout | undefined
  #saving: Promise<void> | undefined
  #savedAtMs: number
  #failure = ''

  constructor(options: MemoryStoreOptions) {
    const { clock, torrents, newSecret } = options
    this.#options = options
    this.clock = clock
    this.torrents = torrents
    this.leases = new MemoryLeases(clock)
    this.completions = new MemoryCompletions(clock)
    this.secrets = new MemorySecrets(clock, newSecret)
    this.#savedAtMs = clock.nowMs()
  }

  async open(subscriber: LogSubscriber): Promise<void> {
    const { snapshots, torrents, log } = this.#options
    await torrents.reload()
    const { blocks, damage } = await snapshots.load((batch) => subscriber.apply(batch))
    this.completions.open(subscriber)
    if (damage === undefined) log.info({ event: 'restored', blocks }, 'the snapshot was restored')
    else
      log.warn(
        { event: 'snapshot-damaged', damage, blocks },
        'the snapshot is damaged and was set aside; what could be read of it is used',
      )
    this.#subscriber = subscriber
    this.#timer = setInterval(() => void this.save(), SNAPSHOT_EVERY_MS)
  }

  get state(): StoreState {
    const lagSeconds = Math.max(0, (this.clock.nowMs() - this.#savedAtMs) / 1000)
    const isUp = this.#failure === ''
    return {
      isUp,
      isCaughtUp: this.#subscriber !== undefined,
      lagSeconds,
      backlogBytes: 0,
      droppedBatches: 0,
      sentence: isUp
        ? `the last snapshot is ${Math.round(lagSeconds)} s old`
        : `snapshots cannot be written since ${Math.round(lagSeconds)} s (${this.#failure}): a restart would lose peers`,
    }
  }

  /** Ends with a last snapshot; of a node that failed to start there is nothing that may replace the one before. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#saving
    await this.save()
  }

  /** Writes a snapshot, unless one is being written. Never rejects: what cannot be saved now is tried again. */
  async save(): Promise<void> {
    const subscriber = this.#subscriber
    if (subscriber === undefined) return
    this.#saving ??= this.#write(subscriber).finally(() => (this.#saving = undefined))
    await this.#saving
  }

  async #write(subscriber: LogSubscriber): Promise<void> {
    const { snapshots, clock, log } = this.#options
    const startedAtMs = clock.nowMs()
    try {
      await snapshots.save(subscriber.dump('all'))
      if (this.#failure !== '')
        log.info({ event: 'snapshot-recovered' }, 'the snapshot could be written again')
      this.#savedAtMs = startedAtMs
      this.#failure = ''
    } catch (error) {
      this.#failure = (error as Error).message
      log.warn(
        { event: 'snapshot-failed', err: error },
        'the snapshot could not be written; a restart would lose peers',
      )
    }
  }
}
