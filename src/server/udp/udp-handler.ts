/**
 * UDP side of announce and scrape, errors included: at most one datagram out for one in.
 *
 * Threat: a sender can forge the source address of a datagram. A connection id proves that the sender receives what is
 * sent to that address. Without one, a connect of 16 bytes gets 16 bytes and every other datagram gets nothing, because
 * a refusal would let an attacker send text to a victim. With one, requests are answered as over HTTP, refusals included.
 */
import type { SecretStore } from '../../replication/site-store.ts'
import type { Address } from '../../core/address.ts'
import type { AnnounceTokens } from '../../core/announce-tokens.ts'
import type { AnnounceReply, ScrapeCounts, TrackerService } from '../../core/announce.ts'
import type { Clock } from '../../core/clock.ts'
import { Refusal, type RefusalCode } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { peersThatFit, readAnnounce, writeAnnounceResponse } from '../../wire/udp/announce.ts'
import { readConnect, writeConnectResponse } from '../../wire/udp/connect.ts'
import { writeError } from '../../wire/udp/error.ts'
import { actionOf, actions, REQUEST_HEAD_BYTES, transactionIdOf } from '../../wire/udp/header.ts'
import { readScrape, writeScrapeResponse } from '../../wire/udp/scrape.ts'
import { ConnectionIdRing } from './connection-ids.ts'
import { RefusedSources } from './refused-sources.ts'

export interface UdpHandlerInit {
  readonly tracker: TrackerService
  /** Secrets of at least 16 bytes, newest first. Nodes behind one address need the same ones. */
  readonly secrets: SecretStore
  readonly clock: Clock
  /** Without it, every announce URL is accepted. UDP clients send it in an option that few of them know (BEP 41). */
  readonly tokens?: Pick<AnnounceTokens, 'check'> | undefined
  /** Called once for every request that is rejected with a reason, and not for dropped datagrams. */
  readonly onRefusal: (code: RefusalCode) => void
  readonly log: Pick<Log, 'error'>
}

/** Datagrams without a response, by cause. */
export interface UdpDrops {
  /** Shorter than any request, or from port 0, to which no response can be sent. */
  readonly unreadable: number
  /** Neither a connect nor with a valid connection id for its source address. */
  readonly unproven: number
  /** From a source above its limit of requests that has the reason already: see `RefusedSources`. */
  readonly limited: number
}

export class UdpHandler {
  readonly #tracker: TrackerService
  readonly #tokens: UdpHandlerInit['tokens']
  readonly #connectionIds: ConnectionIdRing
  readonly #refusedSources: RefusedSources
  readonly #onRefusal: (code: RefusalCode) => void
  readonly #log: Pick<Log, 'error'>
  #unreadable = 0
  #unproven = 0
  #limited = 0

  constructor({ tracker, tokens, secrets, clock, onRefusal, log }: UdpHandlerInit) {
    this.#tracker = tracker
    this.#tokens = tokens
    this.#connectionIds = new ConnectionIdRing(secrets, clock)
    this.#refusedSources = new RefusedSources(clock)
    this.#onRefusal = onRefusal
    this.#log = log
  }

  get drops(): UdpDrops {
    return { unreadable: this.#unreadable, unproven: this.#unproven, limited: this.#limited }
  }

  /** True, and counted, for a source whose datagrams are dropped unread now. */
  isRefused(from: Address): boolean {
    const isRefused = this.#refusedSources.has(from)
    if (isRefused) this.#limited++
    return isRefused
  }

  /** undefined: nothing may be sent. Never throws, and the promise never rejects. */
  answer(packet: Buffer, from: Address, port: number): Buffer | Promise<Buffer> | undefined {
    if (packet.length < REQUEST_HEAD_BYTES || port === 0) {
      this.#unreadable++
      return undefined
    }
    const connecting = readConnect(packet)
    if (connecting !== undefined) return writeConnectResponse(connecting, this.#connectionIds.issue(from))
    if (!this.#connectionIds.verify(packet, from)) {
      this.#unproven++
      return undefined
    }
    try {
      return this.#answerProven(packet, from)
    } catch (error) {
      return this.#fail(packet, from, error)
    }
  }

  #answerProven(packet: Buffer, from: Address): Buffer | Promise<Buffer> {
    const tracker = this.#tracker
    switch (actionOf(packet)) {
      case actions.announce: {
        const announce = readAnnounce(packet)
        this.#tokens?.check(announce.urlData.toString('latin1'))
        const peersWanted = peersThatFit(announce.peersWanted, from.isV4)
        const reply = tracker.announce({ ...announce, peersWanted }, from, 'udp')
        const write = (given: AnnounceReply) =>
          writeAnnounceResponse(transactionIdOf(packet), given, from.isV4)
        return reply instanceof Promise ? this.#answerLater(packet, from, reply, write) : write(reply)
      }
      case actions.scrape: {
        const counts = tracker.scrape(readScrape(packet), from)
        const write = (given: readonly ScrapeCounts[]) => writeScrapeResponse(transactionIdOf(packet), given)
        return counts instanceof Promise ? this.#answerLater(packet, from, counts, write) : write(counts)
      }
      default:
        throw new Refusal('TRK_REQUEST_MALFORMED', 'unknown action')
    }
  }

  async #answerLater<Result>(
    packet: Buffer,
    from: Address,
    result: Promise<Result>,
    write: (result: Result) => Buffer,
  ): Promise<Buffer> {
    try {
      return write(await result)
    } catch (error) {
      return this.#fail(packet, from, error)
    }
  }

  /** Returns an error with the reason. An error other than a `Refusal` is a bug: the log has it, and the client gets `TRK_INTERNAL`. */
  #fail(packet: Buffer, from: Address, error: unknown): Buffer {
    const refusal = error instanceof Refusal ? error : new Refusal('TRK_INTERNAL')
    if (!(error instanceof Refusal)) {
      this.#log.error({ event: 'request-failed', code: refusal.code, err: error }, 'a request failed')
    }
    this.#onRefusal(refusal.code)
    if (refusal.code === 'TRK_SOURCE_REQUESTS') this.#refusedSources.add(from)
    return writeError(transactionIdOf(packet), refusal.message)
  }
}
