/**
 * One datagram in, at most one out: the UDP side of an announce and a scrape, and of everything that can go wrong
 * with them.
 *
 * The source address of a datagram is whatever its sender wrote there. Until it shows a connection id, which it can
 * only know if it receives what is sent to that address, it gets 16 bytes for a connect of 16 and silence for
 * everything else: a refusal would be a way to have us send text to a victim. Once proven, it is answered like an
 * HTTP client, refusals included.
 */
import type { SecretStore } from '../../replication/site-store.ts'
import type { Address } from '../../core/address.ts'
import type { AnnounceReply, TrackerService } from '../../core/announce.ts'
import type { Clock } from '../../core/clock.ts'
import { Refusal, type RefusalCode } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { peersThatFit, readAnnounce, writeAnnounceResponse } from '../../wire/udp/announce.ts'
import { readConnect, writeConnectResponse } from '../../wire/udp/connect.ts'
import { writeError } from '../../wire/udp/error.ts'
import { actionOf, actions, REQUEST_HEAD_BYTES, transactionIdOf } from '../../wire/udp/header.ts'
import { readScrape, writeScrapeResponse } from '../../wire/udp/scrape.ts'
import { ConnectionIdRing } from './connection-ids.ts'

export interface UdpHandlerInit {
  readonly tracker: TrackerService
  /** What nobody else knows, at least 16 bytes each, newest first. Nodes that may share an address have the same. */
  readonly secrets: SecretStore
  readonly clock: Clock
  /** Called once for every request that is turned away with a reason; not for what is dropped. */
  readonly onRefusal: (code: RefusalCode) => void
  readonly log: Pick<Log, 'error'>
}

/** Datagrams that were not answered, by why. */
export interface UdpDrops {
  /** Shorter than any request, or from port 0, where no answer can be sent. */
  readonly unreadable: number
  /** No connect, and no connection id that we gave to this address within minutes. */
  readonly unproven: number
}

export class UdpHandler {
  readonly #options: UdpHandlerInit
  readonly #connectionIds: ConnectionIdRing
  #unreadable = 0
  #unproven = 0

  constructor(options: UdpHandlerInit) {
    this.#options = options
    this.#connectionIds = new ConnectionIdRing(options.secrets, options.clock)
  }

  get drops(): UdpDrops {
    return { unreadable: this.#unreadable, unproven: this.#unproven }
  }

  /** undefined: nothing may be sent. Never throws, and what it promises never rejects. */
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
      return this.#fail(packet, error)
    }
  }

  #answerProven(packet: Buffer, from: Address): Buffer | Promise<Buffer> {
    const { tracker } = this.#options
    switch (actionOf(packet)) {
      case actions.announce: {
        const announce = readAnnounce(packet)
        const peersWanted = peersThatFit(announce.peersWanted, from.isV4)
        const reply = tracker.announce({ ...announce, peersWanted }, from, 'udp')
        if (reply instanceof Promise) return this.#announceLater(packet, reply, from)
        return writeAnnounceResponse(transactionIdOf(packet), reply, from.isV4)
      }
      case actions.scrape:
        return writeScrapeResponse(transactionIdOf(packet), tracker.scrape(readScrape(packet), from))
      default:
        throw new Refusal('TRK_REQUEST_MALFORMED', 'unknown action')
    }
  }

  async #announceLater(packet: Buffer, reply: Promise<AnnounceReply>, from: Address): Promise<Buffer> {
    try {
      return writeAnnounceResponse(transactionIdOf(packet), await reply, from.isV4)
    } catch (error) {
      return this.#fail(packet, error)
    }
  }

  /** Answers with the reason. Whatever is not a `Refusal` is a bug: logged, and the client learns only that. */
  #fail(packet: Buffer, error: unknown): Buffer {
    const refusal = error instanceof Refusal ? error : new Refusal('TRK_INTERNAL')
    if (!(error instanceof Refusal)) {
      this.#options.log.error({ event: 'request-failed', code: refusal.code, err: error }, 'a request failed')
    }
    this.#options.onRefusal(refusal.code)
    return writeError(transactionIdOf(packet), refusal.message)
  }
}
