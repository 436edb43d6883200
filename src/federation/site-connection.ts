/**
 * Connection to one remote site: follows the stream of one of its nodes, and of another node when that breaks. While none
 * is reachable, it backs off exponentially, with jitter.
 *
 * Threat: the remote site is hostile. Reading is limited to a share of one core, and the state kept of the site is
 * bounded. On a protocol violation the connection backs off for 60 s.
 */
import type { Readable } from 'node:stream'
import { setImmediate as yieldToEventLoop, setTimeout as delay } from 'node:timers/promises'
import { createGunzip } from 'node:zlib'
import type { Clock } from '../core/clock.ts'
import type { FederationRefusal } from '../core/federation-metrics.ts'
import type { Log } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import { commonCredentials, type SiteCredentials } from '../core/site-credentials.ts'
import type { RemoteSites } from './remote-sites.ts'
import type { SiteReports } from './site-reports.ts'
import { fetchFromSite, requestSite } from './http-client.ts'
import type { FederationCounters } from './counters.ts'
import { type Message, MessageReader, VERSION } from './messages.ts'
import { ConnectionStateMachine } from './connection-state.ts'
import type { OverrideSync } from './override-sync.ts'
import { RESPONSE_BYTES_MAX, type TorrentSync } from './torrent-sync.ts'

const BACK_OFF_MS_MIN = 250
const BACK_OFF_MS_MAX = 15_000
const VIOLATION_BACK_OFF_MS = 60_000
/** Rejected updates of one stream. More are not an accident, such as two versions of a topology during a change. */
const REJECTIONS_MAX = 1_000
const POLL_INTERVAL_MS = 500
/** 100,000 torrents are about ten megabytes; after the full state, a stream carries a hundredth of that a second. */
const BURST_BYTES = 33_554_432
const BYTES_PER_SECOND = 2_097_152
/** About one batch: each chunk costs a turn of the loop and a round trip to the decompressing thread. */
const CHUNK_BYTES = 65_536
/** Smaller clock differences are ignored, so that all nodes of a site convert to the same times. */
const CLOCK_STEP_MS = 10_000

export interface SiteConnectionComponents {
  readonly site: string
  /** URLs of the admin listeners of its nodes. */
  readonly urls: readonly string[]
  readonly ownSite: string
  /** Of the current topology of this node. */
  readonly topologyHash: () => string
  readonly credentials: SiteCredentials
  readonly remote: Pick<RemoteSites, 'begin' | 'apply' | 'complete' | 'lose'>
  readonly torrents: TorrentSync
  readonly reports: Pick<SiteReports, 'receive'>
  readonly overrides: Pick<OverrideSync, 'apply'>
  readonly counters: FederationCounters
  /** The time of this site. */
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** State of one stream. */
interface StreamState {
  isGreeted: boolean
  rejections: number
}

/** Ends a stream and starts the long back-off. */
class ProtocolViolation extends Error {}

export class SiteConnection {
  readonly state: ConnectionStateMachine
  /** Hash of the topology of the remote node; undefined until it sends one, or where it is older. */
  topologyHash: string | undefined = undefined
  readonly #site: string
  readonly #urls: readonly string[]
  readonly #ownSite: string
  readonly #topologyHash: () => string
  readonly #credentials: SiteCredentials
  readonly #remote: Pick<RemoteSites, 'begin' | 'apply' | 'complete' | 'lose'>
  readonly #torrents: TorrentSync
  readonly #reports: Pick<SiteReports, 'receive'>
  readonly #overrides: Pick<OverrideSync, 'apply'>
  readonly #counters: FederationCounters
  readonly #clock: Clock
  readonly #random: Random
  readonly #log: Log
  readonly #closing = new AbortController()
  #stream = new AbortController()
  #timer: NodeJS.Timeout | undefined = undefined
  #running: Promise<void> = Promise.resolve()
  #budgetBytes = BURST_BYTES
  #budgetAtMs: number
  #isUnansweredLogged = false

  constructor(components: SiteConnectionComponents) {
    this.#site = components.site
    this.#urls = components.urls
    this.#ownSite = components.ownSite
    this.#topologyHash = components.topologyHash
    this.#credentials = components.credentials
    this.#remote = components.remote
    this.#torrents = components.torrents
    this.#reports = components.reports
    this.#overrides = components.overrides
    this.#counters = components.counters
    this.#clock = components.clock
    this.#random = components.random
    this.#log = components.log
    this.state = new ConnectionStateMachine(components.clock)
    this.#budgetAtMs = components.clock.nowMs()
  }

  start(): void {
    this.#timer = setInterval(() => this.#poll(), POLL_INTERVAL_MS)
    this.#running = this.#run()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#closing.abort()
    this.#stream.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    let failures = 0
    // A random start: nodes of one site must not all follow the same node of another.
    let next = this.#random.below(this.#urls.length)
    while (!this.#closing.signal.aborted) {
      const url = this.#urls[next % this.#urls.length] as string
      next++
      const { isGreeted, reason, isViolation } = await this.#follow(url)
      if (this.#closing.signal.aborted) return
      this.state.broken(`${url}: ${reason}`)
      failures = isGreeted ? 0 : failures + 1
      if (isViolation || failures >= this.#urls.length) await this.#markUnreachable(`${url}: ${reason}`)
      // Also after a node that greets and then closes the connection: it is not reconnected at once.
      const rounds = Math.max(0, Math.floor(failures / this.#urls.length) - 1)
      const backOffMs = Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS_MIN * 2 ** Math.min(rounds, 10))
      await this.#pause(isViolation ? VIOLATION_BACK_OFF_MS : backOffMs)
    }
  }

  /** Waits for a random time between half of `forMs` and `forMs`. */
  async #pause(forMs: number): Promise<void> {
    const jitteredMs = forMs / 2 + this.#random.below(Math.ceil(forMs / 2))
    await delay(jitteredMs, undefined, { signal: this.#closing.signal }).catch(() => undefined)
  }

  /** Follows one stream until it ends. */
  async #follow(
    url: string,
  ): Promise<{ readonly isGreeted: boolean; readonly reason: string; readonly isViolation: boolean }> {
    this.#stream = new AbortController()
    const state = { isGreeted: false, rejections: 0 }
    try {
      const response = await requestSite({
        url,
        path: `/federation/v1/stream?site=${encodeURIComponent(this.#ownSite)}`,
        site: this.#site,
        credentials: this.#credentials,
        signal: this.#stream.signal,
      })
      response.on('data', (chunk: Buffer) => (this.#counters.receivedBytes += chunk.length))
      // Decompressed, it is about twice as much (bench/federation.ts).
      const stream = response.pipe(createGunzip({ chunkSize: CHUNK_BYTES }))
      response.on('close', () => {
        if (!response.complete) stream.destroy(new Error('the stream ended'))
      })
      this.#log.debug(
        { event: 'federation-connected', remote: this.#site, url },
        'following a node of the remote site',
      )
      await this.#read(stream, url, state)
      return { ...state, reason: 'the stream ended', isViolation: false }
    } catch (error) {
      // For example a web page at a URL that does not lead to a node.
      const isNotGzip = (error as NodeJS.ErrnoException).code === 'Z_DATA_ERROR'
      if (isNotGzip) this.#counters.refuse('garbage')
      const isViolation = isNotGzip || error instanceof ProtocolViolation
      const reason = (error as Error).message
      if (isViolation)
        this.#log.warn(
          { event: 'federation-refused', remote: this.#site, url, reason },
          'remote site sent invalid data; disconnected for 60 s',
        )
      return { ...state, reason, isViolation }
    } finally {
      this.#stream.abort()
    }
  }

  async #read(stream: Readable, url: string, state: StreamState): Promise<void> {
    const reader = new MessageReader()
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const messages: Message[] = []
      const isReadable = reader.read(chunk, (message) => messages.push(message))
      for (const message of messages) {
        await this.#apply(message, url, state)
        await yieldToEventLoop()
      }
      if (!isReadable) this.#fail('size', 'a message exceeds the size limit')
      await this.#spend(chunk.length)
    }
  }

  async #apply(message: Message, url: string, state: StreamState): Promise<void> {
    if (!state.isGreeted) {
      this.#readHello(message)
      state.isGreeted = true
      return
    }
    if (message.type === 'malformed') return this.#fail('garbage', 'a malformed message')
    this.state.received()
    if (message.type === 'heartbeat') this.#noteTopology(message.topologyHash)
    if (message.type === 'batch') {
      for (const refusal of this.#remote.apply(this.#site, message.batch)) {
        this.#counters.refuse(refusal)
        state.rejections++
        if (refusal === 'garbage') throw new ProtocolViolation('a malformed batch')
      }
      if (state.rejections > REJECTIONS_MAX) throw new ProtocolViolation('too many rejected updates')
    } else if (message.type === 'report') {
      if (!this.#reports.receive(this.#site, message.report))
        return this.#fail('garbage', 'a malformed report')
    } else if (message.type === 'complete') {
      this.state.complete()
      for (const _ of this.#remote.complete(this.#site)) await yieldToEventLoop()
    } else if (message.type === 'override') {
      this.#overrides.apply(message)
    } else if (message.type === 'registered' || message.type === 'removed') {
      this.#torrents.apply(message, (infoHash) =>
        fetchFromSite(
          {
            url,
            path: `/federation/v1/torrents/${infoHash.toString('hex')}`,
            site: this.#site,
            credentials: this.#credentials,
          },
          RESPONSE_BYTES_MAX,
        ),
      )
    }
  }

  #readHello(message: Message): void {
    if (message.type !== 'hello') return this.#fail('garbage', 'the first message is not a hello')
    if (Math.abs(message.version - VERSION) > 1)
      return this.#fail('version', `its protocol version is ${message.version}; this node has ${VERSION}`)
    if (message.site !== this.#site) return this.#fail('site', `it is a node of site ${message.site}`)
    const behindMs = Math.round((this.#clock.nowMs() - message.timeMs) / CLOCK_STEP_MS) * CLOCK_STEP_MS
    this.#remote.begin(this.#site, behindMs)
    this.state.received()
    this.#noteTopology(message.topologyHash)
  }

  #noteTopology(hash: string | undefined): void {
    if (hash === this.topologyHash) return
    this.topologyHash = hash
    const own = this.#topologyHash()
    if (hash !== undefined && hash !== own)
      this.#log.warn(
        { event: 'topology-differs', remote: this.#site, own, other: hash },
        'remote site uses another topology; copy the same file to the nodes of all sites',
      )
  }

  #fail(reason: FederationRefusal, message: string): void {
    this.#counters.refuse(reason)
    throw new ProtocolViolation(message)
  }

  /** Limits the read rate: waits while the budget is exhausted. */
  async #spend(bytes: number): Promise<void> {
    const nowMs = this.#clock.nowMs()
    const earned = ((nowMs - this.#budgetAtMs) / 1000) * BYTES_PER_SECOND
    this.#budgetBytes = Math.min(BURST_BYTES, this.#budgetBytes + Math.max(0, earned)) - bytes
    this.#budgetAtMs = nowMs
    if (this.#budgetBytes >= 0) return
    const waitMs = Math.min(1_000, (-this.#budgetBytes / BYTES_PER_SECOND) * 1000)
    await delay(waitMs, undefined, { signal: this.#stream.signal })
  }

  #poll(): void {
    if (!this.state.poll()) return
    this.#stream.abort(new Error('no message in time'))
    void this.#lose()
  }

  async #markUnreachable(reason: string): Promise<void> {
    const wasReachable = this.state.state !== 'down'
    this.state.unreachable(reason)
    if (wasReachable) await this.#lose()
    else this.#warnUnanswered()
  }

  /** Once: a remote site that has never been reachable is likely to be a mistake in the set-up. */
  #warnUnanswered(): void {
    if (this.state.ageSeconds !== undefined || this.#isUnansweredLogged) return
    this.#isUnansweredLogged = true
    this.#log.warn(
      {
        event: 'federation-unanswered',
        remote: this.#site,
        reason: this.state.reason,
        required: commonCredentials(this.#credentials),
      },
      'remote site has never answered; its federation URLs must lead to the admin listeners of its nodes, and all sites need matching credentials',
    )
  }

  async #lose(): Promise<void> {
    this.#log.warn(
      { event: 'federation-cut', remote: this.#site, reason: this.state.reason },
      'remote site unreachable; answering its clients locally, its advertised peers stay until they expire',
    )
    for (const _ of this.#remote.lose(this.#site)) await yieldToEventLoop()
  }
}
