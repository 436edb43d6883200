/**
 * Connections between hosts. A connection is two edges, one for each direction of data: `edge ^ 1` is the other
 * one. A flat swarm of thirty thousand hosts with two hundred neighbours each has six million edges, so edges are
 * not objects.
 */
import type { Neighbours } from './pick-piece.ts'

export class Connections implements Neighbours {
  /** Receiver of an edge. The sender is `to[edge ^ 1]`. */
  to = new Int32Array(1024)
  /** 1 if the sender of an edge has unchoked its receiver. */
  unchoked = new Uint8Array(1024)
  /** The transfer that runs over an edge, or -1. */
  transfer = new Int32Array(1024).fill(-1)
  /** Bytes received over an edge since its receiver last compared its neighbours. */
  bytes = new Float32Array(1024)
  /** Sequence number of the last unchoke of the edge; -1 never. */
  unchokedAt = new Int32Array(1024).fill(-1)
  /** Position of an edge in its sender's list. */
  #position = new Int32Array(1024)
  readonly #degree: Int32Array
  readonly #edges: Int32Array[]
  #end = 0
  readonly #free: number[] = []

  constructor(hosts: number) {
    this.#degree = new Int32Array(hosts)
    this.#edges = Array.from({ length: hosts }, () => new Int32Array(8))
  }

  degree(host: number): number {
    return this.#degree[host] as number
  }

  /** The edge from `host` to its neighbour at `index`, 0 … degree-1. */
  edge(host: number, index: number): number {
    return (this.#edges[host] as Int32Array)[index] as number
  }

  neighbour(host: number, index: number): number {
    return this.to[this.edge(host, index)] as number
  }

  from(edge: number): number {
    return this.to[edge ^ 1] as number
  }

  /** The edge from `a` to `b`, or -1. */
  find(a: number, b: number): number {
    if (this.degree(b) < this.degree(a)) {
      const back = this.find(b, a)
      return back < 0 ? -1 : back ^ 1
    }
    for (let index = 0; index < this.degree(a); index++)
      if (this.neighbour(a, index) === b) return this.edge(a, index)
    return -1
  }

  /** Returns the edge from `a` to `b`. */
  open(a: number, b: number): number {
    const edge = this.#free.pop() ?? this.#allocate()
    this.to[edge] = b
    this.to[edge ^ 1] = a
    this.#list(a, edge)
    this.#list(b, edge ^ 1)
    return edge
  }

  /** An edge from `a` to `b`, which do not become neighbours: their clients do not use it. */
  join(a: number, b: number): number {
    const edge = this.#free.pop() ?? this.#allocate()
    this.to[edge] = b
    this.to[edge ^ 1] = a
    return edge
  }

  close(edge: number): void {
    const pair = edge & ~1
    for (const side of [pair, pair + 1]) {
      this.#unlist(this.from(side), side)
      this.unchoked[side] = 0
      this.transfer[side] = -1
      this.bytes[side] = 0
      this.unchokedAt[side] = -1
    }
    this.#free.push(pair)
  }

  #list(host: number, edge: number): void {
    const degree = this.degree(host)
    let edges = this.#edges[host] as Int32Array
    if (degree === edges.length) {
      const grown = new Int32Array(2 * degree)
      grown.set(edges)
      this.#edges[host] = edges = grown
    }
    edges[degree] = edge
    this.#position[edge] = degree
    this.#degree[host] = degree + 1
  }

  #unlist(host: number, edge: number): void {
    const edges = this.#edges[host] as Int32Array
    const last = edges[--this.#degree[host]!] as number
    const position = this.#position[edge] as number
    edges[position] = last
    this.#position[last] = position
  }

  #allocate(): number {
    if (this.#end === this.to.length) this.#grow()
    this.#end += 2
    return this.#end - 2
  }

  #grow(): void {
    const length = 2 * this.to.length
    const grown = <T extends Int32Array | Uint8Array | Float32Array>(to: T, from: T): T => {
      to.set(from)
      return to
    }
    this.to = grown(new Int32Array(length), this.to)
    this.unchoked = grown(new Uint8Array(length), this.unchoked)
    this.transfer = grown(new Int32Array(length).fill(-1), this.transfer)
    this.bytes = grown(new Float32Array(length), this.bytes)
    this.unchokedAt = grown(new Int32Array(length).fill(-1), this.unchokedAt)
    this.#position = grown(new Int32Array(length), this.#position)
  }
}
