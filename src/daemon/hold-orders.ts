/** Passes holds of registered torrents on to the carriers: the sites in which each torrent is held. */
import { infoHashKey } from '../core/info-hash.ts'
import type { RolloutHolds } from '../registry/rollout-holds.ts'
import type { TorrentRegistry } from '../registry/torrent-registry.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'

export interface HoldOrder {
  readonly infoHash: Buffer
  readonly site: string
  readonly isHeld: boolean
}

export interface HoldOrdersComponents {
  readonly holds: RolloutHolds
  readonly registry: TorrentRegistry
  readonly topology: CurrentTopology
  readonly setHold: (order: HoldOrder) => void
}

export class HoldOrders {
  readonly #components: HoldOrdersComponents
  /** Torrents that are held, by infohash and site. */
  #sent = new Map<string, Omit<HoldOrder, 'isHeld'>>()

  constructor(components: HoldOrdersComponents) {
    this.#components = components
    components.holds.onChange(() => this.compare())
    // A hold may arrive before the torrent that it is for.
    components.registry.onChange(() => this.compare())
    components.topology.onReplace(() => this.compare())
  }

  /** Sets the holds that changed. Called once the store is open. */
  compare(): void {
    const { setHold } = this.#components
    const held = this.#held()
    const before = this.#sent
    this.#sent = held
    for (const [key, order] of held) if (!before.has(key)) setHold({ ...order, isHeld: true })
    for (const [key, order] of before) if (!held.has(key)) setHold({ ...order, isHeld: false })
  }

  #held(): Map<string, Omit<HoldOrder, 'isHeld'>> {
    const { holds, topology } = this.#components
    const held = new Map<string, Omit<HoldOrder, 'isHeld'>>()
    for (const infoHash of holds.everHeld())
      for (const { name: site } of topology.value.sites)
        if (holds.isHeld(infoHash, site)) held.set(`${infoHashKey(infoHash)} ${site}`, { infoHash, site })
    return held
  }
}
