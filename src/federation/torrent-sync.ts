/**
 * Registered torrents, the same in all sites: what one registers or removes, the others do too. Of what two sites say
 * of one torrent, the later holds, so each remembers for a while what was removed and when.
 *
 * The bytes are fetched only where they are missing, and kept only if they are the torrent that was named: a site can
 * offer torrents, and replace none by another.
 */
import { InputError } from '../core/errors.ts'
import { formatInfoHash, infoHashKey } from '../core/info-hash.ts'
import { TORRENT_BYTES_MAX } from '../core/limits.ts'
import type { Log } from '../core/log.ts'
import type { RegisteredTorrent, TorrentStore } from '../replication/site-store.ts'
import type { FederationCounters } from './counters.ts'
import { LISTED, type Message, writeRegistered, writeRemoved } from './messages.ts'

/** Torrents that one site names and that are still to be fetched. */
const WANTED_MAX = 10_000

/** How a registered torrent travels: uint32 length, so many bytes of JSON, and the torrent. */
const LENGTH_BYTES = 4
const DESCRIPTION_BYTES_MAX = 1_048_576
export const ANSWER_BYTES_MAX = LENGTH_BYTES + DESCRIPTION_BYTES_MAX + TORRENT_BYTES_MAX

export interface TorrentSyncComponents {
  readonly store: TorrentStore
  readonly nowMs: () => number
  /** The infohashes of these bytes. Throws an `InputError` where they are no torrent. */
  readonly identify: (bytes: Buffer) => readonly Buffer[]
  readonly counters: FederationCounters
  readonly log: Log
  readonly send: (message: Buffer) => void
}

/** Fetches from the site that named the torrent. */
export type FetchTorrent = (infoHash: Buffer) => Promise<Buffer | undefined>

export class TorrentSync {
  readonly #parts: TorrentSyncComponents
  #known = new Map<string, RegisteredTorrent>()
  #working: Promise<void> = Promise.resolve()
  #wanted = 0

  constructor(parts: TorrentSyncComponents) {
    this.#parts = parts
    parts.store.onChange(() => this.#compare())
  }

  /** The store is open: what it holds now was there all along. */
  start(): void {
    this.#known = byPrimary(this.#parts.store.list())
  }

  /** All that is registered, and what was removed. */
  all(): Buffer[] {
    return [
      ...[...this.#known.values()].map(writeRegistered),
      ...[...this.#parts.store.removals()].map(([key, atMs]) =>
        writeRemoved(Buffer.from(key, 'latin1'), atMs),
      ),
      LISTED,
    ]
  }

  /** A torrent with what is noted of it; undefined where it is not registered. */
  async read(infoHash: Buffer): Promise<Buffer | undefined> {
    const { store } = this.#parts
    const torrent = this.#find(infoHash)
    const bytes = torrent === undefined ? undefined : await store.read(infoHash)
    if (torrent === undefined || bytes === undefined) return undefined
    const { name, sizeBytes, registeredAtMs, note } = torrent
    const description = Buffer.from(JSON.stringify({ name, sizeBytes, registeredAtMs, note }))
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt32BE(description.length)
    return Buffer.concat([length, description, bytes])
  }

  /** One after the other, so that nobody fetches a torrent twice. */
  apply(message: Message, fetch: FetchTorrent): void {
    if (message.type === 'removed') this.#later(() => this.#remove(message.infoHash, message.atMs))
    else if (message.type === 'registered')
      this.#later(() => this.#register(message.infoHashes, message.atMs, fetch))
  }

  /** Resolves when what was heard so far has been done. */
  waitForPending(): Promise<void> {
    return this.#working
  }

  #later(work: () => Promise<void>): void {
    if (this.#wanted >= WANTED_MAX) return this.#parts.counters.refuse('torrent')
    this.#wanted++
    this.#working = this.#working
      .then(work)
      .catch((error: unknown) => this.#failed(error))
      .finally(() => this.#wanted--)
  }

  #failed(error: unknown): void {
    this.#parts.counters.refuse('torrent')
    this.#parts.log.warn(
      { event: 'torrent-not-taken', problem: (error as Error).message },
      'a torrent that another site registered or removed could not be taken over; it is tried again with the next stream',
    )
  }

  async #register(infoHashes: readonly Buffer[], atMs: number, fetch: FetchTorrent): Promise<void> {
    const { store, identify } = this.#parts
    const first = infoHashes[0] as Buffer
    if (infoHashes.some((hash) => (store.removals().get(infoHashKey(hash)) ?? 0) >= atMs)) return
    const known = infoHashes.map((hash) => this.#find(hash)).find((found) => found !== undefined)
    if (known !== undefined && known.registeredAtMs >= atMs) return
    const answer = await fetch(first)
    if (answer === undefined) return
    const { torrent, bytes } = readAnswer(answer)
    const found = identify(bytes)
    if (!found.some((hash) => hash.equals(first)))
      throw new InputError(`what was fetched as ${formatInfoHash(first)} is another torrent`)
    await store.put({ ...torrent, registeredAtMs: atMs, infoHashes: found }, bytes)
  }

  async #remove(infoHash: Buffer, atMs: number): Promise<void> {
    const known = this.#find(infoHash)
    if (known !== undefined && known.registeredAtMs > atMs) return
    const { store } = this.#parts
    const notedMs = store.removals().get(infoHashKey(infoHash)) ?? 0
    // Also of one that is not here: another site may still name it.
    if (known !== undefined || notedMs < atMs) await store.remove(infoHash, Math.max(notedMs, atMs))
  }

  #find(infoHash: Buffer): RegisteredTorrent | undefined {
    return (
      this.#known.get(infoHashKey(infoHash)) ??
      [...this.#known.values()].find(({ infoHashes }) => infoHashes.some((hash) => hash.equals(infoHash)))
    )
  }

  /** Tells the other sites what has changed, whoever changed it. */
  #compare(): void {
    const { store, nowMs, send } = this.#parts
    const now = byPrimary(store.list())
    for (const [key, torrent] of now) {
      const before = this.#known.get(key)
      if (before !== undefined && before.registeredAtMs >= torrent.registeredAtMs) continue
      send(writeRegistered(torrent))
    }
    for (const [key, torrent] of this.#known) {
      if (now.has(key)) continue
      const infoHash = torrent.infoHashes[0] as Buffer
      send(writeRemoved(infoHash, store.removals().get(key) ?? nowMs()))
    }
    this.#known = now
  }
}

function byPrimary(torrents: readonly RegisteredTorrent[]): Map<string, RegisteredTorrent> {
  return new Map(torrents.map((torrent) => [infoHashKey(torrent.infoHashes[0] as Buffer), torrent]))
}

function readAnswer(answer: Buffer): { torrent: Omit<RegisteredTorrent, 'infoHashes'>; bytes: Buffer } {
  const length = answer.length < LENGTH_BYTES ? Infinity : answer.readUInt32BE(0)
  if (length > DESCRIPTION_BYTES_MAX || LENGTH_BYTES + length > answer.length)
    throw new InputError('the answer with the torrent is too short')
  let described: unknown
  try {
    described = JSON.parse(answer.toString('utf8', LENGTH_BYTES, LENGTH_BYTES + length))
  } catch {
    throw new InputError('the description of the torrent is no JSON')
  }
  const { name, sizeBytes, registeredAtMs, note } = (described ?? {}) as Partial<RegisteredTorrent>
  if (
    typeof name !== 'string' ||
    typeof sizeBytes !== 'number' ||
    typeof registeredAtMs !== 'number' ||
    typeof note !== 'string'
  )
    throw new InputError('the description of the torrent lacks something')
  return { torrent: { name, sizeBytes, registeredAtMs, note }, bytes: answer.subarray(LENGTH_BYTES + length) }
}
