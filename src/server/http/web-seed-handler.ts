/**
 * `GET /webseed/{infohash}/…` on the tracker's listener: parts of a registered torrent's content, read from its
 * origin for the one host of a site that fetches it (BEP 19, RFC 9110 §14).
 *
 * What clients make of an answer decides which one they get. libtorrent 2.0.8 and aria2 1.36 take any 4xx or 5xx
 * for the end: they never ask again in their lifetime (observed). So a 503 is said only when it may be
 * final, because the site has a copy or has had its budget. Whoever has to wait for its neighbour gets no answer for a
 * while, is served at once if it becomes the one who fetches, and then has its connection closed, upon which both
 * come back. Everybody else is told 503 then, and when to come back.
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
import type { Registration } from '../../registry/registration.ts'
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
  /** How long a request may wait for its turn. */
  readonly waitMs: number
  /** How often it is asked whether its turn has come. */
  readonly pollIntervalMs: number
  /** Requests that wait at the same time; more are turned away at once. */
  readonly waitingMax: number
}

const defaultWaitLimits: WaitingLimits = {
  // libtorrent gives up on a web seed that is silent for 20 s, and aria2 tries five times in all.
  waitMs: 15_000,
  pollIntervalMs: 250,
  // A fifth of the connections that a node has; each is a look at the swarm table four times a second.
  waitingMax: 2_000,
}

/** When whoever waited in vain should come back. */
const BUSY_RETRY_SECONDS = 5
/** When to come back to an origin that is down. */
const FAILED_RETRY_SECONDS = 30

export class WebSeedHandler {
  readonly #parts: WebSeedHandlerComponents
  readonly #waitLimits: WaitingLimits
  #waiting = 0

  constructor(parts: WebSeedHandlerComponents) {
    this.#parts = parts
    this.#waitLimits = parts.waitLimits ?? defaultWaitLimits
  }

  /** For a GET or HEAD of `/webseed/…`. */
  async answer(request: IncomingMessage, response: ServerResponse, from: Address): Promise<void> {
    const { registry, webSeeds, topology } = this.#parts
    const site = topology.value.places[topology.value.locate(from)]?.site
    if (site === undefined) return this.#refuse(response, 403, 'TRK_ADDRESS_UNMAPPED', from.toString())
    const [, digits = '', path = ''] =
      /^\/webseed\/([0-9a-f]+)((?:\/[^?]*)?)(?:\?.*)?$/i.exec(request.url ?? '') ?? []
    const infoHash = parseInfoHash(digits)
    if (infoHash === undefined)
      return sendText(response, 404, 'write /webseed/{infohash}/ and the path of a file')
    const registration = registry.find(infoHash)
    if (registration === undefined)
      return this.#refuse(response, 404, 'TRK_TORRENT_UNKNOWN', digits.toLowerCase())
    if (registration.origin === undefined || webSeeds.unavailableReason(registration.origin) !== undefined)
      return sendText(response, 404, 'this torrent has no web seed here')
    const hangUp = new AbortController()
    response.once('close', () => hangUp.abort())
    const files = await webSeeds.content.files(registration)
    const file = files === undefined ? undefined : findContentFile(files, path)
    if (file === undefined) return sendText(response, 404, 'the torrent has no such file')
    await this.#answerFile(request, response, {
      registration,
      file,
      site,
      address: from,
      hungUp: hangUp.signal,
    })
  }

  async #answerFile(request: IncomingMessage, response: ServerResponse, wanted: Wanted): Promise<void> {
    const { file, site, hungUp } = wanted
    const etag = `"${wanted.registration.infoHashes[0]?.toString('hex')}-${file.number}"`
    const head = contentHead(request, { sizeBytes: file.sizeBytes, etag })
    if (head.status === 416)
      return sendText(response, 416, `the file has ${file.sizeBytes} bytes`, head.headers)

    const decision = await this.#decide(request, wanted)
    if (hungUp.aborted) return decision.kind === 'granted' ? decision.grant.release() : undefined
    if (decision.kind === 'wait') return this.#rejectBusy(request, response, site)
    if (decision.kind === 'refused')
      return this.#unavailable(response, site, {
        ...decision,
        line: `${site.name} ${finalTexts[decision.why]}`,
      })
    try {
      await this.#send(request, response, { ...wanted, head, grant: decision.grant })
    } finally {
      decision.grant.release()
    }
  }

  /** Waits as long as the decision is to wait, somebody is still there to hear it, and there is room. */
  async #decide(request: IncomingMessage, wanted: Wanted): Promise<FetchDecision> {
    if (request.method === 'HEAD' || wanted.file.isPadding) return this.#withoutOrigin(wanted)
    let decision = await this.#requestFetch(wanted)
    if (decision.kind !== 'wait' || this.#waiting >= this.#waitLimits.waitingMax) return decision
    const untilMs = elapsedMs() + this.#waitLimits.waitMs
    this.#waiting++
    try {
      while (decision.kind === 'wait' && elapsedMs() < untilMs) {
        await wait(this.#waitLimits.pollIntervalMs, undefined, { signal: wanted.hungUp })
        decision = await this.#requestFetch(wanted)
      }
    } catch {
      // The client hung up.
    } finally {
      this.#waiting--
    }
    return decision
  }

  /** Costs the origin nothing, so only a site that has a copy hears no. */
  async #withoutOrigin(wanted: Wanted): Promise<FetchDecision> {
    const isWarm = this.#parts.webSeeds.isWarm(wanted.registration, wanted.site.index)
    return isWarm
      ? this.#requestFetch(wanted)
      : { kind: 'granted', grant: { take: () => true, release: () => {} } }
  }

  #requestFetch({ registration, site, address }: Wanted): Promise<FetchDecision> {
    return this.#parts.webSeeds.requestFetch(registration, site, address)
  }

  async #send(request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<void> {
    const { registration, file, head, grant, hungUp } = answer
    const { startByte, endByte } = head.range
    if (request.method === 'HEAD' || startByte === endByte) {
      response.writeHead(head.status, head.headers).end()
      return
    }
    try {
      const content = file.isPadding
        ? zeros(endByte - startByte)
        : await this.#parts.webSeeds.content.read(registration, file, head.range, hungUp)
      for await (const chunk of content) {
        const isWithinBudget = grant.take((chunk as Buffer).length)
        // The head waits for the first bytes: until then the origin's trouble can still be told as a status.
        if (!response.headersSent) response.writeHead(head.status, head.headers)
        const isTaken = response.write(chunk)
        if (!isWithinBudget) return void request.socket.destroy()
        if (!isTaken) await once(response, 'drain', { signal: hungUp })
      }
      response.end()
    } catch (error) {
      if (!hungUp.aborted) await this.#fail(request, response, answer, error)
    }
  }

  async #fail(
    request: IncomingMessage,
    response: ServerResponse,
    { registration, site, hungUp }: Wanted,
    error: unknown,
  ): Promise<void> {
    if (!(error instanceof InputError)) throw error
    this.#parts.webSeeds.content.invalidate(registration)
    this.#parts.log.warn(
      { event: 'origin-failed', torrent: registration.name, problem: error.message },
      'the origin of a torrent cannot be read; its web seed serves nothing',
    )
    if (response.headersSent || treatsErrorsAsFatal(request)) {
      this.#parts.metrics.originRefused(site.index, 'failed')
      // It comes back within a second, to an origin that is as down as it was.
      await wait(this.#waitLimits.waitMs, undefined, { signal: hungUp }).catch(() => undefined)
      request.socket.destroy()
      return
    }
    // Not why: paths and bucket names are the operator's affair.
    this.#unavailable(response, site, {
      why: 'failed',
      retryAfterSeconds: FAILED_RETRY_SECONDS,
      line: 'the origin of this torrent cannot be read now; the log of this node says why',
    })
  }

  /** Whoever waited in vain. */
  #rejectBusy(request: IncomingMessage, response: ServerResponse, site: Site): void {
    if (!treatsErrorsAsFatal(request)) {
      return this.#unavailable(response, site, {
        why: 'busy',
        retryAfterSeconds: BUSY_RETRY_SECONDS,
        line: `another host of ${site.name} fetches this torrent; its peers will have it`,
      })
    }
    this.#parts.metrics.originRefused(site.index, 'busy')
    request.socket.destroy()
  }

  #unavailable(
    response: ServerResponse,
    site: Site,
    answer: { readonly why: OriginRefusal; readonly retryAfterSeconds: number; readonly line: string },
  ): void {
    this.#parts.metrics.originRefused(site.index, answer.why)
    sendText(response, 503, answer.line, { 'Retry-After': answer.retryAfterSeconds })
  }

  #refuse(response: ServerResponse, status: number, code: RefusalCode, detail: string): void {
    this.#parts.onRefusal(code)
    sendText(response, status, new Refusal(code, detail).message)
  }
}

interface Wanted {
  readonly registration: Registration
  readonly file: ContentFile
  readonly site: Site
  readonly address: Address
  /** Aborted once nobody is there any more to answer. */
  readonly hungUp: AbortSignal
}

interface Answer extends Wanted {
  readonly head: ContentHead
  readonly grant: Grant
}

const finalTexts = {
  warm: 'has a copy of this torrent; fetch it from its peers',
  budget: 'has fetched what it may of this torrent; its peers have the rest',
} as const

/** libtorrent says who it is only with the first request of a connection. */
function treatsErrorsAsFatal({ headers }: IncomingMessage): boolean {
  const agent = headers['user-agent']
  return agent === undefined || /libtorrent|qbittorrent|deluge|aria2/i.test(agent)
}

function* zeros(bytes: number): Generator<Buffer> {
  const chunk = Buffer.alloc(Math.min(bytes, 65_536))
  for (let left = bytes; left > 0; left -= chunk.length) yield chunk.subarray(0, Math.min(left, chunk.length))
}
