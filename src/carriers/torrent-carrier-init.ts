/** Values that the carrier of a torrent in a site needs, and the events that it reports. */
import type { TorrentBlocks } from './block-cache.ts'
import type { CarriedClient } from './carried-client.ts'
import type { CarrierCounters } from './carrier-counters.ts'
import type { Holder } from './holder.ts'
import type { LinkContext } from './link-client.ts'
import type { TorrentGeometry } from './torrent-geometry.ts'

export interface TorrentCarrierInit extends LinkContext {
  readonly site: string
  readonly geometry: TorrentGeometry | undefined
  /** Memory that the sites of a registered torrent share. */
  readonly blocks: TorrentBlocks
  readonly isRemote: () => boolean
  readonly isCongested: () => boolean
  readonly counters: CarrierCounters
  readonly events: {
    /** Something about the client changed. */
    onClient(client: CarriedClient): void
    /** The client answered a dial, or did not. */
    onReachability(client: CarriedClient): void
    /** A client or the carrier of a site sent wrong data. */
    onLiar(holder: Holder, piece: number): void
  }
}
