/**
 * Detects several clients behind one address and port, such as hosts behind a NAT without a port of their own each. The
 * table has one row for each endpoint, so the last of them to announce replaces the others, and a stop of one removes
 * all.
 *
 * A restarted client has a new identity, and does not return to its former one. Identities that alternate, A, B, A,
 * therefore belong to different clients. The key differs between HTTP and UDP for the same client, so the peer ids have
 * to differ too. Only changes of identity are kept.
 */
import type { Address } from '../core/address.ts'
import type { AnnounceRequest } from '../core/announce.ts'
import { hashIdentity } from '../swarm/peer-hash.ts'
import { RecentMap } from '../swarm/recent-map.ts'

/** The last change of an endpoint: the identity that was replaced, and the peer id of the one that replaced it. */
interface Change {
  readonly identityBefore: number
  readonly peerIdAfter: number
}

const NO_KEY = Buffer.alloc(0)

export class SharedEndpoints {
  /** Each client of an endpoint announces at least once in two hours. */
  readonly #changes = new RecentMap<string, Change>({ entriesMax: 4_096, keptMs: 2 * 3_600_000 })

  /** Records that an announce replaces a live peer of another identity. Returns true if the identities alternate. */
  alternates(
    request: Pick<AnnounceRequest, 'infoHash' | 'peerId' | 'port'>,
    from: Address,
    identity: { readonly before: number; readonly after: number },
    nowMs: number,
  ): boolean {
    const endpoint = `${request.infoHash.toString('latin1')}${from.toString()} ${request.port}`
    const peerId = hashIdentity(request.peerId, NO_KEY, from)
    const last = this.#changes.get(endpoint)
    this.#changes.set(endpoint, { identityBefore: identity.before, peerIdAfter: peerId }, nowMs)
    return last !== undefined && last.identityBefore === identity.after && last.peerIdAfter !== peerId
  }
}
