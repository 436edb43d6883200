/**
 * Synchronization of registered torrents between all sites: each registration and removal is repeated at the other sites.
 * Of two changes of one torrent the later wins, so each site keeps its removals, with their times, for a while.
 *
 * A site fetches the bytes only where they are missing, and keeps them only if they have the advertised infohash: a remote
 * site can offer torrents, but cannot replace one by another.
 *
 * Threat: one badly run site, or one with a wrong clock. A change that is dated in the future would win over every later
 * one, so it is rejected. Name, size and metadata are read from the torrent itself, and an origin is never accepted from
 * another site: nodes of this site would fetch from it, with their credentials.
 */
import { changedRange } from '../core/changed-range.ts'
import { InputError } from '../core/errors.ts'
import { formatInfoHash, infoHashKey } from '../core/info-hash.ts'
import { FUTURE_MS_MAX, TORRENT_BYTES_MAX } from '../core/limits.ts'
import type { Log } from '../core/log.ts'
import type { RegisteredTorrent, TorrentStore } from '../replication/site-store.ts'
import type { FederationCounters } from './counters.ts'
import { LISTED, type Message, writeRegistered, writeRemoved } from './messages.ts'

/** Changes that are still to be applied. */
const PENDING_MAX = 10_000

/** Encoding of a registered torrent: uint32 length of the description, description as JSON, bytes of the torrent. */
const LENGTH_BYTES = 4
const DESCRIPTION_BYTES_MAX = 1_048_576
export const RESPONSE_BYTES_MAX = LENGTH_BYTES + DESCRIPTION_BYTES_MAX + TORRENT_BYTES_MAX

export interface TorrentSyncComponents {
  readonly store: TorrentStore
  readonly nowMs: () => number
  /**
   * A torrent of another site, as its own bytes describe it, without an origin of that site. `known`: the torrent as it is
   * registered here. Throws an `InputError` where the bytes are not a torrent.
   */
  readonly describe: DescribeRemoteTorrent
  readonly counters: FederationCounters
  readonly log: Log
  readonly send: (message: Buffer) => void
}

export type DescribeRemoteTorrent = (
  bytes: Buffer,
  known: RegisteredTorrent | undefined,
) => Omit<RegisteredTorrent, 'registeredAtMs'>

/** Fetches from the site that advertised the torrent. */
export type FetchTorrent = (infoHash: Buffer) => Promise<Buffer | undefined>

export class TorrentSync {
  readonly #store: TorrentStore
  readonly #nowMs: () => number
  readonly #describe: DescribeRemoteTorrent
  readonly #counters: FederationCounters
  readonly #log: Log
  readonly #send: (message: Buffer) => void
  /** As they were compared last, oldest first. */
  #known: readonly RegisteredTorrent[] = []
  #working: Promise<void> = Promise.resolve()
  #pending = 0

  constructor(components: TorrentSyncComponents) {
    this.#store = components.store
    this.#nowMs = components.nowMs
    this.#describe = components.describe
    this.#counters = components.counters
    this.#log = components.log
    this.#send = components.send
    components.store.onChange(() => this.#compare())
  }

  /** Called once the store is open: its torrents are not changes. */
  start(): void {
    this.#known = this.#store.list()
  }

  /** Messages for all registered torrents and all removals. */
  all(): Buffer[] {
    return [
      ...this.#known.map(writeRegistered),
      ...[...this.#store.removals()].map(([key, atMs]) => writeRemoved(Buffer.from(key, 'latin1'), atMs)),
      LISTED,
    ]
  }

  /** A torrent with its description; undefined where it is not registered. */
  async read(infoHash: Buffer): Promise<Buffer | undefined> {
    const torrent = this.#store.find(infoHash)
    const bytes = torrent === undefined ? undefined : await this.#store.read(infoHash)
    if (torrent === undefined || bytes === undefined) return undefined
    const { name, sizeBytes, registeredAtMs, note } = torrent
    const description = Buffer.from(JSON.stringify({ name, sizeBytes, registeredAtMs, note }))
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt32BE(description.length)
    return Buffer.concat([length, description, bytes])
  }

  /** Changes are applied one after the other, so that a torrent is not fetched twice. */
  apply(message: Message, fetch: FetchTorrent): void {
    if (message.type === 'removed') this.#enqueue(() => this.#remove(message.infoHash, message.atMs))
    else if (message.type === 'registered')
      this.#enqueue(() => this.#register(message.infoHashes, message.atMs, fetch))
  }

  /** Resolves when the changes received so far have been applied. */
  waitForPending(): Promise<void> {
    return this.#working
  }

  #enqueue(work: () => Promise<void>): void {
    if (this.#pending >= PENDING_MAX) return this.#counters.refuse('torrent')
    this.#pending++
    this.#working = this.#working
      .then(work)
      .catch((error: unknown) => this.#failed(error))
      .finally(() => this.#pending--)
  }

  #failed(error: unknown): void {
    this.#counters.refuse('torrent')
    this.#log.warn(
      { event: 'torrent-not-taken', problem: (error as Error).message },
      'registration or removal of a remote site could not be applied; retrying with the next stream',
    )
  }

  async #register(infoHashes: readonly Buffer[], atMs: number, fetch: FetchTorrent): Promise<void> {
    const first = infoHashes[0] as Buffer
    this.#checkTime(first, atMs)
    if (infoHashes.some((hash) => (this.#store.removals().get(infoHashKey(hash)) ?? 0) >= atMs)) return
    const known = infoHashes.map((hash) => this.#store.find(hash)).find((found) => found !== undefined)
    if (known !== undefined && known.registeredAtMs >= atMs) return
    const response = await fetch(first)
    if (response === undefined) return
    const bytes = readResponse(response)
    const torrent = this.#describe(bytes, known)
    if (!torrent.infoHashes.some((hash) => hash.equals(first)))
      throw new InputError(`the torrent that was fetched as ${formatInfoHash(first)} has another infohash`)
    await this.#store.put({ ...torrent, registeredAtMs: atMs }, bytes)
  }

  #checkTime(infoHash: Buffer, atMs: number): void {
    const aheadMs = atMs - this.#nowMs()
    if (aheadMs > FUTURE_MS_MAX)
      throw new InputError(
        `the change of ${formatInfoHash(infoHash)} is dated ${Math.round(aheadMs / 1000)} s in the future; set the clock of the site that advertises it, or of this one`,
      )
  }

  async #remove(infoHash: Buffer, atMs: number): Promise<void> {
    this.#checkTime(infoHash, atMs)
    const known = this.#store.find(infoHash)
    if (known !== undefined && known.registeredAtMs > atMs) return
    const removedAtMs = this.#store.removals().get(infoHashKey(infoHash)) ?? 0
    // Also recorded for a torrent that is not registered here: another site may still advertise it.
    if (known !== undefined || removedAtMs < atMs)
      await this.#store.remove(infoHash, Math.max(removedAtMs, atMs))
  }

  /** Sends local and replicated changes of the store to the other sites. */
  #compare(): void {
    const now = this.#store.list()
    const { start, endBefore, endAfter } = changedRange(this.#known, now)
    const before = byPrimary(this.#known.slice(start, endBefore))
    const after = byPrimary(now.slice(start, endAfter))
    for (const [key, torrent] of after) {
      const replaced = before.get(key)
      if (replaced !== undefined && replaced.registeredAtMs >= torrent.registeredAtMs) continue
      this.#send(writeRegistered(torrent))
    }
    for (const [key, torrent] of before) {
      if (after.has(key)) continue
      const infoHash = torrent.infoHashes[0] as Buffer
      this.#send(writeRemoved(infoHash, this.#store.removals().get(key) ?? this.#nowMs()))
    }
    this.#known = now
  }
}

function byPrimary(torrents: readonly RegisteredTorrent[]): Map<string, RegisteredTorrent> {
  return new Map(torrents.map((torrent) => [infoHashKey(torrent.infoHashes[0] as Buffer), torrent]))
}

/** The bytes of the torrent. Its description is for nodes of earlier versions; this node reads the torrent instead. */
function readResponse(response: Buffer): Buffer {
  const length = response.length < LENGTH_BYTES ? Infinity : response.readUInt32BE(0)
  if (length > DESCRIPTION_BYTES_MAX || LENGTH_BYTES + length > response.length)
    throw new InputError('the response with the torrent is too short')
  return response.subarray(LENGTH_BYTES + length)
}
