/** Pieces that each host has, and pieces that it has requested: one bit per host and piece. */

export class Pieces {
  readonly count: number
  /** 32-bit words per host. */
  readonly words: number
  readonly have: Uint32Array
  readonly requested: Uint32Array
  readonly haveCount: Int32Array
  readonly requestedCount: Int32Array

  constructor(hosts: number, count: number) {
    this.count = count
    this.words = (count + 31) >>> 5
    this.have = new Uint32Array(hosts * this.words)
    this.requested = new Uint32Array(hosts * this.words)
    this.haveCount = new Int32Array(hosts)
    this.requestedCount = new Int32Array(hosts)
  }

  isComplete(host: number): boolean {
    return this.haveCount[host] === this.count
  }

  has(host: number, piece: number): boolean {
    return ((this.have[host * this.words + (piece >>> 5)] as number) & (1 << (piece & 31))) !== 0
  }

  add(host: number, piece: number): void {
    if (this.has(host, piece)) return
    this.have[host * this.words + (piece >>> 5)]! |= 1 << (piece & 31)
    this.haveCount[host]!++
  }

  addAll(host: number): void {
    for (let piece = 0; piece < this.count; piece++) this.add(host, piece)
  }

  isRequested(host: number, piece: number): boolean {
    return ((this.requested[host * this.words + (piece >>> 5)] as number) & (1 << (piece & 31))) !== 0
  }

  request(host: number, piece: number): void {
    if (this.isRequested(host, piece)) return
    this.requested[host * this.words + (piece >>> 5)]! |= 1 << (piece & 31)
    this.requestedCount[host]!++
  }

  release(host: number, piece: number): void {
    if (!this.isRequested(host, piece)) return
    this.requested[host * this.words + (piece >>> 5)]! &= ~(1 << (piece & 31))
    this.requestedCount[host]!--
  }

  /** True if `from` has a piece that `to` lacks. */
  canGive(from: number, to: number): boolean {
    const { have, words } = this
    if (this.haveCount[from]! > this.haveCount[to]!) return true
    const fromAt = from * words
    const toAt = to * words
    for (let word = 0; word < words; word++)
      if (((have[fromAt + word] as number) & ~(have[toAt + word] as number)) !== 0) return true
    return false
  }

  /** Every missing piece is requested: from here on, a client requests the same piece from several peers. */
  isEndgame(host: number): boolean {
    return this.count === this.haveCount[host]! + this.requestedCount[host]!
  }
}
