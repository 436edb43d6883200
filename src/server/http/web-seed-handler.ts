/**
 * `GET /webseed/{infohash}/…` on the tracker's listener: parts of a registered torrent's content, read from its
 * origin for the one host of a site that fetches it (BEP 19, RFC 9110 §14).
 *
 * The response depends on the client. libtorrent 2.0.8 and aria2 1.36 treat every 4xx and 5xx as permanent and never
 * retry (observed). They therefore get a 503 only if it may be permanent: the site has a copy, or its budget is
 * exhausted. A host that has to wait for another one gets no response for a while, and is served at once if it becomes
 * the fetching host. After that time, the connection of libtorrent and aria2 is closed, after which both retry; other
 * clients get a 503 with `Retry-After`.
 */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { Address } from '../../core/address.ts'
import { elapsedMs } from '../../core/clock.ts'
import { InputError, Refusal, type RefusalCode } from '../../core/errors.ts'
import { parseInfoHash } from '../../core/info-hash.ts'
import type { Log } from '../../core/log.ts'
import type { OriginMetrics, OriginRefusal } from '../../core/origin-metrics.ts'
import { sendText } from './responses.ts'
import { type Registration, registrationKey } from '../../registry/registration.ts'
import type { TorrentRegistry } from '../../registry/torrent-registry.ts'
import type { CurrentTopology } from '../../topology/current-topology.ts'
import type { Site } from '../../topology/topology.ts'
import { type ContentFile, findContentFile } from '../../webseed/content-files.ts'
import { type ContentHead, contentHead } from './range-response.ts'
import type { FetchDecision, Grant } from '../../webseed/origin-fetch-limiter.ts'
import type { WebSeeds } from '../../webseed/web-seeds.ts'

export interface WebSeedHandlerComponents {
  readonly registry: TorrentRegistry
  readonly webSeeds: Pick<WebSeeds, 'content' | 'unavailableReason' | 'isWarm' | 'requestFetch'>
  readonly topology: CurrentTopology
  readonly metrics: OriginMetrics
  readonly onRefusal: (code: RefusalCode) => void
  readonly log: Log
  readonly waitLimits?: WaitingLimits
}

export interface WaitingLimits {
  /** Time for which a request may wait until it is granted. */
  readonly waitMs: number
  /** Interval between decisions on a waiting request. */
  readonly pollIntervalMs: number
  /** Concurrent waiting requests; more are rejected at once. */
  readonly waitingMax: number
}

const defaultWaitLimits: WaitingLimits = {
  // libtorrent drops a web seed that is silent for 20 s, and aria2 makes at most five attempts.
  waitMs: 15_000,
  pollIntervalMs: 250,
  // A fifth of the connections of a node; each reads the swarm table four times a second.
  waitingMax: 2_000,
}

/** Retry delay of a host that was not granted while it waited. */
const BUSY_RETRY_SECONDS = 5
/** Names that are logged in the lifetime of the node, since requests can contain any number of them. */
const NOT_FOUND_NAMES_MAX = 1_000
/** Longer than the path of any file. */
const LOGGED_PATH_MAX = 1_000
/** Retry delay while the origin is down. */
const FAILED_RETRY_SECONDS = 30

export class WebSeedHandler {
  readonly #registry: TorrentRegistry
  readonly #webSeeds: WebSeedHandlerComponents['webSeeds']
  readonly #topology: CurrentTopology
  readonly #metrics: OriginMetrics
  readonly #onRefusal: (code: RefusalCode) => void
  readonly #log: Log
  readonly #waitLimits: WaitingLimits
  #waiting = 0
  readonly #notFoundNames = new Set<string>()

  constructor({
    registry,
    webSeeds,
    topology,
    metrics,
    onRefusal,
    log,
    waitLimits = defaultWaitLimits,
  }: WebSeedHandlerComponents) {
    this.#registry = registry
    this.#webSeeds = webSeeds
    this.#topology = topology
    this.#metrics = metrics
    this.#onRefusal = onRefusal
    this.#log = log
    this.#waitLimits = waitLimits
  }

  /** Handles a GET or HEAD of `/webseed/…`. */
  async handle(request: IncomingMessage, response: ServerResponse, from: Address): Promise<void> {
    const topology = this.#topology.value
    const site = topology.places[topology.locate(from)]?.site
    if (site === undefined) return this.#refuse(response, 403, 'TRK_ADDRESS_UNMAPPED', from.toString())
    const [, digits = '', path = ''] = /^\/webseed\/([0-9a-f]+)((?:[/?].*)?)$/is.exec(request.url ?? '') ?? []
    const infoHash = parseInfoHash(digits)
    if (infoHash === undefined)
      return sendText(response, 404, 'the path must be /webseed/{infohash}/ and the path of a file')
    const registration = this.#registry.find(infoHash)
    if (registration === undefined)
      return this.#refuse(response, 404, 'TRK_TORRENT_UNKNOWN', digits.toLowerCase())
    if (
      registration.origin === undefined ||
      this.#webSeeds.unavailableReason(registration.origin) !== undefined
    )
      return sendText(response, 404, 'this torrent has no web seed here')
    const closing = new AbortController()
    response.once('close', () => closing.abort())
    const files = await this.#webSeeds.content.files(registration)
    const file = files === undefined ? undefined : findContentFile(files, path)
    if (file === undefined) return this.#rejectNotFound(response, site, registration, path)
    await this.#handleFile(request, response, {
      registration,
      file,
      site,
      address: from,
      closed: closing.signal,
    })
  }

  async #handleFile(request: IncomingMessage, response: ServerResponse, wanted: FileRequest): Promise<void> {
    const { file, site, closed } = wanted
    const etag = `"${wanted.registration.infoHashes[0]?.toString('hex')}-${file.number}"`
    const head = contentHead(request, { sizeBytes: file.sizeBytes, etag })
    if (head.status === 416)
      return sendText(response, 416, `the file has ${file.sizeBytes} bytes`, head.headers)

    const decision = await this.#decide(request, wanted)
    if (closed.aborted) return decision.kind === 'granted' ? decision.grant.release() : undefined
    if (decision.kind === 'wait') return this.#rejectBusy(request, response, site)
    if (decision.kind === 'refused')
      return this.#unavailable(response, site, {
        ...decision,
        line: `${site.name} ${refusalTexts[decision.reason]}`,
      })
    try {
      await this.#send(request, response, { ...wanted, head, grant: decision.grant })
    } finally {
      decision.grant.release()
    }
  }

  /** Waits while the decision is `wait`, within the limits and while the connection is open. */
  async #decide(request: IncomingMessage, wanted: FileRequest): Promise<FetchDecision> {
    const { isPadding, sizeBytes } = wanted.file
    if (request.method === 'HEAD' || isPadding || sizeBytes === 0) return this.#decideWithoutOrigin(wanted)
    let decision = await this.#requestFetch(wanted)
    if (decision.kind !== 'wait' || this.#waiting >= this.#waitLimits.waitingMax) return decision
    const untilMs = elapsedMs() + this.#waitLimits.waitMs
    this.#waiting++
    try {
      while (decision.kind === 'wait' && elapsedMs() < untilMs) {
        await wait(this.#waitLimits.pollIntervalMs, undefined, { signal: wanted.closed })
        decision = await this.#requestFetch(wanted)
      }
    } catch {
      // The client disconnected.
    } finally {
      this.#waiting--
    }
    return decision
  }

  /** A request that reads nothing from the origin is rejected only if the site has a copy. */
  async #decideWithoutOrigin(wanted: FileRequest): Promise<FetchDecision> {
    const isWarm = this.#webSeeds.isWarm(wanted.registration, wanted.site.index)
    return isWarm
      ? this.#requestFetch(wanted)
      : { kind: 'granted', grant: { take: () => true, release: () => {}, revoked: NEVER } }
  }

  #requestFetch({ registration, site, address }: FileRequest): Promise<FetchDecision> {
    return this.#webSeeds.requestFetch(registration, site, address)
  }

  async #send(request: IncomingMessage, response: ServerResponse, granted: GrantedRequest): Promise<void> {
    const { registration, file, head, grant, closed } = granted
    const { startByte, endByte } = head.range
    if (request.method === 'HEAD' || startByte === endByte) {
      response.writeHead(head.status, head.headers).end()
      return
    }
    const ended = AbortSignal.any([closed, grant.revoked])
    try {
      const content = file.isPadding
        ? zeros(endByte - startByte)
        : await this.#webSeeds.content.read(registration, file, head.range, ended)
      for await (const chunk of content) {
        const isWithinBudget = grant.take((chunk as Buffer).length)
        // The head waits for the first bytes, because an error of the origin before them can still become a status.
        if (!response.headersSent) response.writeHead(head.status, head.headers)
        const isBelowHighWaterMark = response.write(chunk)
        if (!isWithinBudget) return void request.socket.destroy()
        if (!isBelowHighWaterMark) await once(response, 'drain', { signal: ended })
      }
      response.end()
    } catch (error) {
      if (grant.revoked.aborted) return void request.socket.destroy()
      if (!closed.aborted) await this.#fail(request, response, granted, error)
    }
  }

  async #fail(
    request: IncomingMessage,
    response: ServerResponse,
    { registration, site, closed }: FileRequest,
    error: unknown,
  ): Promise<void> {
    if (!(error instanceof InputError)) throw error
    this.#webSeeds.content.invalidate(registration)
    this.#log.warn(
      { event: 'origin-failed', torrent: registration.name, problem: error.message },
      'the origin of a torrent cannot be read; its web seed serves nothing',
    )
    if (response.headersSent || treatsErrorsAsFatal(request)) {
      this.#metrics.originRefused(site.index, 'failed')
      // The client would retry within a second, while the origin is still down.
      await wait(this.#waitLimits.waitMs, undefined, { signal: closed }).catch(() => undefined)
      request.socket.destroy()
      return
    }
    // Without the reason: clients do not get paths and bucket names.
    this.#unavailable(response, site, {
      reason: 'failed',
      retryAfterSeconds: FAILED_RETRY_SECONDS,
      line: 'the origin of this torrent cannot be read now; the log of this node has the reason',
    })
  }

  /** One 404 ends the web seed for a whole torrent in libtorrent and aria2. Each name is logged once. */
  #rejectNotFound(response: ServerResponse, site: Site, registration: Registration, path: string): void {
    this.#metrics.originRefused(site.index, 'not-found')
    const logged = path.slice(0, LOGGED_PATH_MAX)
    const name = `${registrationKey(registration)} ${logged}`
    if (!this.#notFoundNames.has(name) && this.#notFoundNames.size < NOT_FOUND_NAMES_MAX) {
      this.#notFoundNames.add(name)
      this.#log.warn(
        {
          event: 'webseed-not-found',
          torrent: registration.name,
          infoHash: registration.infoHashes[0]?.toString('hex'),
          path: logged,
          site: site.name,
        },
        'a client requested a file that the torrent does not contain; the client may no longer use the web seed',
      )
    }
    sendText(response, 404, 'the torrent has no such file')
  }

  /** Ends a request that was not granted while it waited. */
  #rejectBusy(request: IncomingMessage, response: ServerResponse, site: Site): void {
    if (!treatsErrorsAsFatal(request)) {
      return this.#unavailable(response, site, {
        reason: 'busy',
        retryAfterSeconds: BUSY_RETRY_SECONDS,
        line: `another host of ${site.name} fetches this torrent; get it from the peers of the site`,
      })
    }
    this.#metrics.originRefused(site.index, 'busy')
    request.socket.destroy()
  }

  #unavailable(
    response: ServerResponse,
    site: Site,
    {
      reason,
      retryAfterSeconds,
      line,
    }: { readonly reason: OriginRefusal; readonly retryAfterSeconds: number; readonly line: string },
  ): void {
    this.#metrics.originRefused(site.index, reason)
    sendText(response, 503, line, { 'Retry-After': retryAfterSeconds })
  }

  #refuse(response: ServerResponse, status: number, code: RefusalCode, detail: string): void {
    this.#onRefusal(code)
    sendText(response, status, new Refusal(code, detail).message)
  }
}

interface FileRequest {
  readonly registration: Registration
  readonly file: ContentFile
  readonly site: Site
  readonly address: Address
  /** Aborted once the connection is closed. */
  readonly closed: AbortSignal
}

interface GrantedRequest extends FileRequest {
  readonly head: ContentHead
  readonly grant: Grant
}

const refusalTexts = {
  warm: 'has a copy of this torrent; get it from the peers of the site',
  budget: 'has exhausted its budget for this torrent; get the rest from the peers of the site',
} as const

/** For a response that holds no place. */
const NEVER = new AbortController().signal

/** libtorrent sends its User-Agent only with the first request of a connection. */
function treatsErrorsAsFatal({ headers }: IncomingMessage): boolean {
  const agent = headers['user-agent']
  return agent === undefined || /libtorrent|qbittorrent|deluge|aria2/i.test(agent)
}

function* zeros(bytes: number): Generator<Buffer> {
  const chunk = Buffer.alloc(Math.min(bytes, 65_536))
  for (let left = bytes; left > 0; left -= chunk.length) yield chunk.subarray(0, Math.min(left, chunk.length))
}
