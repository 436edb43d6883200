/**
 * The carrier of one torrent in one site: links the clients of the site, fetches each piece once, from the sources of
 * the site or from the carrier of another site, and offers each piece to one host.
 *
 * A torrent is fetched ahead of the hosts into the cache, in the order in which its pieces are offered. If it is not
 * registered, the size of a piece is known when a host has the first one (`learned-piece-size.ts`). Until then, pieces are
 * offered first, and fetched when a host requests them.
 */
import { TorrentPieces } from '../observers/torrent-pieces.ts'
import type { Block } from '../wire/peer/block.ts'
import type { PieceSet } from '../wire/peer/piece-set.ts'
import { SiteBlocks, TorrentBlocks } from './block-cache.ts'
import { BlockRouter } from './block-router.ts'
import type { RequestResult } from './router-init.ts'
import type { CarriedClient, CarriedClientUpdate } from './carried-client.ts'
import { CarrierUpstream } from './carrier-upstream.ts'
import type { ClientLink } from './client-link.ts'
import type { Holder, Requester } from './holder.ts'
import { LearnedPieceSize } from './learned-piece-size.ts'
import { AssignedHost } from './piece-assignment.ts'
import { PieceSchedule } from './piece-schedule.ts'
import { type Downstream, SiteAvailability } from './site-availability.ts'
import { SiteClients } from './site-clients.ts'
import type { TorrentCarrierInit } from './torrent-carrier-init.ts'
import type { TorrentGeometry } from './torrent-geometry.ts'
import { TransferRate } from './transfer-rate.ts'
import { askForSlots, returnUnusedSlots } from './upload-slots.ts'
import { WithholdingClients } from './withholding-clients.ts'

export class TorrentCarrier {
  readonly site: string
  readonly #init: TorrentCarrierInit
  readonly clients: SiteClients
  readonly #router: BlockRouter
  readonly #torrent: TorrentPieces
  readonly #downstreams = new Set<Downstream>()
  /** Of blocks from sources and from other sites. */
  readonly #fetched: TransferRate
  /** Bytes of blocks, by the site that sent them. */
  readonly receivedFrom = new Map<string, number>()
  #geometry: TorrentGeometry | undefined
  #cache: SiteBlocks
  readonly #upstream: CarrierUpstream
  /** Undefined until the number of pieces is known. */
  #schedule: PieceSchedule | undefined
  #availability: SiteAvailability
  /** Hosts lack pieces. */
  needsPieces = false
  isOnHold = false
  readonly #pieceSize: LearnedPieceSize
  #usedMs: number
  readonly #withholding: WithholdingClients

  constructor(init: TorrentCarrierInit) {
    this.#init = init
    this.site = init.site
    this.#geometry = init.geometry
    // Blocks of a torrent that is not registered are not checked: each site has its own.
    this.#cache = new SiteBlocks(init.geometry ? init.blocks : new TorrentBlocks(init.blocks.cache))
    this.#torrent = new TorrentPieces(init.geometry?.pieces)
    this.#availability = new SiteAvailability(0, this.#downstreams)
    this.#fetched = new TransferRate(init.nowMs())
    this.#usedMs = init.nowMs()
    this.#withholding = new WithholdingClients(init.nowMs, ({ link }, isLast) => {
      if (link !== undefined) this.#router.setLast(link, isLast)
    })
    const { counters } = init
    this.#pieceSize = new LearnedPieceSize(init.nowMs)
    this.#router = new BlockRouter({
      geometry: init.geometry,
      cache: this.#cache,
      unproven: this.#pieceSize.unproven,
      nowMs: init.nowMs,
      events: {
        onPiece: (piece) => {
          this.#schedule?.arrived(piece, this.needsPieces)
          this.#schedule?.run(this.needsPieces)
        },
        onInvalid: (piece) => {
          counters.piecesInvalid++
          for (const downstream of this.#downstreams) downstream.invalid(piece)
        },
        onLiar: (holder, piece) => this.#banish(holder, piece),
        onChoked: (piece) =>
          askForSlots(this.#router.chokedHolders(piece), (holder) => this.clients.of(holder), init.nowMs()),
        onReceived: (holder, bytes) => {
          if (holder.kind !== 'site') counters.receivedBytes += bytes
          else this.receivedFrom.set(holder.name, (this.receivedFrom.get(holder.name) ?? 0) + bytes)
          if (holder.kind !== 'host') this.#fetched.add(bytes, init.nowMs())
          this.#withholding.moved()
          this.#noteDelivery(this.clients.of(holder))
        },
        onUnrequested: (_holder, bytes) => (counters.unrequestedBytes += bytes),
      },
    })
    this.#upstream = new CarrierUpstream(this.#router)
    this.clients = new SiteClients({
      ...init,
      torrent: this.#torrent,
      router: this.#router,
      isRegistered: () => this.#geometry !== undefined,
      mayOffer: (client) => this.#schedule?.mayOffer(client) === true,
      pieceBytes: ({ sendsHave }) =>
        this.#geometry?.pieceBytes ?? (sendsHave ? this.#pieceSize.bytes : this.#pieceSize.seen || undefined),
      request: (requester, block) => this.request(requester, block),
      events: {
        onReachability: (client) => init.events.onReachability(client),
        onEnded: (client) => {
          init.events.onClient(client)
          this.#schedule?.run(this.needsPieces)
        },
        onGreeted: (client, link) => this.#greet(client, link),
        onUnlinked: (client, link, isAway) => this.#unlink(client, link, isAway),
        onGone: (link) => this.#router.removeHolder(link),
        onBitfield: (client) => this.#takeBitfield(client),
        onGained: (client, piece) => this.#gain(client, piece),
        onServed: (client, block) => this.#served(client, block),
        onAllGained: (client) => this.#gainAll(client),
      },
    })
    if (init.geometry !== undefined) this.#setPieces(init.geometry.pieces)
  }

  /** The torrent was registered while it was carried. */
  setGeometry(geometry: TorrentGeometry): void {
    if (this.#geometry !== undefined) return
    this.#geometry = geometry
    this.#torrent.count = geometry.pieces
    this.#cache.clear()
    this.#cache = new SiteBlocks(this.#init.blocks)
    if (this.pieces === geometry.pieces) this.#schedule?.setGeometry(geometry, this.#cache)
    else this.#setPieces(geometry.pieces)
    this.#router.setGeometry(geometry, this.#cache)
    this.#availability.isStale = true
  }

  /** On hold, no block is requested from a source or another site, and none is passed to a host. */
  setHold(isOnHold: boolean): void {
    if (isOnHold === this.isOnHold) return
    this.isOnHold = isOnHold
    this.#schedule?.setHold(isOnHold)
    this.#router.setHold(isOnHold)
  }

  // ---- Clients

  /** Bytes of blocks from sources of the site and from other sites. */
  get bytesPerSecond(): number {
    return this.#fetched.at(this.#init.nowMs())
  }

  /** Time without a client and without a site that fetches from this one. */
  get idleMs(): number {
    return this.#init.nowMs() - this.#usedMs
  }

  removeClient(at: Pick<CarriedClientUpdate, 'address' | 'port'>): void {
    if (this.clients.remove(at)) this.#schedule?.run(this.needsPieces)
  }

  #greet(client: CarriedClient, link: ClientLink): void {
    this.#router.addHolder(link)
    if (client.kind === 'source') link.showInterest(true)
    this.#addToAssignment(client)
    if (client.isAnnouncedComplete && !client.sendsHave) this.#gainAll(client)
    this.needsPieces = this.clients.needsPieces
    this.#schedule?.run(this.needsPieces)
  }

  #unlink(client: CarriedClient, link: ClientLink, isAway: boolean): void {
    this.#schedule?.assignment.removeHost(client)
    this.#schedule?.wake()
    if (isAway) this.#router.setAway(link, client.awayUntilMs)
    else this.#router.removeHolder(link)
    this.#availability.isStale = true
  }

  #banish(holder: Holder, piece: number): void {
    this.#init.counters.liars++
    const client = this.clients.of(holder)
    if (client !== undefined) this.clients.ban(client)
    else if (holder === this.#upstream.current) this.setUpstream(undefined)
    this.#init.events.onLiar(holder, piece)
  }

  #noteDelivery(client: CarriedClient | undefined): void {
    if (client === undefined) return
    client.neededMs = this.#init.nowMs()
    this.#withholding.delivered(client)
  }

  // ---- Pieces of clients

  #takeBitfield(client: CarriedClient): void {
    const { link } = client
    if (link === undefined) return
    const nowMs = this.#init.nowMs()
    client.observedMs = nowMs
    const isChanged = client.record(this.#torrent, nowMs)
    this.#countPieces(client)
    for (const piece of link.pieces.pieces.all()) this.#note(client, piece)
    if (link.isReady) this.#router.ready(link)
    if (isChanged) this.#init.events.onClient(client)
    this.#schedule?.run(this.needsPieces)
  }

  /** The number of pieces of a torrent that is not registered is the one of a complete client. */
  #countPieces({ isAnnouncedComplete, link }: CarriedClient): void {
    const shown = link?.pieces.pieces
    if (this.#schedule !== undefined || !isAnnouncedComplete) return
    if (shown !== undefined && shown.count > 0) this.#setPieces(shown.highest() + 1)
  }

  #gain(client: CarriedClient, piece: number): void {
    const nowMs = this.#init.nowMs()
    client.observedMs = nowMs
    const isOffered = client.assigned.offered.has(piece)
    client.gained(isOffered, nowMs)
    this.#withholding.moved()
    if (isOffered) this.#schedule?.learnPieceSize(piece)
    this.#note(client, piece)
    if (client.record(this.#torrent, nowMs)) this.#init.events.onClient(client)
    this.#schedule?.run(this.needsPieces)
    this.#schedule?.offerNext(client, this.clients.linkedHosts.length)
  }

  #gainAll(client: CarriedClient): void {
    for (let piece = 0; piece < this.pieces; piece++) this.#note(client, piece)
  }

  #note(client: CarriedClient, piece: number): void {
    this.#schedule?.assignment.gained(client, piece)
    if (client.kind === 'host') this.#schedule?.gained(piece)
    if (this.#availability.add(piece)) this.#schedule?.wake()
    if (client.link !== undefined) this.#router.gained(client.link, piece)
  }

  #served(client: CarriedClient, { piece, begin, length }: Block): void {
    this.#init.counters.sentBytes += length
    this.#schedule?.assignment.served(client, piece, this.#init.nowMs())
    this.#schedule?.served(piece, begin + length)
    if (client.served(piece, length, this.#geometry?.bytesOf(piece))) this.#gain(client, piece)
  }

  #setPieces(pieces: number): void {
    const { infoHash, random, nowMs, isRemote, isCongested } = this.#init
    this.#availability = new SiteAvailability(pieces, this.#downstreams)
    this.#pieceSize.unproven.pieces = pieces
    this.#schedule = new PieceSchedule({
      geometry: this.#geometry,
      router: this.#router,
      available: this.#availability.pieces,
      pieces,
      cache: this.#cache,
      pieceSize: this.#pieceSize,
      isRemote,
      isCongested,
      // Another first piece for each torrent, and the same one in all sites.
      start: infoHash.readUInt32BE(0) % pieces,
      random,
      nowMs,
    })
    this.#schedule.setHold(this.isOnHold)
    for (const client of this.clients.linked) this.#addToAssignment(client)
  }

  #addToAssignment(client: CarriedClient): void {
    if (this.#schedule === undefined) return
    client.assigned = new AssignedHost(this.#schedule.assignment.pieces)
    // A source is not offered anything: the pieces that it has are recorded when it shows them.
    if (client.kind === 'source') return
    this.#schedule.addHost(client)
    for (const piece of client.link?.pieces.pieces.all() ?? []) this.#note(client, piece)
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

  /** Sites that fetch from this one. */
  get downstreams(): number {
    return [...this.#downstreams].filter(({ isActive }) => isActive).length
  }

  /** The upstream is not asked any more, and outstanding blocks may still arrive. */
  retireUpstream(): void {
    this.#upstream.retire()
    this.#availability.isStale = true
  }

  endRetired(): void {
    this.#upstream.endRetired()
  }

  /** `pieces`: their number, where the other site knows it. */
  setUpstream(upstream: Holder | undefined, pieces = 0): void {
    if (upstream === this.#upstream.current) return
    this.#availability.isStale = true
    this.#upstream.replace(upstream)
    if (upstream !== undefined && pieces > 0 && this.#schedule === undefined) this.#setPieces(pieces)
    this.upstreamReplaced()
  }

  /** The upstream has one piece more. */
  upstreamGained(piece: number): void {
    const { current } = this.#upstream
    if (current === undefined) return
    if (this.#availability.add(piece)) this.#schedule?.wake()
    this.#router.gained(current, piece)
    this.#schedule?.run(this.needsPieces)
  }

  /** The pieces of the upstream changed. */
  upstreamReplaced(): void {
    const { current } = this.#upstream
    if (current === undefined) return
    for (let piece = 0; piece < this.pieces; piece++)
      if (current.has(piece) && this.#availability.add(piece)) this.#schedule?.wake()
    this.#router.ready(current)
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

  refused(holder: Holder, block: Block): void {
    this.#router.refused(holder, block)
  }

  addDownstream(downstream: Downstream): void {
    this.#downstreams.add(downstream)
  }

  /** The requests of the downstream are cancelled by their owner. */
  removeDownstream(downstream: Downstream): void {
    this.#downstreams.delete(downstream)
  }

  request(requester: Requester, block: Block): RequestResult {
    const { pieces } = this.#availability
    const mayExist = () => pieces.has(block.piece) && this.#pieceSize.requested(requester.host, block)
    if (this.#geometry === undefined && !mayExist()) return 'out-of-range'
    return this.#router.request(requester, block)
  }

  cancel(requester: Requester, block: Block): void {
    this.#router.cancel(requester, block)
  }

  // ---- Time

  /** Called a few times a second. */
  tick(): void {
    const nowMs = this.#init.nowMs()
    this.clients.tick()
    for (const client of this.clients.linked) {
      // A host may have completed its content by neighbours alone.
      this.#countPieces(client)
      if (client.noteStall(nowMs)) this.#init.events.onClient(client)
      if (this.#geometry === undefined)
        for (const piece of client.settled(this.#pieceSize.seen)) this.#gain(client, piece)
    }
    returnUnusedSlots(this.clients.linkedHosts, nowMs)
    if (this.clients.count > 0 || this.downstreams > 0) this.#usedMs = nowMs
    this.#router.tick()
    this.#withholding.tick(this.#router.isWaiting && !this.isOnHold, this.clients.linked)
    this.#availability.refresh(
      (piece) =>
        this.#upstream.has(piece) ||
        this.#cache.has(piece) ||
        (this.#schedule?.assignment.hostsWith(piece) ?? 0) > 0 ||
        this.clients.isAtSource(piece),
    )
    this.needsPieces = this.clients.needsPieces
    this.#schedule?.tick(this.clients.linkedHosts, this.needsPieces)
  }

  stop(): void {
    this.clients.stop()
    this.#cache.clear()
  }
}
