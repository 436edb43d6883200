/**
 * Holds of registered torrents: while a torrent is held in a site, nodes carry no content of it into that site and to its
 * hosts.
 *
 * Only a registered torrent can be held: a hold is an order for all nodes of all sites, and all of them have the
 * registration.
 */
import type { Clock } from '../core/clock.ts'
import { infoHashKey } from '../core/info-hash.ts'
import type { OverrideShare, OverrideStore } from '../replication/site-store.ts'
import type { Registration } from './registration.ts'
import type { TorrentRegistry } from './torrent-registry.ts'

export interface RolloutHoldsComponents {
  readonly store: OverrideStore
  readonly registry: Pick<TorrentRegistry, 'find'>
  readonly clock: Clock
}

export class RolloutHolds {
  readonly #store: OverrideStore
  readonly #registry: Pick<TorrentRegistry, 'find'>
  readonly #clock: Clock

  constructor({ store, registry, clock }: RolloutHoldsComponents) {
    this.#store = store
    this.#registry = registry
    this.#clock = clock
  }

  /** By either infohash of a hybrid torrent. False for a torrent that is not registered. */
  isHeld(infoHash: Buffer, site: string): boolean {
    return this.heldSinceMs(infoHash, site) !== undefined
  }

  /** undefined where the torrent is not held in the site. */
  heldSinceMs(infoHash: Buffer, site: string): number | undefined {
    const registration = this.#registry.find(infoHash)
    const hold = registration && this.#store.current.holdOf(primary(registration), site)
    return hold?.isHeld === true ? hold.atMs : undefined
  }

  /** Infohashes of the torrents that were ever held, also those of a hybrid torrent. */
  everHeld(): readonly Buffer[] {
    const infoHashes = new Map<string, Buffer>()
    for (const override of this.#store.current.all)
      if (override.kind === 'hold')
        for (const infoHash of this.#registry.find(override.infoHash)?.infoHashes ?? [override.infoHash])
          infoHashes.set(infoHashKey(infoHash), infoHash)
    return [...infoHashes.values()]
  }

  /** Number of registered torrents that are held in the site. */
  heldIn(site: string): number {
    const infoHashes = new Map<string, Buffer>()
    for (const override of this.#store.current.all)
      if (override.kind === 'hold') infoHashes.set(infoHashKey(override.infoHash), override.infoHash)
    return [...infoHashes.values()].filter((infoHash) => this.isHeld(infoHash, site)).length
  }

  /** `site`: undefined for all sites. */
  set(registration: Registration, site: string | undefined, isHeld: boolean): Promise<OverrideShare> {
    const infoHash = primary(registration)
    const order = { kind: 'hold', infoHash, site, isHeld } as const
    // Later than what it replaces, also on a node whose clock is behind.
    const replaced = this.#store.current.all.filter(
      (each) => each.kind === 'hold' && each.infoHash.equals(infoHash),
    )
    const atMs = Math.max(this.#clock.nowMs(), ...replaced.map((each) => each.atMs + 1))
    return this.#store.put({ ...order, atMs })
  }

  /** The torrent was removed: it is not held if it is registered again. */
  async forget(registration: Registration): Promise<void> {
    const infoHash = primary(registration)
    const isHeld = this.#store.current.all.some(
      (each) => each.kind === 'hold' && each.isHeld && each.infoHash.equals(infoHash),
    )
    if (isHeld) await this.set(registration, undefined, false)
  }

  onChange(listener: () => void): void {
    this.#store.onChange((changed) => {
      if (changed.some(({ kind }) => kind === 'hold')) listener()
    })
  }
}

function primary({ infoHashes }: Registration): Buffer {
  return infoHashes[0] as Buffer
}
