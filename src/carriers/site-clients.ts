/**
 * The clients of one torrent in one site: links each of them once, dials those that ended again, and bans those that
 * sent wrong data.
 */
import type { Address } from '../core/address.ts'
import type { ClientSocket, SocketEvents } from '../observers/client-socket.ts'
import type { TorrentPieces } from '../observers/torrent-pieces.ts'
import type { Block } from '../wire/peer/block.ts'
import type { BlockRouter } from './block-router.ts'
import { CarriedClient, type CarriedClientUpdate, type PieceBytes } from './carried-client.ts'
import type { CarrierCounters } from './carrier-counters.ts'
import type { ClientLink } from './client-link.ts'
import type { LinkInit } from './link-init.ts'
import type { Holder } from './holder.ts'
import { type LinkContext, linkClient } from './link-client.ts'
import { resultOf } from './link-result.ts'
import { PortCheck } from './port-check.ts'

/** A client that closed its connection returns within two dials. */
const AWAY_MS_MAX = 3_000

/**
 * A client that has not accepted a dial this long after the first tick that follows it, together 100 to 200 ms, counts as
 * unreachable until it does. Its announce waits for 250 ms. Before that tick, the node may have been busy.
 */
const SILENT_MS = 100

export interface ClientEvents {
  /** The client answered a dial, or did not. Reported at once: an announce may wait for it. */
  onReachability(client: CarriedClient): void
  /** The connection ended. */
  onEnded(client: CarriedClient): void
  /** The handshake is complete. */
  onGreeted(client: CarriedClient, link: ClientLink): void
  /** Called after the connection ended. `isAway`: the client may return, and `onGone` follows. */
  onUnlinked(client: CarriedClient, link: ClientLink, isAway: boolean): void
  /** The client returned with another connection, or its return is not awaited any more. */
  onGone(link: ClientLink): void
  onBitfield(client: CarriedClient): void
  onGained(client: CarriedClient, piece: number): void
  onServed(client: CarriedClient, block: Block): void
  /** The client announced that it has everything, and it sends no HAVE. */
  onAllGained(client: CarriedClient): void
}

export interface SiteClientsInit extends LinkContext {
  readonly torrent: TorrentPieces
  readonly router: BlockRouter
  readonly counters: CarrierCounters
  readonly isRegistered: () => boolean
  /** The client is going to receive another offer. */
  readonly mayOffer: (client: CarriedClient) => boolean
  /** Undefined where the size of a piece is not known. */
  readonly pieceBytes: PieceBytes
  readonly request: LinkInit['router']['request']
  readonly events: ClientEvents
}

export class SiteClients {
  readonly #init: SiteClientsInit
  readonly #clients = new Map<string, CarriedClient>()
  readonly #byLink = new Map<Holder, CarriedClient>()
  #hosts: readonly CarriedClient[] = []

  constructor(init: SiteClientsInit) {
    this.#init = init
  }

  get count(): number {
    return this.#clients.size
  }

  /** Clients whose handshake is complete. */
  get linked(): Iterable<CarriedClient> {
    return this.#byLink.values()
  }

  of(holder: Holder): CarriedClient | undefined {
    return this.#byLink.get(holder)
  }

  /** A linked client has all pieces, and does not withhold them. */
  get hasSource(): boolean {
    for (const { isComplete, isWithholding } of this.#byLink.values())
      if (isComplete && !isWithholding) return true
    return false
  }

  /** A linked source has the piece. */
  isAtSource(piece: number): boolean {
    for (const { kind, link } of this.#byLink.values())
      if (kind === 'source' && link?.has(piece) === true) return true
    return false
  }

  /** A linked host lacks pieces. */
  get needsPieces(): boolean {
    for (const { kind, isComplete } of this.#byLink.values()) if (kind === 'host' && !isComplete) return true
    return false
  }

  get linkedHosts(): readonly CarriedClient[] {
    return this.#hosts
  }

  update(update: CarriedClientUpdate): void {
    const key = clientKey(update)
    const known = this.#clients.get(key)
    if (known !== undefined) {
      // A client that announced a magnet without metadata has nothing, although it announced that it lacks nothing.
      const isSource = known.kind === 'source' && (update.isAnnouncedComplete || known.isComplete)
      if (known.kind === 'host' || isSource) return this.#announcedAgain(known, update.isAnnouncedComplete)
      this.#drop(known)
    }
    const client = new CarriedClient(update, this.#init.nowMs, this.#init.pieceBytes)
    this.#clients.set(key, client)
    this.#dial(client)
  }

  /**
   * A client at this address connected to the node. Links the one that the node could not dial, and returns whether there
   * is one. Clients end one of two connections with the same address: the first one that is open stays.
   */
  accept(address: Address, connect: (events: SocketEvents) => ClientSocket): boolean {
    const waiting = [...this.#clients.values()].filter(
      (client) => client.link?.isOpen !== true && !client.isBanned && client.address.equals(address),
    )
    const client = waiting.find(({ reachability }) => reachability === 'unreachable') ?? waiting[0]
    if (client === undefined) return false
    this.#unlink(client)
    this.#link(client, connect, true)
    if (client.reachability !== 'reachable') this.#checkPort(client)
    return true
  }

  /** Returns whether the client was known. */
  remove(at: Pick<CarriedClientUpdate, 'address' | 'port'>): boolean {
    const client = this.#clients.get(clientKey(at))
    if (client === undefined) return false
    this.#clients.delete(clientKey(at))
    this.#drop(client)
    return true
  }

  /** The client sent wrong data. */
  ban(client: CarriedClient): void {
    client.isBanned = true
    this.#unlink(client)
  }

  /** Called a few times a second. */
  tick(): void {
    const nowMs = this.#init.nowMs()
    for (const client of this.#clients.values()) {
      client.portCheck?.tick(nowMs)
      this.#noteSilence(client, nowMs)
      if (client.link !== undefined) client.link.tick()
      else if (nowMs >= client.dialDueMs) this.#dial(client)
      if (client.awayLink !== undefined && nowMs >= client.awayUntilMs) this.#endAway(client)
    }
  }

  stop(): void {
    for (const client of this.#clients.values()) this.#drop(client)
    this.#clients.clear()
  }

  #announcedAgain(client: CarriedClient, isComplete: boolean): void {
    client.isAnnouncedComplete = isComplete
    if (isComplete && !client.sendsHave) this.#init.events.onAllGained(client)
  }

  #noteSilence(client: CarriedClient, nowMs: number): void {
    if (client.reachability !== 'unknown' || client.link?.isOpen !== false) return
    client.silentSinceMs ??= nowMs
    if (nowMs - client.silentSinceMs >= SILENT_MS) this.#noteReachability(client, false)
  }

  #checkPort(client: CarriedClient): void {
    this.#endPortCheck(client)
    client.portCheck = new PortCheck(this.#init.dial, client, {
      nowMs: this.#init.nowMs(),
      onOutcome: (isOpen) => {
        client.portCheck = undefined
        this.#noteReachability(client, isOpen)
      },
    })
  }

  #endPortCheck(client: CarriedClient): void {
    client.portCheck?.stop()
    client.portCheck = undefined
  }

  #drop(client: CarriedClient): void {
    this.#endPortCheck(client)
    this.#unlink(client)
  }

  #noteReachability(client: CarriedClient, isReachable: boolean): void {
    const nowMs = this.#init.nowMs()
    if (isReachable) client.reached(nowMs)
    else client.silent(nowMs)
    this.#init.events.onReachability(client)
  }

  #dial(client: CarriedClient): void {
    if (client.link !== undefined || client.isBanned) return
    client.silentSinceMs = undefined
    this.#link(client, (events) => this.#init.dial(client, events))
  }

  #link(client: CarriedClient, connect: (events: SocketEvents) => ClientSocket, isAccepted = false): void {
    const { events, isRegistered, mayOffer, router, torrent, request, counters } = this.#init
    const { observations } = counters
    // A connection from the client reveals nothing about its port.
    let isAnswered = isAccepted
    let isShown = false
    // A dial has its outcome once it is known whether the client takes the handshake: an announce waits for both.
    let isOutcomeDue = !isAccepted
    const progress = (report: () => void) => {
      // A client without pieces may send no bitfield.
      if (!isShown) observations.pieces++
      isShown = true
      const wasComplete = client.isComplete
      report()
      if (client.isComplete && !wasComplete) observations.complete++
    }
    const link: ClientLink = linkClient(client, this.#init, {
      torrent,
      isRegistered,
      mayOffer,
      router,
      request,
      connect,
      isAccepted,
      events: {
        onReachable: () => {
          if (isAccepted) return
          isAnswered = true
          observations.reachable++
          client.reached(this.#init.nowMs())
        },
        onGreeted: (peerId) => {
          this.#endAway(client)
          client.greeted(peerId)
          if (isOutcomeDue) events.onReachability(client)
          isOutcomeDue = false
          this.#byLink.set(link, client)
          this.#listHosts()
          events.onGreeted(client, link)
        },
        onBitfield: () => progress(() => events.onBitfield(client)),
        onGained: (piece) => progress(() => events.onGained(client, piece)),
        onServed: (block) => events.onServed(client, block),
        onFault: (fault) => counters.faults[fault]++,
        onEnd: (end) => {
          this.#unlink(client, end === 'closed')
          if (isOutcomeDue && isAnswered && end === 'closed') client.refusesNode = true
          const wasGone = client.isGone
          client.ended(isAnswered, end, this.#init.nowMs())
          const result = resultOf(end)
          if (result !== undefined) observations[result]++
          if (client.isGone && !wasGone) observations.gone++
          if (client.reachability === 'unreachable' && !isAccepted) this.#endAway(client)
          if (isOutcomeDue) events.onReachability(client)
          if (isAnswered) events.onEnded(client)
        },
      },
    })
    client.link = link
  }

  #unlink(client: CarriedClient, isAway = false): void {
    const { link } = client
    if (!isAway) this.#endAway(client)
    if (link === undefined) return
    client.link = undefined
    link.close()
    if (!this.#byLink.delete(link)) return
    this.#listHosts()
    if (isAway) {
      this.#endAway(client)
      client.awayLink = link
      client.awayUntilMs = this.#init.nowMs() + AWAY_MS_MAX
    }
    this.#init.events.onUnlinked(client, link, isAway)
  }

  #endAway(client: CarriedClient): void {
    const { awayLink } = client
    if (awayLink === undefined) return
    client.awayLink = undefined
    this.#init.events.onGone(awayLink)
  }

  #listHosts(): void {
    this.#hosts = [...this.#byLink.values()].filter(({ kind }) => kind === 'host')
  }
}

function clientKey({ address, port }: Pick<CarriedClientUpdate, 'address' | 'port'>): string {
  return `${address.toString()}:${port}`
}
