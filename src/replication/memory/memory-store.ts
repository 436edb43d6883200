/**
 * The store of a site with one node: everything is in this process, and a snapshot on disk, once a minute and at the
 * stop, keeps it over a restart. Without it, seeds would reappear only at their next announce, an interval later.
 */
import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { LogSubscriber, SiteLog, SiteStore, SnapshotStore, StoreState } from '../site-store.ts'
import { MemoryCompletions } from './memory-completions.ts'
import { MemoryDocuments } from './memory-documents.ts'
import { MemoryLeases } from './memory-leases.ts'
import { MemorySecrets } from './memory-secrets.ts'
import type { OverrideFile } from '../override-file.ts'
import type { TorrentDirectory } from '../torrent-directory.ts'

const SNAPSHOT_INTERVAL_MS = 60_000

/** A step of the machine's clock is followed after at most this time. */
const CLOCK_INTERVAL_MS = 1_000

export interface MemoryStoreOptions {
  readonly snapshots: SnapshotStore
  /** Of the documents. */
  readonly documents: SnapshotStore
  readonly torrents: TorrentDirectory
  readonly overrides: OverrideFile
  readonly clock: Clock
  /** Follows the machine's clock. Returns by how much stored timestamps must be shifted; usually 0. */
  readonly followClock?: () => number
  /** 32 unpredictable bytes. */
  readonly newSecret: () => Buffer
  readonly log: Log
}

export class MemoryStore implements SiteStore {
  /** No other node reads it, so it keeps nothing. */
  readonly log: SiteLog = { isShared: false, append: () => {} }
  readonly leases: MemoryLeases
  readonly completions: MemoryCompletions
  readonly torrents: TorrentDirectory
  readonly documents: MemoryDocuments
  readonly overrides: OverrideFile
  readonly secrets: MemorySecrets
  readonly clock: Clock
  readonly #snapshots: SnapshotStore
  readonly #log: Log
  #subscriber: LogSubscriber | undefined
  readonly #followClock: () => number
  #timer: NodeJS.Timeout | undefined
  #clockTimer: NodeJS.Timeout | undefined
  #saving: Promise<void> | undefined
  #savedAtMs: number
  #failure = ''

  constructor(options: MemoryStoreOptions) {
    const { clock, torrents, newSecret } = options
    this.#snapshots = options.snapshots
    this.#followClock = options.followClock ?? (() => 0)
    this.#log = options.log
    this.clock = clock
    this.torrents = torrents
    this.documents = new MemoryDocuments(options.documents)
    this.overrides = options.overrides
    this.leases = new MemoryLeases(clock)
    this.completions = new MemoryCompletions(clock)
    this.secrets = new MemorySecrets(clock, newSecret)
    this.#savedAtMs = clock.nowMs()
  }

  async open(subscriber: LogSubscriber): Promise<void> {
    await this.torrents.open()
    await this.overrides.open()
    const { blocks, damage } = await this.#snapshots.load((batch) => subscriber.apply(batch))
    this.completions.open(subscriber)
    if (damage === undefined) this.#log.info({ event: 'restored', blocks }, 'snapshot restored')
    else
      this.#log.warn(
        { event: 'snapshot-damaged', damage, blocks },
        'snapshot damaged: the file was set aside, and its readable part is used',
      )
    const documents = await this.documents.open()
    if (documents.damage !== undefined)
      this.#log.warn(
        { event: 'documents-damaged', damage: documents.damage, blocks: documents.blocks },
        'file of the rollouts damaged: it was set aside, and its readable part is used',
      )
    this.#subscriber = subscriber
    this.#timer = setInterval(() => void this.save(), SNAPSHOT_INTERVAL_MS)
    this.#clockTimer = setInterval(() => this.#shiftTime(this.#followClock()), CLOCK_INTERVAL_MS)
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
      invalidValues: 0,
      sentence: isUp
        ? `the last snapshot is ${Math.round(lagSeconds)} s old`
        : `no snapshot could be written for ${Math.round(lagSeconds)} s (${this.#failure}): a restart would lose peers`,
    }
  }

  /** Writes a last snapshot. A node that failed to start writes none, and so keeps the previous one. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    clearInterval(this.#clockTimer)
    await this.#saving
    await this.save()
  }

  /** The machine's clock was set. Peers and leases stay for as long as before. */
  #shiftTime(byMs: number): void {
    if (byMs === 0) return
    this.leases.shiftTime(byMs)
    this.completions.shiftTime(byMs)
    this.#savedAtMs += byMs
    this.#subscriber?.shiftTime(byMs)
    this.#log.warn(
      { event: 'clock-set', byMs },
      'the clock of this machine was set; peers keep their lifetimes',
    )
  }

  /** Writes a snapshot, unless one is being written. Never rejects: a failed snapshot is retried after the interval. */
  async save(): Promise<void> {
    const subscriber = this.#subscriber
    if (subscriber === undefined) return
    this.#saving ??= this.#write(subscriber).finally(() => (this.#saving = undefined))
    await this.#saving
  }

  async #write(subscriber: LogSubscriber): Promise<void> {
    const startedAtMs = this.clock.nowMs()
    try {
      await this.#snapshots.save(subscriber.snapshotRecords('all'))
      await this.documents.save()
      if (this.#failure !== '')
        this.#log.info({ event: 'snapshot-recovered' }, 'snapshots can be written again')
      this.#savedAtMs = startedAtMs
      this.#failure = ''
    } catch (error) {
      this.#failure = (error as Error).message
      this.#log.warn(
        { event: 'snapshot-failed', err: error },
        'snapshot could not be written; a restart would lose peers',
      )
    }
  }
}
