/**
 * Announce and scrape, request and response, independent of the transport. Sources: BEP 3, 7, 15, 21, 23, 48.
 */
import type { Address } from './address.ts'

/** `paused` is BEP 21: a partial seed, incomplete and not downloading. */
export type AnnounceEvent = 'none' | 'started' | 'completed' | 'stopped' | 'paused'

export interface AnnounceRequest {
  /** 20 bytes. */
  readonly infoHash: Buffer
  /** 20 bytes. */
  readonly peerId: Buffer
  /** 0 … 65535. 0 only together with `stopped`. */
  readonly port: number
  /** Bytes since `started`. 0 where the client sent nothing usable. */
  readonly downloadedBytes: number
  /** Bytes since `started`. 0 where the client sent nothing usable. */
  readonly uploadedBytes: number
  /** Bytes still missing, saturated at 2^53-1. undefined if absent or not a number; the peer then counts as a leecher. */
  readonly leftBytes: number | undefined
  readonly event: AnnounceEvent
  /** undefined: the tracker chooses the number. 0: no peers. */
  readonly peersWanted: number | undefined
  /** Opaque, compared only for equality; empty if absent. */
  readonly key: Buffer
}

export interface AnnounceReply {
  /** Peers that have the complete torrent. */
  readonly complete: number
  /** All other peers, partial seeds included. */
  readonly incomplete: number
  /** Number of completed downloads of the torrent. */
  readonly downloaded: number
  readonly intervalSeconds: number
  readonly intervalSecondsMin: number
  /** 6 bytes each: address and port, big-endian (BEP 23). Nearest first. */
  readonly peers4: Buffer
  /** 18 bytes each (BEP 7). Nearest first. */
  readonly peers6: Buffer
}

export interface ScrapeCounts {
  readonly complete: number
  readonly downloaded: number
  /** Leechers without the partial seeds (BEP 21). */
  readonly downloaders: number
  readonly incomplete: number
}

/** Read only where a response needs it: the address of the node to which the client connected. */
export interface Arrival {
  readonly localAddress?: string | undefined
}

/** The use cases of the tracker. `from` is the client's proven address; a `Refusal` carries the reason of a rejection. */
export interface TrackerService {
  /**
   * Throws only a `Refusal`. `protocol` is for the metrics. Returns a promise for the few announces whose response
   * depends on other nodes or is deferred, and for all where another process has the swarm table; the promise, too,
   * rejects only with a `Refusal`. `arrival`: the socket on which the request arrived, where that is known.
   */
  announce(
    request: AnnounceRequest,
    from: Address,
    protocol: 'http' | 'udp',
    arrival?: Arrival,
  ): AnnounceReply | Promise<AnnounceReply>
  /**
   * One entry per hash, in request order; zeros for a torrent without announces. Throws only a `Refusal`, and the
   * promise, if there is one, rejects only with a `Refusal`.
   */
  scrape(infoHashes: readonly Buffer[], from: Address): ScrapeCounts[] | Promise<ScrapeCounts[]>
}
