/**
 * Downloads of every host: request queues, the endgame, and byte counts.
 *
 * A downloader requests as far ahead as its client does: a deep queue to a remote source is the reason why two
 * gateways of one site fetch more than one copy. A piece comes from one neighbour; in the endgame the last ones are
 * requested from several, which share the work as they would share the blocks of a piece. Nothing is fetched twice,
 * so a run counts the bytes that must cross a link, without the few per cent that clients waste.
 */
import type { Random } from '../core/random.ts'
import type { Connections } from './connections.ts'
import { PiecePicker } from './pick-piece.ts'
import type { Pieces } from './pieces.ts'
import type { Population } from './population.ts'
import { QUEUE_PIECES_MAX, Transfers } from './transfers.ts'

/** Rounding error: fewer bytes than this count as none. */
const NOTHING_BYTES = 1e-3

export class Downloads {
  readonly transfers = new Transfers()
  /** Pieces received since the last read: host and piece alternate. */
  readonly arrivals: number[] = []
  /** Bytes from other sites, by site and by host. */
  readonly siteInBytes: Float64Array
  readonly hostRemoteBytes: Float64Array
  readonly siteOutBytes: Float64Array
  readonly hostInBytes: Float64Array
  readonly #pieceBytes: number
  readonly #pieces: Pieces
  readonly #connections: Connections
  readonly #population: Population
  readonly #sites: number
  readonly #picker: PiecePicker
  /** Missing bytes of pieces that no transfer or several transfers are fetching, by `host * pieces + piece`. */
  readonly #missing = new Map<number, number>()
  /** Hosts that have requested a piece twice. */
  readonly #isHurried: Uint8Array
  /** Transfers whose queue may be empty. */
  #dry: number[] = []
  /** Hosts for which an idle neighbour may have a piece now. */
  #waiting: number[] = []

  constructor(init: {
    readonly population: Population
    readonly sites: number
    readonly pieces: Pieces
    readonly pieceBytes: number
    readonly connections: Connections
    readonly random: Random
  }) {
    const { population, sites, pieces, pieceBytes, connections, random } = init
    this.#population = population
    this.#sites = sites
    this.#pieces = pieces
    this.#pieceBytes = pieceBytes
    this.#connections = connections
    this.#picker = new PiecePicker(pieces, connections, random)
    this.#isHurried = new Uint8Array(population.endpoints)
    this.siteInBytes = new Float64Array(sites)
    this.siteOutBytes = new Float64Array(sites)
    this.hostRemoteBytes = new Float64Array(population.count)
    this.hostInBytes = new Float64Array(population.count)
  }

  /** Requests a piece over an idle, unchoked edge. */
  tryStart(edge: number): void {
    const connections = this.#connections
    if (connections.transfer[edge]! >= 0 || connections.unchoked[edge] === 0) return
    const from = connections.from(edge)
    const to = connections.to[edge] as number
    if (this.#pieces.isComplete(to)) return
    const piece = this.#choose(from, to, true)
    if (piece < 0) return
    const slot = this.transfers.start(edge, from, to, this.#route(from, to))
    connections.transfer[edge] = slot
    this.#ask(slot, piece)
  }

  /** Requests a piece for a carrier. Returns false where the queue of the edge is full. */
  request(edge: number, piece: number): boolean {
    const { transfers } = this
    let slot = this.#connections.transfer[edge] as number
    if (slot < 0) {
      const from = this.#connections.from(edge)
      const to = this.#connections.to[edge] as number
      slot = transfers.start(edge, from, to, this.#route(from, to))
      this.#connections.transfer[edge] = slot
    }
    if (transfers.queued(slot) === QUEUE_PIECES_MAX) return false
    this.#ask(slot, piece)
    return true
  }

  /** Ends the transfer over an edge, if there is one. */
  stopOver(edge: number): void {
    const slot = this.#connections.transfer[edge] as number
    if (slot >= 0) this.stop(slot)
  }

  /** Bytes per second. */
  rateOver(edge: number): number {
    const slot = this.#connections.transfer[edge] as number
    return slot < 0 ? 0 : (this.transfers.rate[slot] as number)
  }

  /** The piece that is being transferred over an edge, or -1. */
  firstOver(edge: number): number {
    const slot = this.#connections.transfer[edge] as number
    return slot < 0 || this.transfers.queued(slot) === 0 ? -1 : this.transfers.piece(slot, 0)
  }

  /** Ends a transfer. Received init of a piece are kept, requested pieces become available to other neighbours. */
  stop(slot: number): void {
    const { transfers } = this
    const to = transfers.to[slot] as number
    if (transfers.queued(slot) > 0 && transfers.isShared[slot] === 0)
      this.#missing.set(this.#key(to, transfers.piece(slot, 0)), transfers.missing[slot] as number)
    while (transfers.queued(slot) > 0) {
      const piece = transfers.piece(slot, 0)
      transfers.take(slot, 0)
      if (this.#isHurried[to] === 0 || !this.#isAskedElsewhere(to, piece, slot))
        this.#pieces.release(to, piece)
    }
    this.#connections.transfer[transfers.edge[slot] as number] = -1
    transfers.stop(slot)
    this.#waiting.push(to)
  }

  /** Sets the rate each transfer could use within a step: at most what was requested. */
  measureDemand(stepSeconds: number): void {
    const { transfers } = this
    for (let index = 0; index < transfers.count; index++) {
      const slot = transfers.active[index] as number
      transfers.wanted[slot] = this.#queuedBytes(slot) / stepSeconds
    }
  }

  /** Transfers data for one step. Completed pieces are in `arrivals`. */
  move(stepSeconds: number): void {
    const { transfers } = this
    for (let index = 0; index < transfers.count; index++) {
      const slot = transfers.active[index] as number
      this.#deliver(slot, (transfers.rate[slot] as number) * stepSeconds)
      this.#refill(slot, stepSeconds)
      if (transfers.queued(slot) === 0) this.#dry.push(slot)
    }
    this.#stopDry()
  }

  /** Offers the released pieces to idle neighbours. */
  wakeIdle(): void {
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting
      this.#waiting = []
      for (const host of waiting) {
        for (let index = 0; index < this.#connections.degree(host); index++)
          this.tryStart(this.#connections.edge(host, index) ^ 1)
      }
    }
  }

  #deliver(slot: number, bytes: number): void {
    const { transfers } = this
    const to = transfers.to[slot] as number
    let rest = bytes
    while (rest > 0 && transfers.queued(slot) > 0) {
      const missing = this.#missingOfFirst(slot)
      const used = Math.min(rest, missing)
      rest -= used
      this.#account(slot, used)
      if (missing - used > NOTHING_BYTES) {
        if (transfers.isShared[slot] === 0) transfers.missing[slot] = missing - used
        else this.#missing.set(this.#key(to, transfers.piece(slot, 0)), missing - used)
      } else this.#finishFirst(slot)
    }
  }

  #account(slot: number, bytes: number): void {
    const from = this.transfers.from[slot] as number
    const to = this.transfers.to[slot] as number
    this.#connections.bytes[this.transfers.edge[slot] as number]! += bytes
    const isHost = this.#population.isHost(to)
    if (isHost) this.hostInBytes[to]! += bytes
    const { siteOf } = this.#population
    if (siteOf[from] === siteOf[to]) return
    this.siteOutBytes[siteOf[from] as number]! += bytes
    this.siteInBytes[siteOf[to] as number]! += bytes
    if (isHost) this.hostRemoteBytes[to]! += bytes
  }

  #finishFirst(slot: number): void {
    const { transfers } = this
    const to = transfers.to[slot] as number
    const piece = transfers.piece(slot, 0)
    transfers.take(slot, 0)
    this.#pieces.release(to, piece)
    this.#pieces.add(to, piece)
    this.#missing.delete(this.#key(to, piece))
    this.arrivals.push(to, piece)
    if (this.#isHurried[to] !== 0) this.#cancelElsewhere(to, piece, slot)
    this.#begin(slot)
  }

  /** Requests as far ahead as the client does, and at least the amount that the next two steps can transfer. */
  #refill(slot: number, stepSeconds: number): void {
    const { transfers } = this
    const from = transfers.from[slot] as number
    const to = transfers.to[slot] as number
    // A carrier chooses its pieces by itself.
    if (!this.#population.isHost(to)) return
    const rate = transfers.rate[slot] as number
    const { queueSeconds, queueBytesMax } = this.#population.client(to)
    const ahead = Math.max(Math.min(rate * queueSeconds, queueBytesMax), rate * stepSeconds * 2)
    let queued = this.#queuedBytes(slot)
    while (queued < ahead || transfers.queued(slot) === 0) {
      if (transfers.queued(slot) === QUEUE_PIECES_MAX) return
      const piece = this.#choose(from, to, transfers.queued(slot) === 0)
      if (piece < 0) return
      this.#ask(slot, piece)
      queued += this.#pieceBytes
    }
  }

  #choose(from: number, to: number, isIdle: boolean): number {
    const piece = this.#picker.pick(from, to)
    if (piece >= 0 || !isIdle || this.#pieces.isComplete(to) || !this.#pieces.isEndgame(to)) return piece
    const again = this.#picker.pickAgain(from, to)
    if (again >= 0) this.#isHurried[to] = 1
    return again
  }

  #ask(slot: number, piece: number): void {
    const to = this.transfers.to[slot] as number
    const wasEndgame = this.#pieces.isEndgame(to)
    this.#pieces.request(to, piece)
    this.transfers.append(slot, piece)
    if (this.transfers.queued(slot) === 1) this.#begin(slot)
    if (!wasEndgame && this.#pieces.isEndgame(to)) this.#waiting.push(to)
  }

  /** Starts the transfer of the first piece in the queue. */
  #begin(slot: number): void {
    const { transfers } = this
    transfers.isShared[slot] = 0
    if (transfers.queued(slot) === 0) return
    const to = transfers.to[slot] as number
    const piece = transfers.piece(slot, 0)
    const key = this.#key(to, piece)
    const other = this.#isHurried[to] === 0 ? -1 : this.#bringer(to, piece, slot)
    if (other >= 0) {
      if (transfers.isShared[other] === 0) this.#missing.set(key, transfers.missing[other] as number)
      transfers.isShared[other] = 1
      transfers.isShared[slot] = 1
      return
    }
    transfers.missing[slot] = this.#missing.get(key) ?? this.#pieceBytes
    this.#missing.delete(key)
  }

  /** Another transfer that is fetching this piece, or -1. */
  #bringer(host: number, piece: number, besides: number): number {
    for (const slot of this.#incoming(host))
      if (slot !== besides && this.transfers.queued(slot) > 0 && this.transfers.piece(slot, 0) === piece)
        return slot
    return -1
  }

  #isAskedElsewhere(host: number, piece: number, besides: number): boolean {
    return this.#incoming(host).some((slot) => slot !== besides && this.#indexOf(slot, piece) >= 0)
  }

  #cancelElsewhere(host: number, piece: number, besides: number): void {
    for (const slot of this.#incoming(host)) {
      const index = slot === besides ? -1 : this.#indexOf(slot, piece)
      if (index < 0) continue
      this.transfers.take(slot, index)
      if (index === 0) this.#begin(slot)
      if (this.transfers.queued(slot) === 0) this.#dry.push(slot)
    }
  }

  #indexOf(slot: number, piece: number): number {
    for (let index = 0; index < this.transfers.queued(slot); index++)
      if (this.transfers.piece(slot, index) === piece) return index
    return -1
  }

  #incoming(host: number): number[] {
    const slots: number[] = []
    for (let index = 0; index < this.#connections.degree(host); index++) {
      const slot = this.#connections.transfer[this.#connections.edge(host, index) ^ 1] as number
      if (slot >= 0) slots.push(slot)
    }
    return slots
  }

  #stopDry(): void {
    const dry = this.#dry
    this.#dry = []
    for (const slot of dry) {
      // The slot may be listed twice, or belong to another transfer by now.
      const isRunning = this.#connections.transfer[this.transfers.edge[slot] as number] === slot
      if (isRunning && this.transfers.queued(slot) === 0) this.#refill(slot, 0)
      if (isRunning && this.transfers.queued(slot) === 0) this.stop(slot)
    }
  }

  #missingOfFirst(slot: number): number {
    const { transfers } = this
    if (transfers.isShared[slot] === 0) return transfers.missing[slot] as number
    return this.#missing.get(this.#key(transfers.to[slot] as number, transfers.piece(slot, 0))) ?? 0
  }

  #queuedBytes(slot: number): number {
    const queued = this.transfers.queued(slot)
    return queued === 0 ? 0 : this.#missingOfFirst(slot) + (queued - 1) * this.#pieceBytes
  }

  #key(host: number, piece: number): number {
    return host * this.#pieces.count + piece
  }

  /** Link indexes in the order of `linkSpeeds`. */
  #route(from: number, to: number): [number, number, number, number] {
    const { linked, siteOf } = this.#population
    const fromSite = siteOf[from] as number
    const toSite = siteOf[to] as number
    const uplink = this.#population.linkOf(from)
    const downlink = linked + this.#population.linkOf(to)
    const unlimited = 2 * linked + 2 * this.#sites
    return fromSite === toSite
      ? [uplink, downlink, unlimited, unlimited]
      : [uplink, downlink, 2 * linked + fromSite, 2 * linked + this.#sites + toSite]
  }
}

/**
 * Each direction of a node. An assumption, and the lower end of what a core of Node.js passes on (`npm run bench -- carriers`).
 * With hosts of 200 Mbit/s, the link of a node is that of ten hosts: it carries the content into the site, to the next
 * sites, and what hosts lack at the end.
 */
const NODE_BITS_PER_SECOND = 2e9

/** Uplinks of hosts and carriers, their downlinks, uplinks of sites, downlinks of sites, and an unlimited link. */
export function linkSpeeds(
  population: Population,
  nicBitsPerSecond: number,
  wanBitsPerSecond: readonly number[],
): number[] {
  const hosts = new Array<number>(population.count).fill(nicBitsPerSecond)
  const carriers = new Array<number>(population.linked - population.count).fill(NODE_BITS_PER_SECOND)
  const linked = [...hosts, ...carriers]
  return [...linked, ...linked, ...wanBitsPerSecond, ...wanBitsPerSecond, Infinity]
}
