/**
 * What this node hears of one other site: follows the stream of one of its nodes, another one when that breaks, and
 * waits longer and longer, never all nodes at once, when none is there.
 *
 * Threat: the other site is hostile. It is read no faster than a slice of one core allows, and whatever it sends, no
 * more is kept than its limits allow. Who talks nonsense is left alone for a minute.
 */
import type { Readable } from 'node:stream'
import { setImmediate as yieldToEventLoop, setTimeout as delay } from 'node:timers/promises'
import { createGunzip } from 'node:zlib'
import type { Clock } from '../core/clock.ts'
import type { FederationRefusal } from '../core/federation-metrics.ts'
import type { Log } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import type { RemoteSites } from './remote-sites.ts'
import { askSite, fetchFromSite } from './http-client.ts'
import type { FederationCounters } from './counters.ts'
import { type Message, MessageReader, VERSION } from './messages.ts'
import { ConnectionStateMachine } from './connection-state.ts'
import { ANSWER_BYTES_MAX, type TorrentSync } from './torrent-sync.ts'

const BACK_OFF_MS_MIN = 250
const BACK_OFF_MS_MAX = 15_000
const VIOLATION_BACK_OFF_MS = 60_000
/** So many sayings that were not believed are no mistake any more, such as two topologies during a change. */
const REJECTIONS_MAX = 1_000
const LOOK_EVERY_MS = 500
/** 100,000 torrents are about ten megabytes; a link carries a hundredth of that a second when all is told. */
const BURST_BYTES = 33_554_432
const BYTES_PER_SECOND = 2_097_152
/** A batch at once: each piece is a turn of the loop and a way to a thread that unpacks. */
const PIECE_BYTES = 65_536
/** Clocks that are nearly right are left alone, so that all nodes of a site see the same times. */
const CLOCK_STEP_MS = 10_000

export interface SiteConnectionComponents {
  readonly site: string
  /** Of its nodes' admin listeners. */
  readonly urls: readonly string[]
  readonly ownSite: string
  readonly token: string
  readonly remote: Pick<RemoteSites, 'begin' | 'apply' | 'complete' | 'lose'>
  readonly torrents: TorrentSync
  readonly counters: FederationCounters
  /** The time of this site. */
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** One stream. */
interface Following {
  isGreeted: boolean
  /** Sayings that were not believed. */
  refused: number
}

/** Ends a stream for good reason. */
class ProtocolViolation extends Error {}

export class SiteConnection {
  readonly state: ConnectionStateMachine
  readonly #parts: SiteConnectionComponents
  readonly #closing = new AbortController()
  #stream = new AbortController()
  #looking: NodeJS.Timeout | undefined = undefined
  #running: Promise<void> = Promise.resolve()
  #budgetBytes = BURST_BYTES
  #budgetAtMs: number

  constructor(parts: SiteConnectionComponents) {
    this.#parts = parts
    this.state = new ConnectionStateMachine(parts.clock)
    this.#budgetAtMs = parts.clock.nowMs()
  }

  start(): void {
    this.#looking = setInterval(() => this.#poll(), LOOK_EVERY_MS)
    this.#running = this.#run()
  }

  async close(): Promise<void> {
    clearInterval(this.#looking)
    this.#closing.abort()
    this.#stream.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { urls, random } = this.#parts
    let failures = 0
    // Nodes of one site shall not all follow the same node of another.
    let next = random.below(urls.length)
    while (!this.#closing.signal.aborted) {
      const url = urls[next % urls.length] as string
      next++
      const { isGreeted, reason, isViolation } = await this.#follow(url)
      if (this.#closing.signal.aborted) return
      this.state.broken(`${url}: ${reason}`)
      failures = isGreeted ? 0 : failures + 1
      if (isViolation || failures >= urls.length) await this.#cut(`${url}: ${reason}`)
      // Also of one that greets and hangs up: it is not asked as fast as it can.
      const rounds = Math.max(0, Math.floor(failures / urls.length) - 1)
      const backOffMs = Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS_MIN * 2 ** Math.min(rounds, 10))
      await this.#pause(isViolation ? VIOLATION_BACK_OFF_MS : backOffMs)
    }
  }

  /** Between half of it and all of it. */
  async #pause(forMs: number): Promise<void> {
    const jitteredMs = forMs / 2 + this.#parts.random.below(Math.ceil(forMs / 2))
    await delay(jitteredMs, undefined, { signal: this.#closing.signal }).catch(() => undefined)
  }

  /** Until the stream ends, for whatever reason. */
  async #follow(
    url: string,
  ): Promise<{ readonly isGreeted: boolean; readonly reason: string; readonly isViolation: boolean }> {
    const { ownSite, token, log, site } = this.#parts
    this.#stream = new AbortController()
    const following = { isGreeted: false, refused: 0 }
    try {
      const response = await askSite({
        url,
        path: `/federation/v1/stream?site=${encodeURIComponent(ownSite)}`,
        token,
        signal: this.#stream.signal,
      })
      response.on('data', (piece: Buffer) => (this.#parts.counters.receivedBytes += piece.length))
      // Unpacked, it is about twice as much (bench/federation.ts).
      const stream = response.pipe(createGunzip({ chunkSize: PIECE_BYTES }))
      response.on('close', () => {
        if (!response.complete) stream.destroy(new Error('the stream ended'))
      })
      log.debug({ event: 'federation-connected', remote: site, url }, 'following a node of another site')
      await this.#read(stream, url, following)
      return { ...following, reason: 'the stream ended', isViolation: false }
    } catch (error) {
      // A page for people, say, at a URL that is no node's.
      const isUnpackable = (error as NodeJS.ErrnoException).code === 'Z_DATA_ERROR'
      if (isUnpackable) this.#parts.counters.refuse('garbage')
      const isViolation = isUnpackable || error instanceof ProtocolViolation
      const reason = (error as Error).message
      if (isViolation)
        log.warn(
          { event: 'federation-refused', remote: site, url, reason },
          'another site says what cannot be believed; it is left alone for a minute',
        )
      return { ...following, reason, isViolation }
    } finally {
      this.#stream.abort()
    }
  }

  async #read(stream: Readable, url: string, following: Following): Promise<void> {
    const reader = new MessageReader()
    for await (const piece of stream as AsyncIterable<Buffer>) {
      const messages: Message[] = []
      const isReadable = reader.read(piece, (message) => messages.push(message))
      for (const message of messages) {
        await this.#take(message, url, following)
        await yieldToEventLoop()
      }
      if (!isReadable) this.#refuse('size', 'a message beyond all limits')
      await this.#spend(piece.length)
    }
  }

  async #take(message: Message, url: string, following: Following): Promise<void> {
    const { site, remote, torrents, counters, token } = this.#parts
    if (!following.isGreeted) {
      this.#greet(message)
      following.isGreeted = true
      return
    }
    if (message.type === 'garbage') return this.#refuse('garbage', 'a message that cannot be read')
    this.state.received()
    if (message.type === 'batch') {
      for (const refusal of remote.apply(site, message.batch)) {
        counters.refuse(refusal)
        following.refused++
        if (refusal === 'garbage') throw new ProtocolViolation('a batch that cannot be read')
      }
      if (following.refused > REJECTIONS_MAX) throw new ProtocolViolation('too much that cannot be believed')
    } else if (message.type === 'complete') {
      this.state.complete()
      for (const _ of remote.complete(site)) await yieldToEventLoop()
    } else if (message.type === 'registered' || message.type === 'removed') {
      torrents.apply(message, (infoHash) =>
        fetchFromSite(
          { url, path: `/federation/v1/torrents/${infoHash.toString('hex')}`, token },
          ANSWER_BYTES_MAX,
        ),
      )
    }
  }

  #greet(message: Message): void {
    const { site, remote, clock } = this.#parts
    if (message.type !== 'hello') return this.#refuse('garbage', 'it does not greet')
    if (Math.abs(message.version - VERSION) > 1)
      return this.#refuse('version', `it speaks version ${message.version}, and this node ${VERSION}`)
    if (message.site !== site) return this.#refuse('site', `it says that it is of ${message.site}`)
    const behindMs = Math.round((clock.nowMs() - message.timeMs) / CLOCK_STEP_MS) * CLOCK_STEP_MS
    remote.begin(site, behindMs)
    this.state.received()
  }

  #refuse(reason: FederationRefusal, sentence: string): void {
    this.#parts.counters.refuse(reason)
    throw new ProtocolViolation(sentence)
  }

  /** Waits where more came than a site has to say. */
  async #spend(bytes: number): Promise<void> {
    const nowMs = this.#parts.clock.nowMs()
    const earned = ((nowMs - this.#budgetAtMs) / 1000) * BYTES_PER_SECOND
    this.#budgetBytes = Math.min(BURST_BYTES, this.#budgetBytes + Math.max(0, earned)) - bytes
    this.#budgetAtMs = nowMs
    if (this.#budgetBytes >= 0) return
    const waitMs = Math.min(1_000, (-this.#budgetBytes / BYTES_PER_SECOND) * 1000)
    await delay(waitMs, undefined, { signal: this.#stream.signal })
  }

  #poll(): void {
    if (!this.state.poll()) return
    this.#stream.abort(new Error('silent'))
    void this.#lose()
  }

  async #cut(reason: string): Promise<void> {
    const isNews = this.state.state !== 'down'
    this.state.unreachable(reason)
    if (isNews) await this.#lose()
  }

  async #lose(): Promise<void> {
    const { site, remote, log } = this.#parts
    log.warn(
      { event: 'federation-cut', remote: site, reason: this.state.reason },
      'another site cannot be reached; its clients are answered here as they come, and its peers are used until they expire',
    )
    for (const _ of remote.lose(site)) await yieldToEventLoop()
  }
}
