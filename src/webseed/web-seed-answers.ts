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
import type { Address } from '../core/address.ts'
import { elapsedMs } from '../core/clock.ts'
import { InputError, Refusal, type RefusalCode } from '../core/errors.ts'
import { parseInfoHash } from '../core/info-hash.ts'
import type { Log } from '../core/log.ts'
import type { OriginMetrics, OriginRefusal } from '../core/origin-metrics.ts'
import { answerText } from '../registry/plain-answer.ts'
import { type Registration, registrationKey } from '../registry/registration.ts'
import type { Registry } from '../registry/registry.ts'
import type { Site, Topology } from '../topology/topology.ts'
import { readRangeHeader, type RequestedRange } from './byte-range.ts'
import { type ContentFile, findContentFile } from './content-files.ts'
import type { OpenContents } from './open-contents.ts'
import type { Grant, OriginDesk, SiteView, Verdict } from './origin-desk.ts'

export interface WebSeedParts {
  readonly registry: Registry
  readonly contents: OpenContents
  readonly desk: OriginDesk
  readonly topology: () => Topology
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

export class WebSeedAnswers {
  readonly #parts: WebSeedParts
  readonly #patience: WaitingLimits
  #waiting = 0

  constructor(parts: WebSeedParts) {
    this.#parts = parts
    this.#patience = parts.patience ?? defaultPatience
  }

  /** For a GET or HEAD of `/webseed/…`. */
  async answer(request: IncomingMessage, response: ServerResponse, from: Address): Promise<void> {
    const { registry, contents, topology } = this.#parts
    const site = topology().places[topology().locate(from)]?.site
    if (site === undefined) return this.#refuse(response, 403, 'TRK_ADDRESS_UNMAPPED', from.toString())
    const [, digits = '', path = ''] =
      /^\/webseed\/([0-9a-f]+)((?:\/[^?]*)?)(?:\?.*)?$/i.exec(request.url ?? '') ?? []
    const infoHash = parseInfoHash(digits)
    if (infoHash === undefined)
      return answerText(response, 404, 'write /webseed/{infohash}/ and the path of a file')
    const registration = registry.find(infoHash)
    if (registration === undefined)
      return this.#refuse(response, 404, 'TRK_TORRENT_UNKNOWN', digits.toLowerCase())
    const obstacle =
      registration.origin === undefined
        ? 'nobody said where its content comes from'
        : contents.obstacle(registration.origin)
    if (obstacle !== undefined)
      return answerText(response, 404, `this torrent has no web seed here: ${obstacle}`)
    const files = await contents.files(registration)
    const file = files === undefined ? undefined : findContentFile(files, path)
    if (file === undefined) return answerText(response, 404, 'the torrent has no such file')
    await this.#answerFile(request, response, { registration, file, site, address: from.toString() })
  }

  async #answerFile(request: IncomingMessage, response: ServerResponse, wanted: Wanted): Promise<void> {
    const { registration, file } = wanted
    response.setHeader('Accept-Ranges', 'bytes')
    // The infohash fixes every byte, so it names this version for good.
    const etag = `"${registration.infoHashes[0]?.toString('hex')}-${file.number}"`
    const range = isRangeMeant(request, etag)
      ? readRangeHeader(request.headers.range, file.sizeBytes)
      : 'whole'
    if (range === 'unsatisfiable')
      return answerText(response, 416, `the file has ${file.sizeBytes} bytes`, {
        'Content-Range': `bytes */${file.sizeBytes}`,
      })
    const asked = range === 'whole' ? { startByte: 0, endByte: file.sizeBytes } : range
    const head = {
      'Content-Type': 'application/octet-stream',
      'Content-Length': asked.endByte - asked.startByte,
      // A cache in between would serve hosts whom the tracker sends to each other.
      'Cache-Control': 'private, no-store',
      ETag: etag,
      ...(range === 'whole'
        ? {}
        : { 'Content-Range': `bytes ${range.startByte}-${range.endByte - 1}/${file.sizeBytes}` }),
    }
    const status = range === 'whole' ? 200 : 206
    const hangUp = new AbortController()
    response.once('close', () => hangUp.abort())

    const verdict = await this.#decide(request, wanted, hangUp.signal)
    if (hangUp.signal.aborted) return verdict.kind === 'granted' ? verdict.grant.release() : undefined
    if (verdict.kind === 'wait') return this.#sendAway(request, response, wanted.site)
    if (verdict.kind === 'refused')
      return this.#unavailable(response, wanted.site, {
        why: verdict.why,
        retryAfterSeconds: verdict.retryAfterSeconds,
        line:
          verdict.why === 'warm'
            ? `${wanted.site.name} has a copy of this torrent; fetch it from its peers`
            : `${wanted.site.name} has fetched what it may of this torrent; its peers have the rest`,
      })
    try {
      await this.#send(
        request,
        response,
        { ...wanted, range: asked, status, head, grant: verdict.grant },
        hangUp.signal,
      )
    } finally {
      verdict.grant.release()
    }
  }

  /** Waits as long as the verdict is to wait, somebody is still there to hear it, and there is room. */
  async #decide(request: IncomingMessage, wanted: Wanted, signal: AbortSignal): Promise<Verdict> {
    if (request.method === 'HEAD' || wanted.file.isPadding) return this.#withoutOrigin(wanted)
    let verdict = this.#ask(wanted)
    if (verdict.kind !== 'wait' || this.#waiting >= this.#patience.waitingMax) return verdict
    const untilMs = elapsedMs() + this.#patience.waitMs
    this.#waiting++
    try {
      while (verdict.kind === 'wait' && elapsedMs() < untilMs) {
        await wait(this.#patience.lookEveryMs, undefined, { signal })
        verdict = this.#ask(wanted)
      }
    } catch {
      // The client hung up.
    } finally {
      this.#waiting--
    }
    return verdict
  }

  /** Costs the origin nothing, so only a site that has a copy hears no. */
  #withoutOrigin(wanted: Wanted): Verdict {
    const verdict = this.#parts.view(wanted.registration, wanted.site.index).isWarm
      ? this.#ask(wanted)
      : undefined
    return verdict ?? { kind: 'granted', grant: { take: () => true, release: () => {} } }
  }

  #ask({ registration, site, address }: Wanted): Verdict {
    return this.#parts.desk.ask(
      {
        torrentKey: registrationKey(registration),
        sizeBytes: registration.sizeBytes,
        siteName: site.name,
        siteIndex: site.index,
        address,
      },
      this.#parts.view(registration, site.index),
    )
  }

  async #send(
    request: IncomingMessage,
    response: ServerResponse,
    answer: Answer,
    signal: AbortSignal,
  ): Promise<void> {
    const { registration, file, range, status, head, grant } = answer
    if (request.method === 'HEAD' || range.startByte === range.endByte) {
      response.writeHead(status, head).end()
      return
    }
    try {
      const stream = file.isPadding
        ? zeros(range.endByte - range.startByte)
        : await this.#parts.contents.read(registration, file, range, signal)
      for await (const chunk of stream) {
        const isWithinBudget = grant.take((chunk as Buffer).length)
        // The head waits for the first bytes: until then the origin's trouble can still be told as a status.
        if (!response.headersSent) response.writeHead(status, head)
        const isTaken = response.write(chunk)
        if (!isWithinBudget) return void response.destroy()
        if (!isTaken) await once(response, 'drain', { signal })
      }
      response.end()
    } catch (error) {
      if (signal.aborted) return
      this.#fail(response, answer, error)
    }
  }

  #fail(response: ServerResponse, { registration, site }: Wanted, error: unknown): void {
    if (!(error instanceof InputError)) throw error
    this.#parts.contents.reopen(registration)
    this.#parts.log.warn(
      { event: 'origin-failed', torrent: registration.name, problem: error.message },
      'the origin of a torrent cannot be read; its web seed serves nothing',
    )
    if (response.headersSent) {
      this.#parts.metrics.originRefused(site.index, 'failed')
      response.destroy()
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
    response.destroy()
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

interface Wanted {
  readonly registration: Registration
  readonly file: ContentFile
  readonly site: Site
  readonly address: string
}

interface Answer extends Wanted {
  readonly range: RequestedRange
  readonly status: number
  readonly head: Readonly<Record<string, string | number>>
  readonly grant: Grant
}

/** A range counts for a GET, and with If-Range only for this version (RFC 9110 §13.1.5). We know no dates. */
function isRangeMeant({ method, headers }: IncomingMessage, etag: string): boolean {
  const ifRange = headers['if-range']
  return method === 'GET' && (ifRange === undefined || ifRange === etag)
}

/** libtorrent says who it is only with the first request of a connection. */
function neverComesBack({ headers }: IncomingMessage): boolean {
  const agent = headers['user-agent']
  return agent === undefined || /libtorrent|qbittorrent|deluge|aria2/i.test(agent)
}

function* zeros(bytes: number): Generator<Buffer> {
  const chunk = Buffer.alloc(Math.min(bytes, 65_536))
  for (let left = bytes; left > 0; left -= chunk.length) yield chunk.subarray(0, Math.min(left, chunk.length))
}
