/**
 * This node among those of the other sites: follows one node of each, and lets theirs follow it.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Writable } from 'node:stream'
import { constants, createGzip } from 'node:zlib'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import type { OwnSite, RemoteSites, TorrentStore } from '../replication/site-store.ts'
import { FederationCounts } from './counters.ts'
import { Link } from './site-connection.ts'
import { ReaderStream } from './subscriber-stream.ts'
import type { RemoteState } from './connection-state.ts'
import { TorrentExchange } from './torrent-sync.ts'

/** A thousand sites, or a hundred of ten nodes: each of them follows one node here. A quarter of a megabyte each, which is what packing takes. */
const READERS_MAX = 1_000

/**
 * Each piece leaves at once, and the fastest level: it takes half the time of the usual one, for 4 % more bytes
 * (bench/federation.ts).
 */
const PACKING = { level: constants.Z_BEST_SPEED, flush: constants.Z_SYNC_FLUSH }

export interface FederationParts {
  readonly token: string
  readonly own: OwnSite
  readonly remote: RemoteSites
  readonly torrents: TorrentStore
  readonly identify: (bytes: Buffer) => readonly Buffer[]
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** Another site, and where its nodes can be followed. */
export interface RemoteTarget {
  readonly site: string
  readonly urls: readonly string[]
}

export interface RemoteStatus {
  readonly site: string
  readonly state: RemoteState
  readonly sinceMs: number
  readonly reason: string
  readonly ageSeconds: number | undefined
}

export class Federation {
  readonly counts = new FederationCounts()
  readonly #parts: FederationParts
  readonly #torrents: TorrentExchange
  readonly #readers = new Set<ReaderStream>()
  readonly #links = new Map<string, { readonly link: Link; readonly urls: string }>()

  constructor(parts: FederationParts) {
    this.#parts = parts
    const { torrents, own, identify, log } = parts
    this.#torrents = new TorrentExchange({
      store: torrents,
      nowMs: () => own.nowMs(),
      identify,
      counts: this.counts,
      log,
      send: (message) => {
        for (const reader of this.#readers) reader.send(message)
      },
    })
    own.onChange((torrent, isUrgent) => {
      for (const reader of this.#readers) reader.changed(torrent, isUrgent)
    })
  }

  /** Once the store is open. */
  start(targets: readonly RemoteTarget[]): void {
    this.#torrents.start()
    this.follow(targets)
  }

  /** Follows these sites from now on, and no others. */
  follow(targets: readonly RemoteTarget[]): void {
    const wanted = new Map(targets.map((target) => [target.site, target]))
    for (const [site, { link, urls }] of this.#links)
      if (wanted.get(site)?.urls.join(' ') !== urls) {
        this.#links.delete(site)
        void link.close().then(() => Array.from(this.#parts.remote.lose(site)))
      }
    for (const { site, urls } of wanted.values()) {
      if (this.#links.has(site)) continue
      const link = new Link({
        site,
        urls,
        ownSite: this.#parts.own.name,
        token: this.#parts.token,
        remote: this.#parts.remote,
        torrents: this.#torrents,
        counts: this.counts,
        clock: this.#parts.clock,
        random: this.#parts.random,
        log: this.#parts.log,
      })
      this.#links.set(site, { link, urls: urls.join(' ') })
      link.start()
    }
  }

  async stop(): Promise<void> {
    for (const reader of this.#readers) reader.close()
    await Promise.all([...this.#links.values()].map(({ link }) => link.close()))
  }

  remotes(): readonly RemoteStatus[] {
    return [...this.#links].map(([site, { link }]) => {
      const { state, sinceMs, reason, ageSeconds } = link.state
      return { site, state, sinceMs, reason, ageSeconds }
    })
  }

  get readers(): number {
    return this.#readers.size
  }

  /** In constant time: both are hashed first, so that not even the length is told. */
  admits(token: string): boolean {
    const digest = (text: string) => createHash('sha256').update(text).digest()
    const isRight = timingSafeEqual(digest(token), digest(this.#parts.token))
    if (!isRight) this.counts.refuse('token')
    return isRight
  }

  /** Writes the stream, packed by gzip, to a node of this site until `out` is closed. False where there are too many already. */
  serve(reader: string, out: Writable): boolean {
    if (this.#readers.size >= READERS_MAX) {
      this.counts.refuse('streams')
      return false
    }
    const packer = createGzip(PACKING)
    packer.on('data', (piece: Buffer) => (this.counts.sentBytes += piece.length)).pipe(out)
    const stream = new ReaderStream({
      own: this.#parts.own,
      reader,
      out: packer,
      nowMs: () => this.#parts.clock.nowMs(),
      onStuck: () => {
        this.counts.refuse('slow')
        out.destroy()
      },
    })
    this.#readers.add(stream)
    out.on('error', () => {})
    out.on('close', () => {
      stream.close()
      packer.destroy()
      this.#readers.delete(stream)
    })
    stream.send(Buffer.concat(this.#torrents.all()))
    return true
  }

  torrent(infoHash: Buffer): Promise<Buffer | undefined> {
    return this.#torrents.read(infoHash)
  }
}
