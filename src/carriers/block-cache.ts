/**
 * Blocks in memory, of all torrents and sites of a process, within `carry.cache` bytes. Whole pieces are evicted, the
 * least recently used first.
 *
 * A carrier serves the requests of its hosts, and those of other carriers, from here, so that no block leaves the source
 * twice. A piece that arrives, or that no host of a site has yet, is held: it is not evicted. Held pieces take a share of
 * the memory at most, therefore a site that takes its pieces slowly delays the next ones and loses none.
 *
 * The sites of a registered torrent share the memory of a piece, and see only the pieces that they fetched themselves:
 * each block that a site takes from another one is counted, and waits for the rate of their link.
 */

/** Share of the memory for pieces that are fetched ahead of requests, and for all held pieces. */
const AHEAD_SHARE = 0.5
const HELD_SHARE = 0.75

interface CachedPiece {
  readonly blocks: Map<number, Buffer>
  readonly sites: Set<SiteBlocks>
  bytes: number
  /** Sites that need the piece. */
  holds: number
  /** Bytes of the whole piece, while it is held. */
  heldBytes: number
  readonly forget: () => void
}

/** The blocks of one torrent that several sites share, or those of one site. */
export class TorrentBlocks {
  readonly cache: BlockCache
  readonly #pieces = new Map<number, CachedPiece>()

  constructor(cache: BlockCache) {
    this.cache = cache
  }

  at(piece: number): CachedPiece | undefined {
    return this.#pieces.get(piece)
  }

  open(piece: number): CachedPiece {
    const known = this.#pieces.get(piece)
    if (known !== undefined) return known
    const forget = () => void this.#pieces.delete(piece)
    const cached = {
      blocks: new Map(),
      sites: new Set<SiteBlocks>(),
      bytes: 0,
      holds: 0,
      heldBytes: 0,
      forget,
    }
    this.#pieces.set(piece, cached)
    return cached
  }

  /** Removes what this site alone has. */
  leave(site: SiteBlocks): void {
    for (const cached of this.#pieces.values())
      if (cached.sites.delete(site) && cached.sites.size === 0 && cached.holds === 0) this.cache.evict(cached)
  }
}

/** Pieces of one torrent as one site sees them. */
export class SiteBlocks {
  readonly #torrent: TorrentBlocks
  readonly #held = new Set<number>()

  constructor(torrent: TorrentBlocks) {
    this.#torrent = torrent
  }

  has(piece: number): boolean {
    return this.#torrent.at(piece)?.sites.has(this) === true
  }

  /** The block that begins there, where all of it is cached. */
  get(piece: number, begin: number): Buffer | undefined {
    const cached = this.#torrent.at(piece)
    if (cached?.sites.has(this) !== true) return undefined
    this.#torrent.cache.touch(cached)
    return cached.blocks.get(begin)
  }

  /** Bytes of the piece that are cached without a gap, from its beginning. */
  bytesOf(piece: number): number {
    const cached = this.#torrent.at(piece)
    let end = 0
    if (cached?.sites.has(this) !== true) return end
    for (let block = cached.blocks.get(end); block !== undefined; block = cached.blocks.get(end))
      end += block.length
    return end
  }

  /** Keeps the buffer, not a copy. */
  add(piece: number, begin: number, data: Buffer): void {
    const cached = this.#torrent.open(piece)
    cached.sites.add(this)
    const growth = data.length - (cached.blocks.get(begin)?.length ?? 0)
    cached.blocks.set(begin, data)
    this.#torrent.cache.grow(cached, growth)
  }

  /** Takes memory for a piece. Returns false where too many pieces are held. `isAhead`: it was not requested. */
  hold(piece: number, bytes: number, isAhead: boolean): boolean {
    if (this.#held.has(piece)) return true
    const isHeld = this.#torrent.at(piece)?.holds ?? 0
    if (isHeld === 0 && !this.#torrent.cache.hasRoom(bytes, isAhead)) return false
    this.#held.add(piece)
    this.#torrent.cache.hold(this.#torrent.open(piece), bytes)
    return true
  }

  /** The piece may be evicted. */
  release(piece: number): void {
    const cached = this.#torrent.at(piece)
    if (cached === undefined || !this.#held.delete(piece)) return
    this.#torrent.cache.release(cached)
  }

  clear(): void {
    for (const piece of this.#held) this.release(piece)
    this.#torrent.leave(this)
  }
}

export class BlockCache {
  readonly bytesMax: number
  #heldBytes = 0
  #looseBytes = 0
  /** Pieces that are not held, the least recently used first. */
  readonly #order = new Set<CachedPiece>()

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  /** Bytes of blocks, and the memory that held pieces need. */
  get bytes(): number {
    return this.#heldBytes + this.#looseBytes
  }

  /** One piece is always held, so that a cache which is smaller than two pieces is of use. */
  hasRoom(bytes: number, isAhead: boolean): boolean {
    const share = isAhead ? AHEAD_SHARE : HELD_SHARE
    return this.#heldBytes === 0 || this.#heldBytes + bytes <= this.bytesMax * share
  }

  hold(cached: CachedPiece, bytes: number): void {
    if (cached.holds++ > 0) return
    if (this.#order.delete(cached)) this.#looseBytes -= cached.bytes
    cached.heldBytes = Math.max(bytes, cached.bytes)
    this.#heldBytes += cached.heldBytes
    this.#evictOthers()
  }

  release(cached: CachedPiece): void {
    if (--cached.holds > 0) return
    this.#heldBytes -= cached.heldBytes
    cached.heldBytes = 0
    if (cached.sites.size === 0) {
      cached.forget()
      return
    }
    this.#order.add(cached)
    this.#looseBytes += cached.bytes
    this.#evictOthers()
  }

  touch(cached: CachedPiece): void {
    if (this.#order.delete(cached)) this.#order.add(cached)
  }

  grow(cached: CachedPiece, bytes: number): void {
    cached.bytes += bytes
    if (cached.holds > 0) return
    this.#looseBytes += bytes
    this.#order.delete(cached)
    this.#order.add(cached)
    this.#evictOthers()
  }

  evict(cached: CachedPiece): void {
    if (this.#order.delete(cached)) this.#looseBytes -= cached.bytes
    cached.forget()
  }

  #evictOthers(): void {
    for (const cached of this.#order) {
      if (this.bytes <= this.bytesMax) return
      this.evict(cached)
    }
  }
}
