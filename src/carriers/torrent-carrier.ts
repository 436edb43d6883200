/**
 * The carrier of one torrent in one site: links the clients of the site, fetches each piece once, from the sources of
 * the site or from the carrier of another site, and offers each piece to one host.
 *
 * A registered torrent is fetched ahead of the hosts into the cache, in the order in which its pieces are offered. Of
 * any other torrent, the size of a piece is not known: its pieces are offered first, and fetched when a host requests
 * them.
 */
import { TorrentPieces } from '../observers/torrent-pieces.ts'
import type { Block } from '../wire/peer/block.ts'
import type { PieceSet } from '../wire/peer/piece-set.ts'
import { type BlockCache, TorrentCache } from './block-cache.ts'
import { BlockRouter, type RequestResult } from './block-router.ts'
import { CarriedClient, type CarriedClientUpdate } from './carried-client.ts'
import type { CarrierCounters } from './carrier-counters.ts'
import type { Holder, Requester } from './holder.ts'
import { type LinkContext, linkClient } from './link-client.ts'
import { AssignedHost } from './piece-assignment.ts'
import { PieceSchedule } from './piece-schedule.ts'
import { type Downstream, SiteAvailability } from './site-availability.ts'
import type { TorrentGeometry } from './torrent-geometry.ts'

/** Hosts that are asked to unchoke the node for one piece, and the time after which an unused upload slot is given back. */
const NEEDED_HOSTS_MAX = 4
const NEEDED_MS = 15_000

export interface TorrentCarrierInit extends LinkContext {
  readonly site: string
  readonly geometry: TorrentGeometry | undefined
  readonly memory: BlockCache
  readonly counters: CarrierCounters
  readonly events: {
    /** Something about the client changed. */
    onClient(client: CarriedClient): void
    /** A client or the carrier of a site sent wrong data. */
    onLiar(holder: Holder, piece: number): void
  }
}

export class TorrentCarrier {
  readonly site: string
  readonly #init: TorrentCarrierInit
  readonly #cache: TorrentCache
  readonly #router: BlockRouter
  readonly #torrent: TorrentPieces
  readonly #clients = new Map<string, CarriedClient>()
  readonly #byLink = new Map<Holder, CarriedClient>()
  readonly #downstreams = new Set<Downstream>()
  #upstream: Holder | undefined
  /** Undefined until the number of pieces is known. */
  #schedule: PieceSchedule | undefined
  #availability: SiteAvailability
  /** Hosts lack pieces. */
  needsPieces = false
  /** Largest end of a requested block: the size of a piece of a torrent that is not registered, once one was requested. */
  #pieceBytesSeen = 0

  constructor(init: TorrentCarrierInit) {
    this.#init = init
    this.site = init.site
    this.#cache = new TorrentCache(init.memory)
    this.#torrent = new TorrentPieces(init.geometry?.pieces)
    this.#availability = new SiteAvailability(0, this.#downstreams)
    const { counters } = init
    this.#router = new BlockRouter({
      geometry: init.geometry,
      memory: init.memory,
      cache: this.#cache,
      nowMs: init.nowMs,
      events: {
        onPiece: () => this.#schedule?.run(this.needsPieces),
        onInvalid: (piece) => {
          counters.piecesInvalid++
          for (const downstream of this.#downstreams) downstream.invalid(piece)
        },
        onLiar: (holder, piece) => this.#banish(holder, piece),
        onChoked: (piece) => this.#askForSlots(piece),
        onReceived: (holder, bytes) => {
          if (holder.kind !== 'site') counters.receivedBytes += bytes
          const client = this.#byLink.get(holder)
          if (client !== undefined) client.neededMs = init.nowMs()
        },
        onUnrequested: (_holder, bytes) => (counters.unrequestedBytes += bytes),
      },
    })
    if (init.geometry !== undefined) this.#setPieces(init.geometry.pieces)
  }

  // ---- Clients

  #checkNeeds(): void {
    this.needsPieces = false
    for (const { kind, isComplete, link } of this.#clients.values())
      if (kind === 'host' && !isComplete && link !== undefined) this.needsPieces = true
  }

  /** A client of the site is linked and has all pieces. */
  get hasSource(): boolean {
    for (const { isComplete, link } of this.#clients.values())
      if (isComplete && link !== undefined) return true
    return false
  }

  updateClient(update: CarriedClientUpdate): void {
    const key = clientKey(update)
    const known = this.#clients.get(key)
    if (known !== undefined) {
      // A client that announced a magnet without metadata has nothing, although it announced that it lacks nothing.
      const isSource = known.kind === 'source' && (update.isAnnouncedComplete || known.isComplete)
      if (known.kind === 'host' || isSource) return this.#announcedAgain(known, update.isAnnouncedComplete)
      this.#unlink(known)
    }
    const client = new CarriedClient(update, this.#init.nowMs, () => this.#pieceBytes)
    this.#clients.set(key, client)
    this.#dial(client)
  }

  #announcedAgain(client: CarriedClient, isComplete: boolean): void {
    client.isAnnouncedComplete = isComplete
    if (isComplete && !client.sendsHave) this.#gainAll(client)
  }

  removeClient(at: Pick<CarriedClientUpdate, 'address' | 'port'>): void {
    const client = this.#clients.get(clientKey(at))
    if (client === undefined) return
    this.#clients.delete(clientKey(at))
    this.#unlink(client)
    this.#schedule?.run(this.needsPieces)
  }

  #dial(client: CarriedClient): void {
    if (client.link !== undefined || client.isBanned) return
    let isAnswered = false
    client.link = linkClient(client, this.#init, {
      torrent: this.#torrent,
      isRegistered: this.#init.geometry !== undefined,
      router: this.#router,
      request: (requester, block) => this.request(requester, block),
      events: {
        onReachable: () => {
          isAnswered = true
          client.reached()
          this.#init.events.onClient(client)
        },
        onGreeted: (peerId) => this.#greet(client, peerId),
        onBitfield: () => this.#takeBitfield(client),
        onGained: (piece) => this.#gain(client, piece),
        onServed: (block) => this.#served(client, block),
        onFault: (fault) => this.#init.counters.faults[fault]++,
        onEnd: () => this.#ended(client, isAnswered),
      },
    })
  }

  #greet(client: CarriedClient, peerId: Buffer): void {
    const { link } = client
    if (link === undefined) return
    client.greeted(peerId)
    this.#byLink.set(link, client)
    this.#router.addHolder(link)
    if (client.kind === 'source') link.showInterest(true)
    this.#addToAssignment(client)
    if (client.isAnnouncedComplete && !client.sendsHave) this.#gainAll(client)
    this.#checkNeeds()
    this.#schedule?.run(this.needsPieces)
  }

  #ended(client: CarriedClient, isAnswered: boolean): void {
    this.#unlink(client)
    client.ended(isAnswered, this.#init.nowMs())
    this.#init.events.onClient(client)
    this.#schedule?.run(this.needsPieces)
  }

  #unlink(client: CarriedClient): void {
    const { link } = client
    if (link === undefined) return
    client.link = undefined
    link.close()
    this.#byLink.delete(link)
    this.#schedule?.assignment.removeHost(client)
    this.#router.removeHolder(link)
    this.#availability.isStale = true
  }

  #banish(holder: Holder, piece: number): void {
    this.#init.counters.liars++
    const client = this.#byLink.get(holder)
    if (client !== undefined) {
      client.isBanned = true
      this.#unlink(client)
    } else if (holder === this.#upstream) this.setUpstream(undefined)
    this.#init.events.onLiar(holder, piece)
  }

  // ---- Pieces of clients

  #takeBitfield(client: CarriedClient): void {
    const { link } = client
    if (link === undefined) return
    const nowMs = this.#init.nowMs()
    client.observedMs = nowMs
    const { pieces } = link.pieces
    const isChanged = client.record(this.#torrent, nowMs)
    if (this.#schedule === undefined && client.isAnnouncedComplete && pieces.count > 0)
      this.#setPieces(pieces.highest() + 1)
    for (let piece = 0; piece < pieces.bytes * 8; piece++) if (pieces.has(piece)) this.#note(client, piece)
    if (link.isReady) this.#router.ready(link)
    if (isChanged) this.#init.events.onClient(client)
    this.#schedule?.run(this.needsPieces)
  }

  #gain(client: CarriedClient, piece: number): void {
    const nowMs = this.#init.nowMs()
    client.observedMs = nowMs
    this.#note(client, piece)
    if (client.record(this.#torrent, nowMs)) this.#init.events.onClient(client)
    this.#schedule?.run(this.needsPieces)
    this.#schedule?.offerLate([client])
  }

  #gainAll(client: CarriedClient): void {
    for (let piece = 0; piece < (this.#schedule?.assignment.pieces ?? 0); piece++) this.#note(client, piece)
  }

  #note(client: CarriedClient, piece: number): void {
    this.#schedule?.assignment.gained(client, piece)
    this.#availability.add(piece)
    if (client.link !== undefined) this.#router.gained(client.link, piece)
  }

  #served(client: CarriedClient, { piece, length }: Block): void {
    this.#init.counters.sentBytes += length
    this.#schedule?.assignment.served(client, piece, this.#init.nowMs())
    if (client.served(piece, length, this.#init.geometry?.bytesOf(piece))) this.#gain(client, piece)
  }

  get #pieceBytes(): number | undefined {
    return this.#init.geometry?.pieceBytes ?? (this.#pieceBytesSeen || undefined)
  }

  #setPieces(pieces: number): void {
    const { geometry, infoHash, random, nowMs } = this.#init
    this.#availability = new SiteAvailability(pieces, this.#downstreams)
    this.#schedule = new PieceSchedule({
      geometry,
      router: this.#router,
      available: this.#availability.pieces,
      pieces,
      cacheBytes: this.#init.memory.bytesMax,
      // Another first piece for each torrent, and the same one in all sites.
      start: infoHash.readUInt32BE(0) % pieces,
      random,
      nowMs,
    })
    for (const client of this.#byLink.values()) this.#addToAssignment(client)
  }

  #addToAssignment(client: CarriedClient): void {
    if (this.#schedule === undefined) return
    client.assigned = new AssignedHost(this.#schedule.assignment.pieces)
    // A source is not offered anything: the pieces that it has are recorded when it shows them.
    if (client.kind === 'source') return
    this.#schedule.assignment.addHost(client)
    const pieces = client.link?.pieces.pieces
    for (let piece = 0; piece < (pieces?.bytes ?? 0) * 8; piece++)
      if (pieces?.has(piece) === true) this.#note(client, piece)
  }

  // ---- Other sites

  /** Pieces that the site can deliver. Not a copy. */
  get availablePieces(): PieceSet {
    return this.#availability.pieces
  }

  /** Zero where their number is not known. */
  get pieces(): number {
    return this.#schedule?.assignment.pieces ?? 0
  }

  get downstreams(): number {
    return this.#downstreams.size
  }

  /** `pieces`: their number, where the other site knows it. */
  setUpstream(upstream: Holder | undefined, pieces = 0): void {
    if (upstream === this.#upstream) return
    this.#availability.isStale = true
    if (this.#upstream !== undefined) this.#router.removeHolder(this.#upstream)
    this.#upstream = upstream
    if (upstream === undefined) return
    if (pieces > 0 && this.#schedule === undefined) this.#setPieces(pieces)
    this.#router.addHolder(upstream)
    this.upstreamReplaced()
  }

  /** The upstream has one piece more. */
  upstreamGained(piece: number): void {
    if (this.#upstream === undefined) return
    this.#availability.add(piece)
    this.#router.gained(this.#upstream, piece)
    this.#schedule?.run(this.needsPieces)
  }

  /** The pieces of the upstream changed. */
  upstreamReplaced(): void {
    if (this.#upstream === undefined) return
    for (let piece = 0; piece < this.pieces; piece++)
      if (this.#upstream.has(piece)) this.#availability.add(piece)
    this.#router.ready(this.#upstream)
    this.#schedule?.run(this.needsPieces)
  }

  /** The upstream delivered wrong blocks of this piece. */
  upstreamInvalid(piece: number): void {
    this.#router.discard(piece)
  }

  /** A block that the upstream was asked for. */
  received(holder: Holder, block: Block, data: Buffer): void {
    this.#router.received(holder, block, data)
    this.#schedule?.run(this.needsPieces)
  }

  addDownstream(downstream: Downstream): void {
    this.#downstreams.add(downstream)
  }

  /** The requests of the downstream are cancelled by their owner. */
  removeDownstream(downstream: Downstream): void {
    this.#downstreams.delete(downstream)
  }

  request(requester: Requester, block: Block): RequestResult {
    if (this.#init.geometry === undefined) {
      if (!this.#availability.pieces.has(block.piece)) return 'out-of-range'
      this.#pieceBytesSeen = Math.max(this.#pieceBytesSeen, block.begin + block.length)
    }
    return this.#router.request(requester, block)
  }

  cancel(requester: Requester, block: Block): void {
    this.#router.cancel(requester, block)
  }

  #isHeld(piece: number): boolean {
    if ((this.#schedule?.assignment.hostsWith(piece) ?? 0) > 0) return true
    return [...this.#byLink.values()].some(({ kind, link }) => kind === 'source' && link?.has(piece) === true)
  }

  /** Hosts have the piece and choke the node: it becomes interested in some of them. */
  #askForSlots(piece: number): void {
    let hosts = 0
    for (const holder of this.#router.chokedHolders(piece)) {
      const client = this.#byLink.get(holder)
      if (client?.link === undefined) continue
      client.neededMs = this.#init.nowMs()
      client.link.showInterest(true)
      if (++hosts >= NEEDED_HOSTS_MAX) return
    }
  }

  // ---- Time

  /** Called a few times a second. */
  tick(): void {
    const nowMs = this.#init.nowMs()
    for (const client of this.#clients.values()) {
      const { link } = client
      if (link === undefined) {
        if (nowMs >= client.dialDueMs) this.#dial(client)
        continue
      }
      link.tick()
      if (this.#init.geometry === undefined)
        for (const piece of client.settled(this.#pieceBytesSeen)) this.#gain(client, piece)
      if (client.kind === 'host' && nowMs - client.neededMs >= NEEDED_MS) link.showInterest(false)
    }
    this.#schedule?.assignment.expire(nowMs)
    this.#router.tick()
    this.#availability.refresh(
      (piece) => this.#upstream?.has(piece) === true || this.#cache.has(piece) || this.#isHeld(piece),
    )
    this.#checkNeeds()
    this.#schedule?.run(this.needsPieces)
    this.#schedule?.offerLate(this.#byLink.values())
  }

  stop(): void {
    for (const client of this.#clients.values()) this.#unlink(client)
    this.#clients.clear()
    this.#cache.clear()
  }
}

function clientKey({ address, port }: Pick<CarriedClientUpdate, 'address' | 'port'>): string {
  return `${address.toString()}:${port}`
}
