/**
 * Several clients behind one address and port, such as hosts behind a NAT without a port of their own each. The table has
 * one row for each endpoint, and this row belongs to the client that announced first.
 *
 * Threat: a host behind the NAT address of another one stops its peer, or announces it as complete. An announce with
 * another peer id or key is therefore answered and not recorded, until the recorded client has been silent for longer
 * than its interval: a client that restarts has a new peer id, and takes its row over then. UDP carries no usable key, so an
 * announce over UDP matches by its peer id alone, and only a peer that was recorded without a key.
 *
 * An endpoint is reported if the recorded client announces again after another one: both run.
 */
import type { Address } from '../core/address.ts'
import type { AnnounceRequest } from '../core/announce.ts'
import { indexHash } from '../swarm/index-hash.ts'
import { hashIdentity } from '../swarm/peer-hash.ts'
import type { PeerRows } from '../swarm/peer-rows.ts'
import { RecentMap } from '../swarm/recent-map.ts'

type Announcing = Pick<AnnounceRequest, 'infoHash' | 'peerId' | 'port' | 'key'>

/** The last client that announced from an endpoint without being recorded. */
interface Other {
  readonly peerId: number
  readonly atMs: number
}

const NO_KEY = Buffer.alloc(0)

/** Each client of an endpoint announces at least once in this time. */
const KEPT_MS = 2 * 3_600_000

/** True if a live row belongs to another client than the one that announces. */
export function belongsToOther(
  rows: PeerRows,
  row: number,
  { peerId, key }: Pick<Announcing, 'peerId' | 'key'>,
  from: Address,
  nowMs: number,
): boolean {
  const identity = rows.identity(row)
  if (identity === hashIdentity(peerId, key, from)) return false
  if (key.length > 0 && identity === hashIdentity(peerId, NO_KEY, from)) return false
  // A lifetime is two intervals and slack.
  const silentMs = nowMs - rows.lastSeenMs(row, nowMs)
  return silentMs * 2 < rows.lifetimeSeconds(row) * 1000
}

export class SharedEndpoints {
  readonly #others = new RecentMap<number, Other>({ entriesMax: 4_096, keptMs: KEPT_MS })

  /** Another client than the recorded one announces. */
  noteOther({ infoHash, peerId, port }: Announcing, from: Address, nowMs: number): void {
    const other = { peerId: hashIdentity(peerId, NO_KEY, from), atMs: nowMs }
    this.#others.set(indexHash.peer(infoHash, from, port), other, nowMs)
  }

  /** The recorded client announces. True, once, if another one has announced since its last announce. */
  alternates({ infoHash, peerId, port }: Announcing, from: Address, nowMs: number): boolean {
    if (this.#others.size === 0) return false
    const endpoint = indexHash.peer(infoHash, from, port)
    const other = this.#others.get(endpoint)
    if (other === undefined) return false
    this.#others.delete(endpoint)
    return other.peerId !== hashIdentity(peerId, NO_KEY, from) && nowMs - other.atMs < KEPT_MS
  }
}
