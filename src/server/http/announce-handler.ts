/**
 * HTTP side of announce and scrape, errors included.
 *
 * Every response has status 200, since clients read a body only then, an exact length, and nothing after the bencode. The
 * exceptions are a node that is full or draining: after a 503, libtorrent uses the next tracker for 17 s; after a failure
 * reason, for at least 60 s.
 *
 * This is the announce path. Nearly all announces reach it through `AnnounceLane`; the others are written to the response
 * of Node, without the reply, the hooks and the serialisation of Fastify (bench/http-announces.ts).
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Address } from '../../core/address.ts'
import type { AnnounceTokens } from '../../core/announce-tokens.ts'
import type { AnnounceReply, Arrival, ScrapeCounts, TrackerService } from '../../core/announce.ts'
import { Refusal, type RefusalCode } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { readAnnounce, writeAnnounceResponse } from '../../wire/http/announce.ts'
import { writeFailure } from '../../wire/http/failure.ts'
import { readScrape, writeScrapeResponse } from '../../wire/http/scrape.ts'
import type { AnnounceAnswer } from './announce-answer.ts'
import {
  type ClientAddressRules,
  type TrustedAddresses,
  type UntrustedForwardingListener,
  readClaimedAddress,
  readClientAddress,
} from './client-address.ts'
import { sendDownloadFailure } from './download-failure.ts'
import { remoteAddressOf } from './proxied-connection.ts'

export interface AnnounceHandlerInit {
  readonly tracker: TrackerService
  /** Without it, every announce URL is accepted. */
  readonly tokens?: Pick<AnnounceTokens, 'check'> | undefined
  /** Addresses whose forwarding headers and `ip=` are trusted. */
  readonly isTrusted: TrustedAddresses
  /** Called for each request with a forwarding header from an address that is not trusted. */
  readonly onUntrustedForwarding?: UntrustedForwardingListener
  /** Called once for every rejected request. */
  readonly onRefusal: (code: RefusalCode) => void
  readonly log: Pick<Log, 'error'>
}

/** A handler of ordinary HTTP: a GET or HEAD of the client at this address. Rejects only on an internal error. */
export interface DownloadHandler {
  handle(request: IncomingMessage, response: ServerResponse, from: Address): Promise<void>
}

export class AnnounceHandler {
  readonly #tracker: TrackerService
  readonly #tokens: AnnounceHandlerInit['tokens']
  readonly #addressRules: ClientAddressRules
  readonly #onRefusal: (code: RefusalCode) => void
  readonly #log: Pick<Log, 'error'>
  /** False once the node drains or has many connections: each response then closes its connection. */
  readonly #keepsConnections: () => boolean

  constructor(
    { tracker, tokens, isTrusted, onUntrustedForwarding, onRefusal, log }: AnnounceHandlerInit,
    keepsConnections: () => boolean,
  ) {
    this.#tracker = tracker
    this.#tokens = tokens
    this.#addressRules = { isTrusted, onUntrustedForwarding }
    this.#onRefusal = onRefusal
    this.#log = log
    this.#keepsConnections = keepsConnections
  }

  /** The answer to an announce with this target. Never throws, and the promise never rejects. */
  answer(
    target: string,
    socketAddress: string,
    headers: IncomingHttpHeaders,
    arrival: Arrival,
  ): AnnounceAnswer | Promise<AnnounceAnswer> {
    try {
      this.#tokens?.check(target)
      const announce = readAnnounce(target)
      const { claimedAddress: claimed } = announce
      const from = readClientAddress(socketAddress, headers, this.#addressRules, claimed)
      const peer = readClaimedAddress(claimed, from, this.#addressRules.isTrusted)
      const reply = this.#tracker.announce(announce, peer, 'http', arrival)
      if (reply instanceof Promise) return this.#answerDeferred(reply, announce.isCompact)
      return { status: 200, body: writeAnnounceResponse(reply, announce.isCompact) }
    } catch (error) {
      return this.#failure(error)
    }
  }

  async #answerDeferred(reply: Promise<AnnounceReply>, isCompact: boolean): Promise<AnnounceAnswer> {
    try {
      return { status: 200, body: writeAnnounceResponse(await reply, isCompact) }
    } catch (error) {
      return this.#failure(error)
    }
  }

  announce(request: IncomingMessage, response: ServerResponse): void {
    const socketAddress = remoteAddressOf(request.socket)
    // The client has disconnected already, so its address is not available.
    if (socketAddress === undefined) return void request.socket.destroy()
    const answer = this.answer(request.url ?? '', socketAddress, request.headers, request.socket)
    // The connection may be closed by then; Node drops what is sent to it.
    if (answer instanceof Promise) void answer.then((deferred) => this.#send(response, deferred))
    else this.#send(response, answer)
  }

  scrape(request: IncomingMessage, response: ServerResponse): void {
    const socketAddress = remoteAddressOf(request.socket)
    if (socketAddress === undefined) return void request.socket.destroy()
    try {
      this.#tokens?.check(request.url ?? '')
      const infoHashes = readScrape(request.url ?? '')
      const from = readClientAddress(socketAddress, request.headers, this.#addressRules)
      const counts = this.#tracker.scrape(infoHashes, from)
      const send = (given: readonly ScrapeCounts[]) =>
        this.#send(response, { status: 200, body: writeScrapeResponse(infoHashes, given) })
      if (counts instanceof Promise) counts.then(send, (error: unknown) => this.fail(response, error))
      else send(counts)
    } catch (error) {
      this.fail(response, error)
    }
  }

  download(request: IncomingMessage, response: ServerResponse, handler: DownloadHandler): void {
    const socketAddress = remoteAddressOf(request.socket)
    if (socketAddress === undefined) return void request.socket.destroy()
    if (!this.#keepsConnections()) response.setHeader('Connection', 'close')
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      this.#onRefusal('TRK_METHOD_UNSUPPORTED')
      return void response.writeHead(405, { Allow: 'GET, HEAD', 'Content-Length': 0 }).end()
    }
    try {
      const from = readClientAddress(socketAddress, request.headers, this.#addressRules)
      handler
        .handle(request, response, from)
        .catch((error: unknown) => this.#failDownload(request, response, error))
    } catch (error) {
      this.#failDownload(request, response, error)
    }
  }

  #failDownload(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    sendDownloadFailure(request, response, error, { onRefusal: this.#onRefusal, log: this.#log })
  }

  /** Sends the reason of a rejection. */
  fail(response: ServerResponse, error: unknown): void {
    this.#send(response, this.#failure(error))
  }

  /** An error other than a `Refusal` is a bug: the log has it, and the client gets `TRK_INTERNAL`. */
  #failure(error: unknown): AnnounceAnswer {
    const refusal = error instanceof Refusal ? error : new Refusal('TRK_INTERNAL')
    if (!(error instanceof Refusal)) {
      this.#log.error({ event: 'request-failed', code: refusal.code, err: error }, 'a request failed')
    }
    this.#onRefusal(refusal.code)
    const isElsewhere = CLOSING_REFUSALS.has(refusal.code)
    return { status: isElsewhere ? 503 : 200, body: writeFailure(refusal.message) }
  }

  #send(response: ServerResponse, { status, body }: AnnounceAnswer): void {
    response.writeHead(
      status,
      status === 200 && this.#keepsConnections()
        ? ['Content-Type', 'text/plain', 'Content-Length', String(body.length)]
        : closingHeaders(body),
    )
    response.end(body, 'latin1')
  }
}

/** The client uses another tracker of its list for a while. */
const CLOSING_REFUSALS: ReadonlySet<RefusalCode> = new Set([
  'TRK_DRAINING',
  'TRK_OVERLOADED',
  'TRK_SOURCE_REQUESTS',
])

function closingHeaders(body: string): string[] {
  return ['Content-Type', 'text/plain', 'Content-Length', String(body.length), 'Connection', 'close']
}
