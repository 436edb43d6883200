/** State of a torrent that other parts of the node decide on, as rollouts read it. */

/** The carrier of a torrent at a site. */
export interface CarriedSite {
  /** The node that carries it. */
  readonly node: string
  /** undefined while the carrier has no upstream, as at the site of the source. */
  readonly upstreamSite: string | undefined
  readonly rateBytesPerSecond: number
  /**
   * Bytes that the carrier received from each remote site since it began. undefined where another node of the site
   * carries: its record has them.
   */
  readonly received: readonly { readonly site: string; readonly bytes: number }[] | undefined
}

export interface Carriage {
  /** undefined where no carrier serves the torrent at this site. */
  find(infoHash: Buffer, site: string): CarriedSite | undefined
}

export interface Holds {
  /** An operator stopped the flow of the torrent into this site. */
  isHeld(infoHash: Buffer, site: string): boolean
  /** Called after a torrent was held or released. */
  onChange(listener: () => void): void
}

export const NOT_CARRIED: Carriage = { find: () => undefined }
