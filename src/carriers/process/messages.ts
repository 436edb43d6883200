/**
 * Messages between a node and the process of its carriers. Both are of one build, therefore messages have no version and
 * are not checked. Commands are sent in batches, at most one each 50 ms; a new client and the outcome of a dial are sent at
 * once. Buffers are passed as they are (`serialization: 'advanced'`).
 */
import type { SiteCredentials } from '../../core/site-credentials.ts'
import type { DialledSite } from '../link/link-dialer.ts'

export interface CarriedClientAddress {
  readonly site: string
  readonly infoHash: Uint8Array
  readonly address: string
  readonly port: number
}

export interface SiteRate {
  readonly from: string
  readonly to: string
  /** Bytes of blocks. Undefined: as fast as the connections allow. Zero: nothing. */
  readonly bytesPerSecond: number | undefined
}

export type CarrierCommand =
  | ({
      readonly kind: 'client'
      readonly isAnnouncedComplete: boolean
      readonly leftKib?: number | undefined
    } & CarriedClientAddress)
  | ({ readonly kind: 'remove' } & CarriedClientAddress)
  | {
      readonly kind: 'geometry'
      readonly infoHash: Uint8Array
      readonly totalBytes: number
      readonly pieceBytes: number
      readonly hashes: Uint8Array
    }
  | { readonly kind: 'forget'; readonly infoHash: Uint8Array }
  | {
      readonly kind: 'sites'
      readonly sites: readonly DialledSite[]
      readonly hasOwnUrls: boolean
      /** The node carries for all sites, and may be in none of them. */
      readonly isForAllSites: boolean
      /** Cost between two sites, by name. */
      readonly costs: readonly (readonly [string, string, number])[]
    }
  | ({ readonly kind: 'rate' } & SiteRate)
  /** For connections to nodes of other sites from now on. */
  | { readonly kind: 'credentials'; readonly credentials: SiteCredentials }
  /** No content of the torrent flows to the site. `site`: undefined for all sites. */
  | {
      readonly kind: 'hold'
      readonly infoHash: Uint8Array
      readonly site: string | undefined
      readonly isOnHold: boolean
    }

export type ToCarriers =
  | { readonly kind: 'commands'; readonly commands: readonly CarrierCommand[] }
  /** With the socket of an accepted connection of another node. `head`: what was read from it already. `site`: of its certificate. */
  | { readonly kind: 'connection'; readonly head: Uint8Array; readonly site: string | undefined }
  /** The node runs. Sent each second; without it, the process puts all torrents on hold. */
  | { readonly kind: 'alive' }
  | { readonly kind: 'stop' }

/** An `Observation` with an address in text. */
export interface CarrierObservation {
  readonly infoHash: Uint8Array
  readonly address: string
  readonly port: number
  readonly reachability: 'reachable' | 'unreachable' | 'unknown'
  readonly share: number | undefined
  readonly isComplete: boolean
  readonly observedAtMs: number
  readonly progressedAtMs: number | undefined
  readonly sharePerSecond: number
  readonly isGone: boolean
  readonly isStalled: boolean
  readonly refusesNode?: boolean
}

/** A `Carriage` of the process: one torrent at one site. */
export interface CarriageMessage {
  readonly site: string
  readonly infoHash: Uint8Array
  readonly hasSource: boolean
  readonly upstream: string | undefined
  readonly needsPieces: boolean
  readonly hosts: number
  readonly bytesPerSecond: number
  readonly received: readonly (readonly [string, number])[]
}

export interface CarrierReading {
  /** Torrents that have a carrier, by site. */
  readonly relays: readonly (readonly [string, number])[]
  /** Bytes since the start of the process: to, from. */
  readonly relayed: readonly (readonly [string, string, number])[]
  readonly linkedSites: readonly string[]
  readonly linkedNodes: number
  readonly cachedBytes: number
  readonly liars: number
  readonly piecesInvalid: number
  /** Connections to `listen.peers` that were closed before they became the link of a client. */
  readonly rejectedPeers: number
  readonly faults: Readonly<Record<string, number>>
  /** Outcomes of dials and connections, as observers count them. */
  readonly observations: Readonly<Record<string, number>>
}

export type FromCarriers =
  /** `peersPort`: of `listen.peers`. Undefined where the process does not listen there. */
  | { readonly kind: 'ready'; readonly peersPort: number | undefined }
  | { readonly kind: 'observations'; readonly batch: readonly CarrierObservation[] }
  /** `ended`: the process does not carry them any more. */
  | {
      readonly kind: 'carriage'
      readonly changed: readonly CarriageMessage[]
      readonly ended: readonly Pick<CarriageMessage, 'site' | 'infoHash'>[]
    }
  | { readonly kind: 'reading'; readonly reading: CarrierReading }
  | {
      readonly kind: 'log'
      readonly level: 'debug' | 'info' | 'warn' | 'error'
      readonly fields: { readonly event: string; readonly [field: string]: unknown }
      readonly text: string
    }

/** The first message to the process. */
export interface CarrierArguments {
  readonly ownSite: string
  readonly cacheBytes: number
  /** undefined where the node is not federated. */
  readonly credentials: SiteCredentials | undefined
  /** `listen.peers`, where clients that cannot be dialled connect. Undefined: not at all. Port 0: a free one. */
  readonly peers?: { readonly host: string; readonly port: number } | undefined
  readonly seed: number
}
