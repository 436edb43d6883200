/**
 * Upload slots of hosts. Every client uploads to a few neighbours at a time; a seed rotates over its neighbours, a
 * leecher serves those that sent it most and one at random. With fewer neighbours than slots, none of this matters.
 */
import type { Random } from '../core/random.ts'
import type { Connections } from './connections.ts'
import type { Downloads } from './downloads.ts'
import type { Pieces } from './pieces.ts'
import type { Population } from './population.ts'

export class UploadSlots {
  readonly #population: Population
  readonly #pieces: Pieces
  readonly #connections: Connections
  readonly #downloads: Downloads
  readonly #random: Random
  readonly #used: Int32Array
  #round = 0

  constructor(init: {
    readonly population: Population
    readonly pieces: Pieces
    readonly connections: Connections
    readonly downloads: Downloads
    readonly random: Random
  }) {
    this.#population = init.population
    this.#pieces = init.pieces
    this.#connections = init.connections
    this.#downloads = init.downloads
    this.#random = init.random
    this.#used = new Int32Array(init.population.endpoints)
  }

  hasRoom(host: number): boolean {
    const { uploadSlots, passesOn } = this.#population.client(host)
    return this.#used[host]! < uploadSlots && (passesOn || this.#pieces.isComplete(host))
  }

  /** Unchokes the receiver of an edge if a slot is free and it wants a piece. */
  offer(edge: number): void {
    if (
      this.#connections.unchoked[edge] === 0 &&
      this.hasRoom(this.#connections.from(edge)) &&
      this.#isWanted(edge)
    )
      this.#unchoke(edge)
  }

  choke(edge: number): void {
    if (this.#connections.unchoked[edge] === 0) return
    const transfer = this.#connections.transfer[edge] as number
    if (transfer >= 0) this.#downloads.stop(transfer)
    this.#connections.unchoked[edge] = 0
    this.#used[this.#connections.from(edge)]!--
  }

  /** Fills free slots with interested neighbours. */
  fill(host: number): void {
    const degree = this.#connections.degree(host)
    if (degree === 0 || !this.hasRoom(host)) return
    const start = this.#random.below(degree)
    for (let seen = 0; seen < degree && this.hasRoom(host); seen++)
      this.offer(this.#connections.edge(host, (start + seen) % degree))
  }

  /** Reassigns the slots. */
  rechoke(host: number): void {
    const connections = this.#connections
    const degree = connections.degree(host)
    const { uploadSlots, optimisticSlots, passesOn } = this.#population.client(host)
    if (!passesOn && !this.#pieces.isComplete(host)) return
    const wanted: number[] = []
    for (let index = 0; index < degree; index++) {
      const edge = connections.edge(host, index)
      if (this.#isWanted(edge)) wanted.push(edge)
      else if (degree > uploadSlots) this.choke(edge)
    }
    const isSeed = this.#pieces.isComplete(host)
    const chosen = new Set(
      wanted.length <= uploadSlots
        ? wanted
        : isSeed
          ? this.#longestWaiting(wanted, uploadSlots)
          : this.#mostGiving(wanted, uploadSlots, optimisticSlots),
    )
    for (let index = 0; index < degree; index++) connections.bytes[connections.edge(host, index) ^ 1] = 0
    for (const edge of wanted) if (!chosen.has(edge)) this.choke(edge)
    for (const edge of chosen) if (connections.unchoked[edge] === 0) this.#unchoke(edge)
  }

  #longestWaiting(edges: readonly number[], count: number): number[] {
    const { unchokedAt } = this.#connections
    return edges.toSorted((a, b) => unchokedAt[a]! - unchokedAt[b]! || a - b).slice(0, count)
  }

  #mostGiving(edges: readonly number[], count: number, byChance: number): number[] {
    const { bytes } = this.#connections
    const sorted = edges.toSorted((a, b) => bytes[b ^ 1]! - bytes[a ^ 1]! || a - b)
    const chosen = sorted.splice(0, count - byChance)
    for (let left = byChance; left > 0; left--)
      chosen.push(...sorted.splice(this.#random.below(sorted.length), 1))
    return chosen
  }

  #isWanted(edge: number): boolean {
    const to = this.#connections.to[edge] as number
    // A carrier requests pieces from a host by `Downloads.request`.
    if (!this.#population.isHost(to)) return false
    return !this.#pieces.isComplete(to) && this.#pieces.canGive(this.#connections.from(edge), to)
  }

  #unchoke(edge: number): void {
    this.#connections.unchoked[edge] = 1
    this.#connections.unchokedAt[edge] = ++this.#round
    this.#used[this.#connections.from(edge)]!++
    this.#downloads.tryStart(edge)
  }
}
