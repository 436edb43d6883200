/**
 * One reader of what this site says: all of it first, then each torrent again when something else is to be said of it.
 *
 * What is due is kept as a set of torrents and not as a queue of messages, and written as it is at that moment, only
 * while the socket takes it: a slow reader costs the names of the torrents that it has not heard of yet, and hears the
 * latest of each. One that takes nothing for long is sent away.
 */
import type { Writable } from 'node:stream'
import type { SiteAdvertiser } from './site-advertiser.ts'
import { COMPLETE, writeBatch, writeHeartbeat, writeHello } from './messages.ts'

/** Changes of one torrent within this time are one message; what comes after a pause goes out at once. */
const GATHER_MS = 100
const HEARTBEAT_MS = 1_000
/** A link that passes nothing for this long is as good as cut. */
const STUCK_MS = 30_000

export interface SubscriberComponents {
  readonly advertiser: Pick<SiteAdvertiser, 'site' | 'nowMs' | 'torrents' | 'encodeUpdates'>
  /** The site that reads. */
  readonly subscriber: string
  /** What is written leaves at once: each piece costs a compressor about as much as ten kilobytes. */
  readonly out: Writable
  readonly nowMs: () => number
  readonly onStuck: () => void
}

export class SubscriberStream {
  readonly #parts: SubscriberComponents
  readonly #due = new Set<string>()
  #state: Iterator<string> | undefined
  #timer: NodeJS.Timeout | undefined = undefined
  #isUrgent = false
  #isClosed = false
  #isWritable = true
  #writtenAtMs = Number.NEGATIVE_INFINITY
  #drainedAtMs: number
  readonly #heartbeat: NodeJS.Timeout

  constructor(parts: SubscriberComponents) {
    this.#parts = parts
    this.#state = parts.advertiser.torrents()[Symbol.iterator]()
    this.#drainedAtMs = parts.nowMs()
    parts.out.on('drain', () => this.#drained())
    this.#put(writeHello(parts.advertiser.site, parts.advertiser.nowMs()))
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS)
    this.#write()
  }

  /** Torrents that the reader has not heard of yet. */
  get dueTorrents(): number {
    return this.#due.size
  }

  changed(torrent: string, isUrgent: boolean): void {
    this.#due.add(torrent)
    if (isUrgent && !this.#isUrgent) {
      this.#isUrgent = true
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
    if (this.#timer !== undefined || !this.#isWritable || this.#isClosed) return
    const sinceMs = this.#parts.nowMs() - this.#writtenAtMs
    this.#timer = setTimeout(() => this.#write(), isUrgent ? 0 : Math.max(0, GATHER_MS - sinceMs))
  }

  /** Something beside torrents and their peers, as it is. */
  send(message: Buffer): void {
    if (!this.#isClosed) this.#put(message)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    clearInterval(this.#heartbeat)
    this.#due.clear()
  }

  /** What changed comes before what was there all along: others may wait for it. */
  #write(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isUrgent = false
    if (this.#isClosed) return
    const { advertiser, subscriber, nowMs } = this.#parts
    this.#writtenAtMs = nowMs()
    while (this.#isWritable) {
      const batch = advertiser.encodeUpdates(this.#takeDue(), subscriber)
      if (batch === undefined) break
      this.#put(writeBatch(batch))
    }
    while (this.#isWritable && this.#state !== undefined) {
      const batch = advertiser.encodeUpdates(this.#state, subscriber)
      if (batch !== undefined) this.#put(writeBatch(batch))
      else {
        this.#state = undefined
        this.#put(COMPLETE)
      }
    }
  }

  *#takeDue(): Generator<string> {
    for (const torrent of this.#due) {
      this.#due.delete(torrent)
      yield torrent
    }
  }

  #put(bytes: Buffer): void {
    this.#isWritable = this.#parts.out.write(bytes)
  }

  #drained(): void {
    this.#isWritable = true
    this.#drainedAtMs = this.#parts.nowMs()
    if (this.#timer === undefined && (this.#due.size > 0 || this.#state !== undefined)) this.#write()
  }

  #beat(): void {
    if (this.#isWritable) {
      this.#drainedAtMs = this.#parts.nowMs()
      this.send(writeHeartbeat(this.#parts.advertiser.nowMs()))
    } else if (this.#parts.nowMs() - this.#drainedAtMs >= STUCK_MS) this.#parts.onStuck()
  }
}
