/**
 * What the tracker needs from outside, as contracts. `replication/memory` and `replication/redis` implement them, and
 * test/contract runs the same suite against both.
 *
 * Nothing here may delay an announce. What is asked on its path answers from memory at once; the one exception,
 * `GatewayLeases.claim`, has a deadline and a definite answer after it.
 */

/**
 * What the nodes of one site have in common. `open` before anything else; `close` flushes what it can within
 * its deadline.
 */
export interface SiteStore {
  readonly log: SiteLog
  readonly leases: GatewayLeases
  readonly completions: CompletionStore
  readonly torrents: TorrentStore
  readonly secrets: SecretStore
  /** Time as all nodes of the site count it. Never steps back by a node's own clock being set. */
  readonly clock: { nowMs(): number }
  /**
   * Connects, reads what is shared, and follows it from then on. Resolves when the replay is complete, or when
   * the store could not be reached for so long that the node goes on alone; `state` says which. Rejects with a
   * `ConfigError` where the store refuses this node: wrong password, missing rights, not the server it was
   * configured as.
   */
  open(subscriber: LogSubscriber): Promise<void>
  readonly state: StoreState
  close(): Promise<void>
}

export interface StoreState {
  readonly isUp: boolean
  /** Whether everything that the site knew when this node came has been applied. */
  readonly isCaughtUp: boolean
  /** How long ago the oldest record was made that others have not been told yet; or that would be lost by a crash now. */
  readonly lagSeconds: number
  /** Batches that wait to be sent, in bytes; and how many were dropped since the start because they waited too long. */
  readonly backlogBytes: number
  readonly droppedBatches: number
  /** One sentence for people: what is wrong, since when, and what that means. */
  readonly sentence: string
}

/**
 * The record of what the nodes of a site heard and decided. Batches are opaque here; `replication/records.ts`
 * has their layout. They may be applied in any order, and twice.
 */
export interface SiteLog {
  /** False where no other node can ever read this log: then nothing needs to be appended. */
  readonly isShared: boolean
  /**
   * Hands a batch to the other nodes of this site. Never throws and never waits: what cannot be sent now is kept,
   * oldest dropped first, up to a limit in bytes; after a drop the subscriber is asked to `dump` once it can be sent.
   *
   * Every implementation must:
   * - deliver batches of one node in the order in which it appended them;
   * - deliver to every open subscription at least once, the appending node's own included;
   * - replay everything younger than the peer lifetime to a new subscription before it is caught up;
   * - notice that the log lost what it had (emptied, trimmed, restored from a backup), and have it dumped anew.
   *
   * Checked by test/contract/site-log.ts.
   */
  append(batch: Buffer): void
}

/** The node behind a store: what is read goes in here, and what must be written anew comes from here. */
export interface LogSubscriber {
  /** Synchronous, and never throws: a batch that cannot be read is counted and passed over. */
  apply(batch: Buffer): void
  /**
   * What this node knows, as batches, read lazily and in slices. `all`: everything that is not known to be in the
   * log (see `forgetLogged`), what this node itself heard first. A number: what this node itself heard since then.
   */
  dump(since: 'all' | { readonly sinceMs: number }): Iterable<Buffer>
  /** The log was emptied: whatever it held is to be considered missing from it until it is read from it again. */
  forgetLogged(): void
  /** Site time moved by this much against what was used until now: everything that was noted moves along. */
  shiftTime(byMs: number): void
  /** The authoritative number of completions of a torrent. Only ever grows. */
  completed(infoHash: Buffer, count: number): void
  /** The completion counts that this node knows, for a store that lost them. */
  completionCounts(): Iterable<{ readonly infoHash: Buffer; readonly count: number }>
}

/** One site's right to fetch one torrent from elsewhere, asked for one peer. */
export interface LeaseRequest {
  readonly infoHash: Buffer
  /** Name of the site whose gateway it is. */
  readonly site: string
  /** The peer: compact address and port, 6 or 18 bytes. */
  readonly peer: Buffer
  readonly lifetimeMs: number
  /** How many peers may hold one at the same time. */
  readonly holdersMax: number
}

/**
 * Leases keep two nodes that are hit in the same millisecond from making two gateways.
 *
 * Every implementation must:
 * - grant at most `holdersMax` unexpired leases of a torrent and site, over all nodes;
 * - grant again what the same peer already holds, and prolong it;
 * - answer `alone` within `CLAIM_DEADLINE_MS` where it cannot know, and at once while it is known to be down;
 * - never reject.
 *
 * Checked by test/contract/gateway-leases.ts.
 */
export interface GatewayLeases {
  /** Not a promise where the answer is known at once: then the announce is answered without a turn of the loop. */
  claim(request: LeaseRequest): LeaseAnswer | Promise<LeaseAnswer>
  /** Prolongs, and takes back after an outage what this node decided alone. Told, not asked: nothing waits for it. */
  renew(request: LeaseRequest): void
  release(request: Pick<LeaseRequest, 'infoHash' | 'site' | 'peer'>): void
}

/** `alone`: nobody could be asked, so the node decides by itself. */
export type LeaseAnswer = 'granted' | 'taken' | 'alone'

/** An announce that makes a gateway may wait this long for the other nodes' consent; no other announce waits at all. */
export const CLAIM_DEADLINE_MS = 40

/**
 * How often each torrent was completed, over all nodes, each client once however many of them it told.
 *
 * Every implementation must:
 * - call `LogSubscriber.completed` with the new count soon after each `add`, and with all counts when it opens;
 * - keep what is added while it is down, up to a limit, and add it later;
 * - take the larger of both where it lost counts that the nodes still know.
 *
 * Checked by test/contract/completion-store.ts.
 */
export interface CompletionStore {
  /** `client`: the hash of its identity. The same client and torrent count once within an hour. */
  add(infoHash: Buffer, client: number): void
}

/**
 * Registered torrents, whole and as they were registered.
 *
 * Every implementation must:
 * - answer `has` at once, from memory, and by both infohashes of a hybrid torrent;
 * - make a torrent that one node put or removed known to the others within two seconds;
 * - remember over a restart what was removed and when, as each node saw it, until it is registered later than that;
 * - keep what it knows while the store is down; `put` and `remove` then reject with an `InputError` that says so.
 *
 * Checked by test/contract/torrent-store.ts.
 */
export interface TorrentStore {
  has(infoHash: Buffer): boolean
  /** Without their bytes, oldest first. */
  list(): readonly RegisteredTorrent[]
  /** By either infohash of a hybrid torrent. */
  read(infoHash: Buffer): Promise<Buffer | undefined>
  /** Registers, or replaces what has the same infohash. */
  put(torrent: RegisteredTorrent, bytes: Buffer): Promise<void>
  /** False where there was none; it is remembered as removed all the same. `atMs`: now, unless it was elsewhere before. */
  remove(infoHash: Buffer, atMs?: number): Promise<boolean>
  /** When what was removed, by `infoHashKey`; oldest first. Those of the last months, up to a limit. */
  removals(): ReadonlyMap<string, number>
  /** Called after each change, whoever made it. */
  onChange(listener: () => void): void
}

export interface RegisteredTorrent {
  /** 20 bytes each: v1, and the first 20 of v2. At least one. */
  readonly infoHashes: readonly Buffer[]
  readonly name: string
  readonly sizeBytes: number
  readonly registeredAtMs: number
  /** Where the content comes from, and what else the registrar noted; opaque to the store, JSON. */
  readonly note: string
}

/**
 * What proves that a UDP client is where it says: one secret for all nodes of a site, since clients keep a
 * connection id per address and may be answered by any node behind it (BEP 15).
 *
 * Every implementation must give the same secrets to all nodes within two seconds, and replace them once a day;
 * the one before stays valid until the next change. Checked by test/contract/secret-store.ts.
 */
export interface SecretStore {
  /** 32 bytes each, newest first; never empty, from memory. */
  current(): readonly Buffer[]
}

/**
 * Keeps batches beyond the life of one process, as blocks whose content it does not know.
 *
 * Every implementation must:
 * - load the blocks of the last `save` that finished, in the same order, and no others;
 * - never replace what was saved by something incomplete, whenever the process ends;
 * - on damage: load what comes before it, set the damaged file aside, and say so rather than fail.
 */
export interface SnapshotStore {
  load(apply: (block: Buffer) => void): Promise<Loaded>
  /** Takes the blocks one by one and lets other work run in between. */
  save(blocks: Iterable<Buffer>): Promise<void>
}

export interface Loaded {
  readonly blocks: number
  /** What was damaged and where it was put; undefined where all was well. */
  readonly damage: string | undefined
}
