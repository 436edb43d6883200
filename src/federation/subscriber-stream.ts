/**
 * One subscriber: full state first, then a new state for each torrent that changes.
 *
 * Pending updates are kept as a set of torrents and not as a queue of messages. They are written with the state of that
 * moment, and only while the socket accepts data: a slow subscriber costs the infohashes of its pending torrents, and
 * receives the latest state of each. One that accepts no data for a long time is disconnected.
 */
import type { Writable } from 'node:stream'
import type { SiteAdvertiser } from './site-advertiser.ts'
import { COMPLETE, writeBatch, writeHeartbeat, writeHello, writeReport } from './messages.ts'
import type { SiteReports } from './site-reports.ts'

/** Changes within this time share one write; the first change after a pause is written at once. */
const GATHER_MS = 100
const HEARTBEAT_MS = 1_000
/**
 * Reports change once a second while hosts download. Further ones are written later, and then in their state of that
 * moment: at most 500 a second, about a quarter of the bytes that a receiver reads.
 */
const REPORTS_PER_BEAT = 500
/** A connection that accepts no data for this long counts as broken. */
const STUCK_MS = 30_000

export interface SubscriberComponents {
  readonly advertiser: Pick<SiteAdvertiser, 'site' | 'topologyHash' | 'nowMs' | 'torrents' | 'encodeUpdates'>
  /** Name of the receiving site. */
  readonly subscriber: string
  /** Each write is flushed, which costs a compressor about as much as ten kilobytes. */
  readonly out: Writable
  readonly nowMs: () => number
  readonly onStuck: () => void
  readonly reports: Pick<SiteReports, 'torrents' | 'encode'>
}

export class SubscriberStream {
  readonly #advertiser: Pick<SiteAdvertiser, 'site' | 'topologyHash' | 'nowMs' | 'torrents' | 'encodeUpdates'>
  readonly #subscriber: string
  readonly #out: Writable
  readonly #nowMs: () => number
  readonly #onStuck: () => void
  readonly #pending = new Set<string>()
  readonly #reports: Pick<SiteReports, 'torrents' | 'encode'>
  /** Torrents whose latest report has not been written. */
  readonly #pendingReports: Set<string>
  /** The rest of the full state. */
  #state: Iterator<string> | undefined
  #timer: NodeJS.Timeout | undefined = undefined
  #isUrgent = false
  #isClosed = false
  #isWritable = true
  #writtenAtMs = Number.NEGATIVE_INFINITY
  #drainedAtMs: number
  readonly #heartbeat: NodeJS.Timeout

  constructor(components: SubscriberComponents) {
    this.#advertiser = components.advertiser
    this.#subscriber = components.subscriber
    this.#out = components.out
    this.#nowMs = components.nowMs
    this.#onStuck = components.onStuck
    this.#reports = components.reports
    this.#pendingReports = new Set(components.reports.torrents())
    this.#state = components.advertiser.torrents()[Symbol.iterator]()
    this.#drainedAtMs = components.nowMs()
    components.out.on('drain', () => this.#drained())
    const { advertiser } = components
    this.#send(writeHello(advertiser.site, advertiser.nowMs(), advertiser.topologyHash))
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS)
    this.#write()
  }

  /** Torrents whose latest state has not been written. */
  get pendingTorrents(): number {
    return this.#pending.size
  }

  changed(torrent: string, isUrgent: boolean): void {
    this.#pending.add(torrent)
    if (isUrgent && !this.#isUrgent) {
      this.#isUrgent = true
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
    if (this.#timer !== undefined || !this.#isWritable || this.#isClosed) return
    const sinceMs = this.#nowMs() - this.#writtenAtMs
    this.#timer = setTimeout(() => this.#write(), isUrgent ? 0 : Math.max(0, GATHER_MS - sinceMs))
  }

  /** The report of a torrent changed. */
  reportChanged(torrent: string): void {
    if (!this.#isClosed) this.#pendingReports.add(torrent)
  }

  /** Sends a message other than updates. */
  send(message: Buffer): void {
    if (!this.#isClosed) this.#send(message)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    clearInterval(this.#heartbeat)
    this.#pending.clear()
    this.#pendingReports.clear()
  }

  /** Changes precede the rest of the full state: remote sites may be waiting for them. */
  #write(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isUrgent = false
    if (this.#isClosed) return
    this.#writtenAtMs = this.#nowMs()
    while (this.#isWritable) {
      const batch = this.#advertiser.encodeUpdates(this.#takePending(), this.#subscriber)
      if (batch === undefined) break
      this.#send(writeBatch(batch))
    }
    while (this.#isWritable && this.#state !== undefined) {
      const batch = this.#advertiser.encodeUpdates(this.#state, this.#subscriber)
      if (batch !== undefined) this.#send(writeBatch(batch))
      else {
        this.#state = undefined
        this.#send(COMPLETE)
      }
    }
  }

  #writeReports(): void {
    let count = 0
    for (const torrent of this.#pendingReports) {
      if (!this.#isWritable || this.#isClosed || count === REPORTS_PER_BEAT) return
      this.#pendingReports.delete(torrent)
      const report = this.#reports.encode(torrent)
      if (report === undefined) continue
      this.#send(writeReport(report))
      count++
    }
  }

  *#takePending(): Generator<string> {
    for (const torrent of this.#pending) {
      this.#pending.delete(torrent)
      yield torrent
    }
  }

  #send(bytes: Buffer): void {
    this.#isWritable = this.#out.write(bytes)
  }

  #drained(): void {
    this.#isWritable = true
    this.#drainedAtMs = this.#nowMs()
    if (this.#timer === undefined && (this.#pending.size > 0 || this.#state !== undefined)) this.#write()
  }

  #beat(): void {
    if (this.#isWritable) {
      this.#drainedAtMs = this.#nowMs()
      this.send(writeHeartbeat(this.#advertiser.nowMs(), this.#advertiser.topologyHash))
      this.#writeReports()
    } else if (this.#nowMs() - this.#drainedAtMs >= STUCK_MS) this.#onStuck()
  }
}
