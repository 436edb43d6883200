/** Rollouts of a node: measures them, keeps them in the store, exchanges them with other sites. */
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Federation } from '../federation/federation.ts'
import type { TorrentRegistry } from '../registry/torrent-registry.ts'
import type { SiteStore } from '../replication/site-store.ts'
import type { SwarmReplica } from '../replication/swarm-replica.ts'
import { clientName } from '../rollouts/client-name.ts'
import type { Carriage, Holds } from '../rollouts/ports.ts'
import { RolloutExchange } from '../rollouts/rollout-exchange.ts'
import { RolloutStore } from '../rollouts/rollout-store.ts'
import { Rollouts } from '../rollouts/rollouts.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { SiteAuthority } from '../topology/site-authority.ts'

/** A page of a thousand hosts has 300 KB. */
const HOSTS_PAGE_BYTES_MAX = 4_194_304

export interface NodeRolloutsInit {
  readonly registry: TorrentRegistry
  readonly table: SwarmTable
  readonly topology: CurrentTopology
  readonly authority: SiteAuthority
  readonly replica: Pick<SwarmReplica, 'ownsTorrent'>
  readonly store: SiteStore
  readonly site: string
  readonly clock: Clock
  readonly carriage: Carriage
  readonly holds: Holds
  readonly log: Log
}

export class NodeRollouts {
  readonly rollouts: Rollouts
  readonly exchange: RolloutExchange
  readonly #store: RolloutStore

  constructor(init: NodeRolloutsInit) {
    const { registry, table, replica, store } = init
    this.rollouts = new Rollouts({
      ...init,
      torrents: registry,
      clientOf: (row) => clientName(table.clientCodes.get(row) ?? ''),
    })
    this.exchange = new RolloutExchange({ ...init, rollouts: this.rollouts })
    this.#store = new RolloutStore({
      ...init,
      rollouts: this.rollouts,
      documents: store.documents,
      owns: (infoHash) => replica.ownsTorrent(infoHash),
    })
  }

  tick(): void {
    this.rollouts.tick()
    this.exchange.tick()
    this.#store.tick()
  }

  /** The node stops: the store gets the last state. */
  flush(): void {
    this.#store.flush()
  }
}

/** See `RolloutContext`; undefined if the node is not federated. */
export function remoteHosts(federation: Federation | undefined) {
  if (federation === undefined) return undefined
  return async (site: string, infoHash: Buffer, query: string): Promise<unknown> => {
    const path = `/federation/v1/rollouts/${infoHash.toString('hex')}/hosts?${query}`
    return JSON.parse((await federation.fetch(site, path, HOSTS_PAGE_BYTES_MAX)).toString())
  }
}
