/**
 * What the tracker needs from outside, as contracts.
 */

/** Whether a torrent is served. Answers at once, from memory. */
export interface TorrentAdmission {
  admits(infoHash: Buffer): boolean
}

/**
 * Keeps swarm state beyond the life of one process, as blocks whose content it does not know.
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
