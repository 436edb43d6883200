/**
 * The swarm that the clients form once they have each other's addresses: connections, upload slots, requests and
 * pieces, advanced in steps of time. Independent of trackers.
 */
import type { Random } from '../core/random.ts'
import { Connections } from './connections.ts'
import { Downloads, linkSpeeds } from './downloads.ts'
import { Links } from './links.ts'
import { Pieces } from './pieces.ts'
import type { Population } from './population.ts'
import { UploadSlots } from './upload-slots.ts'

export interface ExchangeParts {
  readonly population: Population
  readonly pieceCount: number
  readonly sizeBytes: number
  readonly nicBitsPerSecond: number
  readonly wanBitsPerSecond: readonly number[]
  readonly random: Random
  /** Called when a host completes. */
  readonly onComplete: (host: number) => void
  /** Called when a host or a carrier receives a piece. */
  readonly onPiece?: (endpoint: number, piece: number) => void
  /** Called when a leecher disconnects a host that has just completed. */
  readonly onDropped: (leecher: number, finisher: number) => void
}

export class Exchange {
  readonly pieces: Pieces
  readonly downloads: Downloads
  readonly connections: Connections
  readonly #slots: UploadSlots
  readonly #links: Links
  readonly #population: Population
  readonly #init: ExchangeParts
  readonly #isGone: Uint8Array
  readonly #isDone: Uint8Array

  constructor(init: ExchangeParts) {
    const { population, pieceCount, sizeBytes, random } = init
    this.#init = init
    this.#population = population
    this.#isGone = new Uint8Array(population.count)
    this.#isDone = new Uint8Array(population.count)
    this.pieces = new Pieces(population.endpoints, pieceCount)
    this.connections = new Connections(population.endpoints)
    const shared = { population, pieces: this.pieces, connections: this.connections, random }
    const sites = init.wanBitsPerSecond.length
    this.downloads = new Downloads({ ...shared, sites, pieceBytes: sizeBytes / pieceCount })
    this.#slots = new UploadSlots({ ...shared, downloads: this.downloads })
    this.#links = new Links(linkSpeeds(population, init.nicBitsPerSecond, init.wanBitsPerSecond))
  }

  isGone(host: number): boolean {
    return this.#isGone[host] === 1
  }

  /** Makes the host a seed from the start. */
  seed(host: number): void {
    this.pieces.addAll(host)
    this.#isDone[host] = 1
  }

  /** True while no transfer runs. */
  get isQuiet(): boolean {
    return this.downloads.transfers.count === 0
  }

  /** Connects two hosts, unless one has its maximum of connections or neither has a piece that the other lacks. */
  connect(dialler: number, dialled: number): void {
    const { connections, pieces } = this
    if (dialler === dialled || this.isGone(dialler) || this.isGone(dialled)) return
    if (pieces.isComplete(dialler) && pieces.isComplete(dialled)) return
    for (const host of [dialler, dialled])
      if (connections.degree(host) >= this.#population.client(host).connectionsMax) return
    if (connections.find(dialler, dialled) >= 0) return
    const edge = connections.open(dialler, dialled)
    this.#slots.offer(edge)
    this.#slots.offer(edge ^ 1)
  }

  /** Makes the offers of a carrier a neighbour of the host, which may always request them. Returns the edge to the host. */
  openOffers(offers: number, host: number): number {
    const edge = this.connections.open(offers, host)
    this.connections.unchoked[edge] = 1
    return edge
  }

  rechoke(host: number): void {
    if (!this.isGone(host)) this.#slots.rechoke(host)
  }

  /** Removes the host without a stopped event. */
  remove(host: number): void {
    this.#isGone[host] = 1
    while (this.connections.degree(host) > 0) this.#disconnect(this.connections.edge(host, 0))
  }

  step(stepSeconds: number): void {
    const { downloads } = this
    downloads.measureDemand(stepSeconds)
    this.#links.share(downloads.transfers)
    downloads.move(stepSeconds)
    const arrivals = downloads.arrivals.splice(0)
    for (let index = 0; index < arrivals.length; index += 2) {
      const endpoint = arrivals[index] as number
      const piece = arrivals[index + 1] as number
      if (this.#population.isHost(endpoint)) this.#announcePiece(endpoint, piece)
      this.#init.onPiece?.(endpoint, piece)
    }
    downloads.wakeIdle()
  }

  /** Announces a new piece to the neighbours: some had nothing to request from this host before. */
  #announcePiece(host: number, piece: number): void {
    const { connections, pieces } = this
    if (pieces.isComplete(host) && this.#isDone[host] === 0) this.#finish(host, piece)
    for (let index = 0; index < connections.degree(host); index++) {
      const edge = connections.edge(host, index)
      const other = connections.to[edge] as number
      if (pieces.has(other, piece)) continue
      if (connections.unchoked[edge] === 1) this.downloads.tryStart(edge)
      else if (this.#slots.hasRoom(host)) this.#slots.offer(edge)
    }
  }

  /**
   * A host becomes upload-only before it announces its last piece. A leecher that has all the others finds nothing
   * to request and disconnects, if its client does that.
   */
  #finish(host: number, lastPiece: number): void {
    const { connections, pieces } = this
    this.#isDone[host] = 1
    for (let index = connections.degree(host) - 1; index >= 0; index--) {
      const edge = connections.edge(host, index)
      const other = connections.to[edge] as number
      if (!this.#population.isHost(other)) continue
      const lacksLastPiece = !pieces.has(other, lastPiece)
      const isTrapped =
        lacksLastPiece &&
        pieces.haveCount[other] === pieces.count - 1 &&
        this.#population.client(other).dropsFinishers
      this.#slots.choke(edge ^ 1)
      if (isTrapped || pieces.isComplete(other)) this.#disconnect(edge)
      if (isTrapped) this.#init.onDropped(other, host)
      this.#slots.fill(other)
    }
    this.#slots.fill(host)
    this.#init.onComplete(host)
  }

  #disconnect(edge: number): void {
    const pair = edge & ~1
    this.#slots.choke(pair)
    this.#slots.choke(pair + 1)
    this.connections.close(pair)
  }
}
