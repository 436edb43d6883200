/**
 * Blocks in memory, of all torrents and sites of a process, within `carry.cache` bytes. Whole pieces are evicted, the
 * least recently used first.
 *
 * A carrier serves the requests of its hosts, and those of other carriers, from here, so that no block leaves the source
 * twice. The pieces that arrive at present are pinned: their owner holds the blocks until it has checked the piece.
 */

interface CachedPiece {
  readonly blocks: Map<number, Buffer>
  bytes: number
}

/** Cached pieces of one torrent in one site. */
export class TorrentCache {
  readonly #cache: BlockCache
  readonly #pieces = new Map<number, CachedPiece>()

  constructor(cache: BlockCache) {
    this.#cache = cache
  }

  has(piece: number): boolean {
    return this.#pieces.has(piece)
  }

  /** The block that begins there, where all of it is cached. */
  get(piece: number, begin: number): Buffer | undefined {
    const cached = this.#pieces.get(piece)
    if (cached === undefined) return undefined
    this.#cache.touch(cached)
    return cached.blocks.get(begin)
  }

  /** Keeps the buffer, not a copy. */
  add(piece: number, begin: number, data: Buffer): void {
    let cached = this.#pieces.get(piece)
    if (cached === undefined) {
      cached = { blocks: new Map(), bytes: 0 }
      this.#pieces.set(piece, cached)
    }
    const previous = cached.blocks.get(begin)
    cached.blocks.set(begin, data)
    const growth = data.length - (previous?.length ?? 0)
    cached.bytes += growth
    this.#cache.grow(cached, growth, () => this.#pieces.delete(piece))
  }

  clear(): void {
    for (const cached of this.#pieces.values()) this.#cache.drop(cached)
    this.#pieces.clear()
  }
}

export class BlockCache {
  readonly bytesMax: number
  #bytes = 0
  #pinnedBytes = 0
  /** Least recently used first. The value forgets the piece at its owner. */
  readonly #order = new Map<CachedPiece, () => void>()

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  /** Bytes of blocks, those of pinned pieces included. */
  get bytes(): number {
    return this.#bytes + this.#pinnedBytes
  }

  /** Takes memory for a piece that arrives. Returns false where pinned pieces would take more than half of the cache. */
  pin(bytes: number): boolean {
    if (this.#pinnedBytes > 0 && this.#pinnedBytes + bytes > this.bytesMax / 2) return false
    this.#pinnedBytes += bytes
    this.#evict()
    return true
  }

  unpin(bytes: number): void {
    this.#pinnedBytes -= bytes
  }

  touch(piece: CachedPiece): void {
    const forget = this.#order.get(piece)
    if (forget === undefined) return
    this.#order.delete(piece)
    this.#order.set(piece, forget)
  }

  grow(piece: CachedPiece, bytes: number, forget: () => void): void {
    this.#bytes += bytes
    if (this.#order.has(piece)) this.touch(piece)
    else this.#order.set(piece, forget)
    this.#evict()
  }

  drop(piece: CachedPiece): void {
    if (this.#order.delete(piece)) this.#bytes -= piece.bytes
  }

  #evict(): void {
    for (const [piece, forget] of this.#order) {
      if (this.bytes <= this.bytesMax) return
      this.drop(piece)
      forget()
    }
  }
}
