/** Values that the router of blocks needs, and the events that it reports. */
import type { SiteBlocks } from './block-cache.ts'
import type { Holder } from './holder.ts'
import type { TorrentGeometry } from './torrent-geometry.ts'
import type { UnprovenBlocks } from './unproven-blocks.ts'

export interface RouterEvents {
  /** The piece is checked and cached. The receiver releases it. */
  onPiece(piece: number): void
  /** Blocks of this piece that were passed on may be wrong. */
  onInvalid(piece: number): void
  /** The holder sent wrong data. The caller removes it. */
  onLiar(holder: Holder, piece: number): void
  /** Clients of the site have the piece, and none of them answers. */
  onChoked(piece: number): void
  /** The holder sent bytes that are used. */
  onReceived(holder: Holder, bytes: number): void
  /** The holder sent a block that is not outstanding, such as one after its cancellation. */
  onUnrequested(holder: Holder, bytes: number): void
}

export interface RouterInit {
  /** Undefined where the torrent is not registered. */
  readonly geometry: TorrentGeometry | undefined
  readonly cache: SiteBlocks
  /** Of a torrent that is not registered. */
  readonly unproven: UnprovenBlocks
  readonly nowMs: () => number
  readonly events: RouterEvents
}

export type RequestResult = 'accepted' | 'out-of-range'
