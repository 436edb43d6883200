/** What a modelled client asks a tracker, and what it is told: the one thing that differs between policies. */
import type { AnnounceEvent } from '../core/announce.ts'

export interface Asking {
  readonly host: number
  readonly event: AnnounceEvent
  readonly leftBytes: number
  readonly downloadedBytes: number
}

export interface Told {
  readonly hosts: readonly number[]
  readonly intervalSeconds: number
  readonly intervalSecondsMin: number
}

export interface PeerSource {
  announce(asking: Asking): Told
}
