/**
 * Facts about one client that a node saw for itself, between the announces of the client.
 */
import type { Address } from '../core/address.ts'

/** `unknown` until a dial has an outcome, and where only the node prevented the dial. */
export type Reachability = 'reachable' | 'unreachable' | 'unknown'

/** Position of a client in the order in which connections are given, most important first. */
export type Priority = 'gateway' | 'source' | 'near-completion' | 'stalled' | 'other'

export interface ClientAddress {
  readonly infoHash: Buffer
  readonly address: Address
  readonly port: number
}

export interface Observation extends ClientAddress {
  readonly reachability: Reachability
  /** Completion, 0 to 1. Undefined until the client has shown its pieces. 1 only where `isComplete`. */
  readonly share: number | undefined
  readonly isComplete: boolean
  /**
   * Time at which this was so, in UTC: the present for a client whose HAVE messages arrive, otherwise the last message or
   * the last outcome of a dial. Later observations of a client have a later time.
   */
  readonly observedAtMs: number
  /** Time of the last new piece. Undefined before the first one. */
  readonly progressedAtMs: number | undefined
  /** Mean of about ten seconds. Times the size of the torrent, this is bytes per second. */
  readonly sharePerSecond: number
  /** The client was reachable, and now its port is closed or its host does not answer. */
  readonly isGone: boolean
  /** The client lacks pieces and has shown no new one for a while. Its upstream may lack them too. */
  readonly isStalled: boolean
  /** It accepted a dial and refused the handshake of a carrier. */
  readonly refusesNode?: boolean
}
