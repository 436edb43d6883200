/**
 * The nodes of the site that are alive, and the share of its clients that each of them observes.
 *
 * A node is alive while it writes to the site log; an idle one writes an empty batch as a heartbeat. Clients are divided
 * by rendezvous hashing (Thaler, Ravishankar 1998): when a node dies, only its clients move, and every node computes the
 * same owner without asking another.
 */
import { hashWords } from '../swarm/peer-hash.ts'

/** An idle node writes this often. */
export const HEARTBEAT_MS = 2_000
/** Two heartbeats may be late. */
const ALIVE_MS = 6_500

export class SiteMembers {
  readonly #own: number
  /** By the first 32 bits of the node id: the time of its last batch. */
  readonly #lastSeenMs = new Map<number, number>()

  /** `own`: the id of this node, 8 bytes. */
  constructor(own: Buffer) {
    this.#own = own.readUInt32BE(0)
  }

  /** A batch of this node was read, written at `atMs`. Old batches of a replay do not count. */
  note(node: Buffer, atMs: number, nowMs: number): void {
    if (nowMs - atMs < ALIVE_MS) this.#lastSeenMs.set(node.readUInt32BE(0), nowMs)
  }

  /** Whether this node observes the client with this key, a hash that all nodes compute alike. */
  owns(key: number, nowMs: number): boolean {
    const own = weight(this.#own, key)
    for (const [node, lastSeenMs] of this.#lastSeenMs) {
      if (node === this.#own) continue
      if (nowMs - lastSeenMs >= ALIVE_MS) this.#lastSeenMs.delete(node)
      else if (weight(node, key) > own) return false
    }
    return true
  }
}

function weight(node: number, key: number): number {
  return hashWords(node, key, 0, 0)
}
