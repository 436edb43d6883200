/**
 * What a client says and hears, whatever the wire. Sources: BEP 3, 7, 15, 21, 23, 48.
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
  /** Bytes still missing, saturated at 2^53-1. undefined: not said, or not a number, so a leecher. */
  readonly leftBytes: number | undefined
  readonly event: AnnounceEvent
  /** undefined: the tracker chooses. 0 means none. */
  readonly peersWanted: number | undefined
  /** Opaque; empty where there is none. Only compared for equality. */
  readonly key: Buffer
}

export interface AnnounceReply {
  /** Peers with all of the torrent. */
  readonly complete: number
  /** Peers without, partial seeds included. */
  readonly incomplete: number
  /** How often the torrent was completed. */
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

/** What the tracker does. `from` is the client's proven address; a `Refusal` says why it was turned away. */
export interface TrackerService {
  /**
   * Throws only a `Refusal`. `protocol` is for the metrics. A promise for the few announces whose answer other
   * nodes have a say in, or that are better answered a little later; it, too, rejects with a `Refusal` alone.
   */
  announce(
    request: AnnounceRequest,
    from: Address,
    protocol: 'http' | 'udp',
  ): AnnounceReply | Promise<AnnounceReply>
  /** One entry a hash, in the order asked; zeros for a torrent nobody announced. Throws only a `Refusal`. */
  scrape(infoHashes: readonly Buffer[], from: Address): ScrapeCounts[]
}
