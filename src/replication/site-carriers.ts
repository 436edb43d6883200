/**
 * The nodes of the site that carry content, and the torrents that each of them carries.
 *
 * A torrent without a carrier belongs to one of them by rendezvous hashing, which every node computes alike; it then
 * stays there until that node is gone, because a move would lose what the carrier has in memory. Nodes count as gone by
 * comparison with this node's own batches in the log: while the log stalls, none is gone, and no torrent moves.
 */
import { infoHashKey } from '../core/info-hash.ts'
import { hashWords } from '../swarm/peer-hash.ts'
import type { CarriageRecord, CarriageState, CarrierNodeRecord } from './records.ts'

/** A node that carries shows it this often. */
export const CARRIER_HEARTBEAT_MS = 1_000
/** One heartbeat may be lost, and the next one late: a torrent has another carrier within five seconds. */
const ALIVE_MS = 2_800
/** Batches from before that are those of a replay. */
const FRESH_MS = 10_000
/** More are not those of one site: the log is damaged. */
const NODES_MAX = 1_000
const TORRENTS_MAX = 100_000

interface CarrierNode {
  seenMs: number
  record: CarrierNodeRecord
}

/** What another node carries of one torrent, by name of the site. */
interface CarriedElsewhere {
  readonly node: number
  readonly states: Map<string, CarriageState>
}

export interface CarrierOwner {
  readonly node: CarrierNodeRecord
  /** By name of the site. */
  readonly states: ReadonlyMap<string, CarriageState>
}

export class SiteCarriers {
  readonly #own: number
  #ownSeenMs = 0
  /** By the first 32 bits of the node id. Without this node. */
  readonly #nodes = new Map<number, CarrierNode>()
  readonly #torrents = new Map<string, CarriedElsewhere>()
  /** This node carries. */
  isCarrying = false

  /** `own`: the id of this node, 8 bytes. */
  constructor(own: Buffer) {
    this.#own = own.readUInt32BE(0)
  }

  /** A batch was read, written by this node at `atMs`. */
  note(node: Buffer, atMs: number, nowMs: number): void {
    const id = node.readUInt32BE(0)
    if (nowMs - atMs >= FRESH_MS) return
    if (id === this.#own) this.#ownSeenMs = nowMs
    else {
      const known = this.#nodes.get(id)
      if (known !== undefined) known.seenMs = nowMs
    }
  }

  noteNode(node: Buffer, record: CarrierNodeRecord, atMs: number, nowMs: number): void {
    const id = node.readUInt32BE(0)
    if (id === this.#own || nowMs - atMs >= FRESH_MS) return
    if (!record.isCarrying) this.#nodes.delete(id)
    else if (this.#nodes.size < NODES_MAX || this.#nodes.has(id))
      this.#nodes.set(id, { seenMs: nowMs, record })
  }

  noteCarriage(node: Buffer, { infoHash, site, state }: CarriageRecord, atMs: number, nowMs: number): void {
    const id = node.readUInt32BE(0)
    if (id === this.#own || nowMs - atMs >= FRESH_MS) return
    const key = infoHashKey(infoHash)
    const known = this.#torrents.get(key)
    if (state === 'ended') {
      if (known?.node === id) this.#torrents.delete(key)
      return
    }
    if (known?.node === id) known.states.set(site, state)
    else if (known !== undefined || this.#torrents.size < TORRENTS_MAX)
      this.#torrents.set(key, { node: id, states: new Map([[site, state]]) })
  }

  /** The other node that carries the torrent, while it is alive. */
  ownerOf(infoHash: Buffer): CarrierOwner | undefined {
    const key = infoHashKey(infoHash)
    const carried = this.#torrents.get(key)
    const node = carried === undefined ? undefined : this.#alive(carried.node)
    if (carried === undefined) return undefined
    if (node === undefined) {
      this.#torrents.delete(key)
      return undefined
    }
    return { node: node.record, states: carried.states }
  }

  /** Torrents that other live nodes carry. */
  *carriedElsewhere(): Iterable<Buffer> {
    for (const key of this.#torrents.keys()) {
      const infoHash = Buffer.from(key, 'latin1')
      if (this.ownerOf(infoHash) !== undefined) yield infoHash
    }
  }

  /** The node to which a torrent without a carrier belongs. undefined where no node carries. */
  candidateFor(infoHash: Buffer): 'own' | CarrierNodeRecord | undefined {
    const key = infoHash.readUInt32BE(0)
    let best: 'own' | CarrierNodeRecord | undefined = this.isCarrying ? 'own' : undefined
    let bestWeight = this.isCarrying ? weight(this.#own, key) : -1
    for (const id of this.#nodes.keys()) {
      const node = this.#alive(id)
      if (node === undefined) continue
      const own = weight(id, key)
      if (own > bestWeight) [best, bestWeight] = [node.record, own]
    }
    return best
  }

  #alive(id: number): CarrierNode | undefined {
    const node = this.#nodes.get(id)
    if (node === undefined) return undefined
    if (this.#ownSeenMs - node.seenMs < ALIVE_MS) return node
    this.#nodes.delete(id)
    return undefined
  }
}

function weight(node: number, key: number): number {
  return hashWords(node, key, 1, 0)
}
