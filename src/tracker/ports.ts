/** Ports of the announce path beside the site store. Implementations answer from memory and never throw. */
import type { Address } from '../core/address.ts'
import type { Arrival } from '../core/announce.ts'
import type { Endpoint } from './endpoint.ts'

/** Decides whether a torrent is served here. */
export interface TorrentAdmission {
  admits(infoHash: Buffer): boolean
}

/** Client counts of the remote sites. Federation keeps them; a node without federation answers for all sites itself. */
export interface RemoteCounts {
  /** Over all remote sites. */
  totals(infoHash: Buffer): RemoteTotals
  /** As one remote site advertises them; undefined where the site is not remote or has not advertised the torrent. */
  countsOf(infoHash: Buffer, siteIndex: number): SiteCounts | undefined
}

export interface RemoteTotals {
  readonly seeds: number
  readonly leechers: number
  readonly partial: number
  readonly downloaded: number
}

export interface SiteCounts extends RemoteTotals {
  /** Bytes that the leechers of the site still lack, in KiB. */
  readonly leftKib: number
}

/** Takes what the addresses of clients reveal about their network, for a counter and a line in the log. */
export interface AddressReporter {
  /** Several clients announce the same torrent from this address and port. */
  sharedEndpoint(address: Address, port: number): void
  /** A response lacks this peer, because its address is a loopback address and that of the requester is not. */
  loopbackWithheld(address: Address): void
}

/** A gateway whose client is gone, or gets no piece although its upstream has some that it lacks. */
export interface GatewayLoss extends Endpoint {
  readonly infoHash: Buffer
  readonly siteIndex: number
  readonly cause: 'gone' | 'stalled'
}

/** Dials a client to find out whether it accepts connections. */
export interface ReachabilityCheck {
  /** Resolves when the outcome has been recorded in the table, or after a deadline of 250 ms without one. Never rejects. */
  check(peer: { readonly infoHash: Buffer; readonly address: Address; readonly port: number }): Promise<void>
}

/**
 * `carried`: the content of a torrent reaches a site through a node of the site. `settling`: its carrier is about to find a
 * source. `direct`: no node of the site carries it, or its carrier finds no source; gateways fetch.
 */
export type SiteTransport = 'carried' | 'settling' | 'direct'

/** `undecided`: it is not known yet whether the leechers of the site exchange pieces, which a carrier in another site needs. */
export type TransportNow = SiteTransport | 'undecided'

/** Torrents at sites whose content comes through nodes. */
export interface CarriedSites {
  transportOf(infoHash: Buffer, siteIndex: number): TransportNow
  /** One node carries for all sites: what it sends to a host crosses the link of its site. */
  readonly isForAllSites: boolean
  /** The carrier of a torrent at a site, for people; undefined where no node carries it. */
  describe(infoHash: Buffer, siteIndex: number): CarrierDescription | undefined
  /**
   * Address at which clients of the site connect to its carrier, of the same family as the client's. undefined where
   * there is none.
   */
  endpointFor(client: CarriedClient): Endpoint | undefined
}

export interface CarrierDescription {
  /** Name of the node. */
  readonly node: string
  /** It is this node. */
  readonly isHere: boolean
  readonly transport: SiteTransport
  /** The site from which it fetches; undefined at the site of the source, and where another node carries. */
  readonly upstreamSite: string | undefined
}

export interface CarriedClient {
  readonly infoHash: Buffer
  readonly siteIndex: number
  readonly isV4: boolean
  readonly isLoopback: boolean
  readonly arrival: Arrival | undefined
}
