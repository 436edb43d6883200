/**
 * The carrier of a site for one torrent as carriers of other sites see it: what it can deliver, its place in the tree,
 * and a connection that fetches from it. One in the same process and one of another node look the same.
 */
import type { Holder } from './holder.ts'
import type { TorrentCarrier } from './torrent-carrier.ts'

export interface UpstreamConnection {
  readonly holder: Holder
  /** Called a few times a second. */
  tick(): void
  close(): void
}

export interface CarrierView {
  readonly site: string
  /** A client of the site has all pieces. */
  readonly hasSource: boolean
  /** Place in the tree. Undefined while the site has none. */
  readonly rank: number | undefined
  /** The site, its upstream, and so on up to a source. Empty where the node does not carry the torrent. */
  readonly path: readonly string[]
  /** Pieces of the torrent; zero where their number is not known. */
  readonly pieces: number
  /** Pieces that the site can deliver. */
  readonly availablePieces: number
  /** Other sites that fetch from it. */
  readonly sitesFed: number
  /** Fetches for a carrier of this process. */
  connect(to: TorrentCarrier): UpstreamConnection
}
