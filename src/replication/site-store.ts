/**
 * Contracts of the state that the nodes of one site share. `replication/memory` and `replication/redis` implement them,
 * and test/contract runs the same suite against both.
 *
 * Nothing here may delay an announce. Calls on its path answer from memory at once; the one exception,
 * `GatewayLeases.claim`, has a deadline and a definite answer after it.
 */
import type { Override, Overrides } from './overrides.ts'

/** The shared state of one site. `open` comes first; `close` flushes what it can within its deadline. */
export interface SiteStore {
  readonly log: SiteLog
  readonly leases: GatewayLeases
  readonly completions: CompletionStore
  readonly torrents: TorrentStore
  readonly documents: DocumentStore
  readonly overrides: OverrideStore
  readonly secrets: SecretStore
  /** The time of the site, the same on all of its nodes. Setting a node's own clock does not move it back. */
  readonly clock: { nowMs(): number }
  /**
   * Connects, replays the shared state, and follows it from then on. Resolves when the replay is complete, or when the
   * store was unreachable for so long that the node runs standalone; `state` tells them apart. Rejects with a
   * `ConfigError` where the store refuses this node: wrong password, missing rights, or another kind of server than
   * configured.
   */
  open(subscriber: LogSubscriber): Promise<void>
  readonly state: StoreState
  close(): Promise<void>
}

export interface StoreState {
  readonly isUp: boolean
  /** Whether the state that the site had when this node started has been applied. */
  readonly isCaughtUp: boolean
  /** Age of the oldest record that the other nodes do not have yet, or that a crash now would lose. */
  readonly lagSeconds: number
  /** Bytes of the batches that are still to be sent. */
  readonly backlogBytes: number
  /** Batches that were dropped since the start because the backlog was full. */
  readonly droppedBatches: number
  /** Values of the store that no node wrote, and that were skipped since the start. */
  readonly invalidValues: number
  /** One sentence for people: what is wrong, since when, and what that means. */
  readonly sentence: string
}

/**
 * The log of the announces and decisions of all nodes of a site. Batches are opaque here; `replication/record-codec.ts`
 * has their layout. They may be applied in any order, and twice.
 */
export interface SiteLog {
  /** False where no other node can ever read this log: then nothing needs to be appended. */
  readonly isShared: boolean
  /**
   * Hands a batch to the other nodes of this site. Never throws and never waits: batches that cannot be sent now are
   * kept up to a limit in bytes, oldest dropped first; after a drop, and once the store is reachable, the subscriber
   * is asked for `snapshotRecords`.
   *
   * Every implementation must:
   * - deliver batches of one node in the order in which it appended them;
   * - deliver to every open subscription at least once, the appending node's own included;
   * - replay everything younger than the peer lifetime to a new subscription before it is caught up;
   * - detect that the log lost entries (emptied, trimmed, restored from a backup), and have every node resync.
   *
   * Checked by test/contract/site-log.ts.
   */
  append(batch: Buffer): void
}

/** The node behind a store: it applies the batches that are read, and supplies the records of a resync. */
export interface LogSubscriber {
  /** Synchronous, and never throws: a batch that cannot be read is counted and skipped. */
  apply(batch: Buffer): void
  /**
   * The state of this node as batches, read lazily and in slices. `all`: everything that is not known to be in the
   * log (see `forgetLogged`), locally observed peers first. A time: what this node itself observed since then.
   */
  snapshotRecords(since: 'all' | { readonly sinceMs: number }): Iterable<Buffer>
  /** The log was emptied: its former content counts as missing until it is read from the log again. */
  forgetLogged(): void
  /** Site time moved by this much: every timestamp that was taken before moves along. */
  shiftTime(byMs: number): void
  /** The authoritative number of completions of a torrent. It never decreases. */
  completed(infoHash: Buffer, count: number): void
  /** The completion counts of this node, for a store that lost them. */
  completionCounts(): Iterable<{ readonly infoHash: Buffer; readonly count: number }>
}

/** One site's right to fetch one torrent from remote sites, requested for one peer. */
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
 * Leases keep two nodes that receive an announce in the same millisecond from electing two gateways.
 *
 * Every implementation must:
 * - grant at most `holdersMax` unexpired leases of a torrent and site, over all nodes;
 * - grant again the lease that the same peer already holds, and prolong it;
 * - answer `undecided` within `CLAIM_DEADLINE_MS` where the store does not respond, and at once while it is known to be
 *   down;
 * - never reject.
 *
 * Checked by test/contract/gateway-leases.ts.
 */
export interface GatewayLeases {
  /** Not a promise where the answer is known at once: then the announce is answered in the same turn of the loop. */
  claim(request: LeaseRequest): LeaseAnswer | Promise<LeaseAnswer>
  /** Prolongs a lease, and after an outage claims one that this node granted by itself. Nothing waits for it. */
  renew(request: LeaseRequest): void
  release(request: Pick<LeaseRequest, 'infoHash' | 'site' | 'peer'>): void
}

/** `undecided`: the store did not respond, so the node decides by itself. */
export type LeaseAnswer = 'granted' | 'denied' | 'undecided'

/** An announce that elects a gateway may wait this long for the store; no other announce waits for it. */
export const CLAIM_DEADLINE_MS = 40

/**
 * Completions of each torrent over all nodes. A client counts once, also where several nodes add it.
 *
 * Every implementation must:
 * - call `LogSubscriber.completed` with the new count soon after each `add`, and with all counts when it opens;
 * - keep what is added while it is down, up to a limit, and add it later;
 * - take the larger count where it lost counts that the nodes still have.
 *
 * Checked by test/contract/completion-store.ts.
 */
export interface CompletionStore {
  /** `client`: the hash of its identity. The same client and torrent count once within an hour. */
  add(infoHash: Buffer, client: number): void
}

/**
 * Registered torrents, byte for byte as they were registered.
 *
 * Every implementation must:
 * - answer `has` at once, from memory, and by both infohashes of a hybrid torrent;
 * - replicate a torrent that one node put or removed to the others within two seconds;
 * - keep removals over a restart, with the time at which each node saw them, until a later registration;
 * - keep its torrents while the store is down; `put` and `remove` then reject with an `InputError` that explains it.
 *
 * Checked by test/contract/torrent-store.ts.
 */
export interface TorrentStore {
  has(infoHash: Buffer): boolean
  /** By either infohash of a hybrid torrent. */
  find(infoHash: Buffer): RegisteredTorrent | undefined
  /** Without their bytes, oldest first. An unchanged torrent is the same object in each list. */
  list(): readonly RegisteredTorrent[]
  /** By either infohash of a hybrid torrent. */
  read(infoHash: Buffer): Promise<Buffer | undefined>
  /** Registers, or replaces the torrent with the same infohash. */
  put(torrent: RegisteredTorrent, bytes: Buffer): Promise<void>
  /**
   * False where it was not registered; the removal is kept all the same. `atMs`: now, unless a remote site was earlier.
   */
  remove(infoHash: Buffer, atMs?: number): Promise<boolean>
  /** Times of removals by `infoHashKey`, oldest first. Those of the last months, up to a limit. */
  removals(): ReadonlyMap<string, number>
  /** Called after each change, local or replicated. */
  onChange(listener: () => void): void
}

export interface RegisteredTorrent {
  /** 20 bytes each: v1, and the first 20 of v2. At least one. */
  readonly infoHashes: readonly Buffer[]
  readonly name: string
  readonly sizeBytes: number
  readonly registeredAtMs: number
  /** The origin of the content, and other metadata of the registration; JSON that is opaque to the store. */
  readonly note: string
}

/** `document`: undefined if it was removed. */
export type DocumentListener = (key: string, document: string | undefined) => void

/**
 * Small documents that the nodes of a site share and that outlive all of them, such as the records of rollouts. A text for
 * each key; the last writer wins.
 *
 * Every implementation must:
 * - answer `get` and `entries` from memory, with what this node put last;
 * - replicate what one node put or removed to the others within two seconds, and call their listeners;
 * - give a node all documents before it is open, and call its listeners for each;
 * - keep the last text of each key while the store is down, and write it later.
 *
 * Checked by test/contract/document-store.ts.
 */
export interface DocumentStore {
  entries(): Iterable<readonly [string, string]>
  get(key: string): string | undefined
  /** `document`: not empty. Never throws and never waits. */
  put(key: string, document: string): void
  remove(key: string): void
  /** Called for documents of other nodes, and of an earlier process. */
  onChange(listener: DocumentListener): void
}

/**
 * Overrides of operators: held torrents, and rates of links.
 *
 * Every implementation must:
 * - apply an override to `current` before `put` returns its promise, also while the store is down;
 * - replicate it to the other nodes within two seconds, or once the store is up again;
 * - keep all of them over a restart of the node, and restore them to a store that lost them;
 * - let the later one of two overrides of one subject win.
 *
 * Checked by test/contract/override-store.ts.
 */
export interface OverrideStore {
  /** From memory. */
  readonly current: Pick<Overrides, 'all' | 'like' | 'isHeld' | 'holdOf' | 'rateOf'>
  /** Ignored where a later one is known. Never rejects. */
  put(override: Override): Promise<OverrideShare>
  /** Called after each change, local or replicated, with the overrides that are new. */
  onChange(listener: (changed: readonly Override[]) => void): void
}

/** `local`: the store is down, and the other nodes of the site follow once it is up. */
export type OverrideShare = 'shared' | 'local'

/**
 * The secret behind UDP connection ids, which prove the source address of a client (BEP 15). All nodes of a site share
 * it: clients keep one connection id per tracker address, and any node behind that address may answer them.
 *
 * Every implementation must give the same secrets to all nodes within two seconds, and replace them once a day;
 * the previous one stays valid until the next change. Checked by test/contract/secret-store.ts.
 */
export interface SecretStore {
  /** 32 bytes each, newest first; never empty, from memory. */
  current(): readonly Buffer[]
}

/**
 * Keeps batches beyond the life of one process, as blocks that are opaque here.
 *
 * Every implementation must:
 * - load the blocks of the last `save` that finished, in the same order, and no others;
 * - never replace a complete snapshot by an incomplete one, whenever the process ends;
 * - on damage: load the blocks before it, set the damaged file aside, and report it rather than fail.
 */
export interface SnapshotStore {
  load(apply: (block: Buffer) => void): Promise<LoadedSnapshot>
  /** Takes the blocks one by one and lets other work run in between. */
  save(blocks: Iterable<Buffer>): Promise<void>
}

export interface LoadedSnapshot {
  readonly blocks: number
  /** The damage and the new place of the file; undefined where the file was intact. */
  readonly damage: string | undefined
}
