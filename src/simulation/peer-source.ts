/** The announce interface of a modelled tracker: the only difference between policies. */
import type { AnnounceEvent } from '../core/announce.ts'

export interface SimulatedAnnounce {
  readonly host: number
  readonly event: AnnounceEvent
  readonly leftBytes: number
  readonly downloadedBytes: number
}

export interface SimulatedResponse {
  readonly hosts: readonly number[]
  readonly intervalSeconds: number
  readonly intervalSecondsMin: number
}

export interface PeerSource {
  /** undefined where the response is deferred. */
  announce(announce: SimulatedAnnounce): SimulatedResponse | undefined
  /** The deferred response to a host; undefined while it is too early. */
  attempt?(host: number): SimulatedResponse | undefined
}
