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
import { answerText } from './responses.ts'
import type { Registration } from '../../registry/registration.ts'
import type { TorrentRegistry } from '../../registry/torrent-registry.ts'
import type { CurrentTopology } from '../../topology/current-topology.ts'
import type { Site } from '../../topology/topology.ts'
import { type ContentFile, findContentFile } from '../../webseed/content-files.ts'
import { type ContentHead, contentHead } from './range-response.ts'
import type { ContentSource } from '../../webseed/content-source.ts'
import type {
  Grant,
  OriginFetchLimiter,
  OriginSubject,
  SiteView,
  FetchDecision,
} from '../../webseed/origin-fetch-limiter.ts'

export interface WebSeedHandlerComponents {
  readonly registry: TorrentRegistry
  readonly contents: ContentSource
  readonly desk: OriginFetchLimiter
  readonly topology: CurrentTopology
  readonly view: (registration: Registration, siteIndex: number) => SiteView
  readonly metrics: OriginMetrics
  readonly onRefusal: (code: RefusalCode) => void
  readonly log: Log
  readonly patience?: WaitingLimits
}

export interface WaitingLimits {
  /** How long a request may wait for its turn. */
  readonly waitMs: number
  /** How often it is asked whether its turn has come. */
  readonly lookEveryMs: number
  /** Requests that wait at the same time; more are turned away at once. */
  readonly waitingMax: number
}

const defaultPatience: WaitingLimits = {
  // libtorrent gives up on a web seed that is silent for 20 s, and aria2 tries five times in all.
  waitMs: 15_000,
  lookEveryMs: 250,
  // A fifth of the connections that a node has; each is a look at the swarm table four times a second.
  waitingMax: 2_000,
}

/** When whoever waited in vain should come back. */
const BUSY_RETRY_SECONDS = 5
/** When to come back to an origin that is down. */
const FAILED_RETRY_SECONDS = 30

export class WebSeedHandler {
  readonly #parts: WebSeedHandlerComponents
  readonly #patience: WaitingLimits
  #waiting = 0

  constructor(parts: WebSeedHandlerComponents) {
    this.#parts = parts
    this.#patience = parts.patience ?? defaultPatience
  }

  /** For a GET or HEAD of `/webseed/…`. */
  async answer(request: IncomingMessage, response: ServerResponse, from: Address): Promise<void> {
    const { registry, contents, topology } = this.#parts
    const site = topology.value.places[topology.value.locate(from)]?.site
    if (site === undefined) return this.#refuse(response, 403, 'TRK_ADDRESS_UNMAPPED', from.toString())
    const [, digits = '', path = ''] =
      /^\/webseed\/([0-9a-f]+)((?:\/[^?]*)?)(?:\?.*)?$/i.exec(request.url ?? '') ?? []
    const infoHash = parseInfoHash(digits)
    if (infoHash === undefined)
      return answerText(response, 404, 'write /webseed/{infohash}/ and the path of a file')
    const registration = registry.find(infoHash)
    if (registration === undefined)
      return this.#refuse(response, 404, 'TRK_TORRENT_UNKNOWN', digits.toLowerCase())
    if (registration.origin === undefined || contents.obstacle(registration.origin) !== undefined)
      return answerText(response, 404, 'this torrent has no web seed here')
    const hangUp = new AbortController()
    response.once('close', () => hangUp.abort())
    const files = await contents.files(registration)
    const file = files === undefined ? undefined : findContentFile(files, path)
    if (file === undefined) return answerText(response, 404, 'the torrent has no such file')
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
      return answerText(response, 416, `the file has ${file.sizeBytes} bytes`, head.headers)

    const verdict = await this.#decide(request, wanted)
    if (hungUp.aborted) return verdict.kind === 'granted' ? verdict.grant.release() : undefined
    if (verdict.kind === 'wait') return this.#sendAway(request, response, site)
    if (verdict.kind === 'refused')
      return this.#unavailable(response, site, {
        ...verdict,
        line: `${site.name} ${finalTexts[verdict.why]}`,
      })
    try {
      await this.#send(request, response, { ...wanted, head, grant: verdict.grant })
    } finally {
      verdict.grant.release()
    }
  }

  /** Waits as long as the verdict is to wait, somebody is still there to hear it, and there is room. */
  async #decide(request: IncomingMessage, wanted: Wanted): Promise<FetchDecision> {
    if (request.method === 'HEAD' || wanted.file.isPadding) return this.#withoutOrigin(wanted)
    let verdict = await this.#ask(wanted)
    if (verdict.kind !== 'wait' || this.#waiting >= this.#patience.waitingMax) return verdict
    const untilMs = elapsedMs() + this.#patience.waitMs
    this.#waiting++
    try {
      while (verdict.kind === 'wait' && elapsedMs() < untilMs) {
        await wait(this.#patience.lookEveryMs, undefined, { signal: wanted.hungUp })
        verdict = await this.#ask(wanted)
      }
    } catch {
      // The client hung up.
    } finally {
      this.#waiting--
    }
    return verdict
  }

  /** Costs the origin nothing, so only a site that has a copy hears no. */
  async #withoutOrigin(wanted: Wanted): Promise<FetchDecision> {
    const { isWarm } = this.#parts.view(wanted.registration, wanted.site.index)
    return isWarm ? this.#ask(wanted) : { kind: 'granted', grant: { take: () => true, release: () => {} } }
  }

  #ask({ registration, site, address }: Wanted): Promise<FetchDecision> {
    const view = this.#parts.view(registration, site.index)
    return this.#parts.desk.ask(subjectOf(registration, site), address, view)
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
        : await this.#parts.contents.read(registration, file, head.range, hungUp)
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
    this.#parts.contents.reopen(registration)
    this.#parts.log.warn(
      { event: 'origin-failed', torrent: registration.name, problem: error.message },
      'the origin of a torrent cannot be read; its web seed serves nothing',
    )
    if (response.headersSent || neverComesBack(request)) {
      this.#parts.metrics.originRefused(site.index, 'failed')
      // It comes back within a second, to an origin that is as down as it was.
      await wait(this.#patience.waitMs, undefined, { signal: hungUp }).catch(() => undefined)
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
  #sendAway(request: IncomingMessage, response: ServerResponse, site: Site): void {
    if (!neverComesBack(request)) {
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
    answerText(response, 503, answer.line, { 'Retry-After': answer.retryAfterSeconds })
  }

  #refuse(response: ServerResponse, status: number, code: RefusalCode, detail: string): void {
    this.#parts.onRefusal(code)
    answerText(response, status, new Refusal(code, detail).message)
  }
}

/** A registered torrent at a site, as the desk knows it. */
export function subjectOf(registration: Registration, site: Pick<Site, 'name' | 'index'>): OriginSubject {
  return {
    infoHash: registration.infoHashes[0] as Buffer,
    sizeBytes: registration.sizeBytes,
    siteName: site.name,
    siteIndex: site.index,
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
function neverComesBack({ headers }: IncomingMessage): boolean {
  const agent = headers['user-agent']
  return agent === undefined || /libtorrent|qbittorrent|deluge|aria2/i.test(agent)
}

function* zeros(bytes: number): Generator<Buffer> {
  const chunk = Buffer.alloc(Math.min(bytes, 65_536))
  for (let left = bytes; left > 0; left -= chunk.length) yield chunk.subarray(0, Math.min(left, chunk.length))
}
