/**
 * The clients of the node's own site: the observers and the carriers, built together, because each client has a connection
 * to one of them.
 */
import type { NodeConfig } from '../config/load-config.ts'
import { type Clock, elapsedMs } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import type { LinkRates } from '../registry/link-rates.ts'
import type { RolloutHolds } from '../registry/rollout-holds.ts'
import type { TorrentRegistry } from '../registry/torrent-registry.ts'
import type { GatewayLeases } from '../replication/site-store.ts'
import type { SwarmReplica } from '../replication/swarm-replica.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { Tracker } from '../tracker/tracker.ts'
import { ExchangingSites, leecherExchange } from './carriage/exchanging-sites.ts'
import { sourceElsewhere } from './carriage/site-states.ts'
import { NodeCarriage } from './carriage/node-carriage.ts'
import { rateShare } from './carriage/rate-share.ts'
import { ClientObservers } from './client-observers.ts'
import { HoldOrders } from './hold-orders.ts'
import type { NodeFiles } from './node-files.ts'
import { LinkLimits } from './link-limits.ts'

/** Leechers that move between the observers and the carriers are passed on this often. */
const EXCHANGE_MS = 500

export interface NodeClientsInit {
  readonly config: Pick<NodeConfig, 'site' | 'observe' | 'carry' | 'listen'>
  readonly files: Pick<NodeFiles, 'credentials' | 'onCredentials'>
  readonly table: SwarmTable
  readonly topology: CurrentTopology
  readonly registry: TorrentRegistry
  readonly replica: SwarmReplica
  readonly leases: GatewayLeases
  readonly holds: RolloutHolds
  readonly rates: LinkRates
  readonly tracker: () => Tracker
  /** False for a remote site whose nodes are not connected. */
  readonly isConnected: (siteIndex: number) => boolean
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export class NodeClients {
  readonly observers: ClientObservers
  readonly carriage: NodeCarriage
  readonly #exchanging: ExchangingSites
  readonly #limits: LinkLimits
  readonly #holds: HoldOrders
  #timer: NodeJS.Timeout | undefined

  constructor({ config, leases, holds, rates, log, isConnected, files, ...parts }: NodeClientsInit) {
    const { site, observe, carry, listen } = config
    const { credentials } = files
    const { registry, table, tracker, random, topology, clock } = parts
    this.#exchanging = new ExchangingSites({
      nowMs: elapsedMs,
      leechersOf: (infoHash, of) =>
        leecherExchange(table, infoHash, topology.value.siteNamed(of)?.index ?? -1, clock.nowMs()),
      onMoved: (infoHash) => this.observers.passTorrent(infoHash),
    })
    this.carriage = new NodeCarriage({
      ...parts,
      site,
      credentials,
      cacheBytes: carry.cacheBytes,
      peers: listen.peers,
      seed: random.below(0x1_0000_0000),
      leases,
      log,
      onMoved: (infoHash) => this.observers.passTorrent(infoHash),
      // Announces that wait for it are answered.
      onTransport: () => tracker().tick(),
      sourceElsewhere: (infoHash, siteIndex) =>
        sourceElsewhere(table.swarm(infoHash), siteIndex, isConnected),
      exchanging: this.#exchanging,
      onObservations: (batch) => {
        for (const observation of batch) tracker().observations.record(observation)
      },
    })
    files.onCredentials(() => this.carriage.setCredentials())
    this.observers = new ClientObservers({
      ...parts,
      carriers: this.carriage,
      connections: observe.connections,
      site: credentials === undefined ? undefined : site,
      pieces: (infoHash) => registry.pieces(infoHash),
    })
    const isLackingAt = (to: string) => (infoHash: Buffer) =>
      (tracker().countsOf(infoHash, topology.value.siteNamed(to)?.index ?? -1)?.leechers ?? 0) > 0
    this.#limits = new LinkLimits({
      ...parts,
      rates,
      log,
      site: credentials === undefined ? undefined : site,
      shareTo: (to) => rateShare(this.carriage.carried, isLackingAt(to)),
      setRate: (direction, bytesPerSecond) =>
        this.carriage.command({ kind: 'rate', ...direction, bytesPerSecond }),
    })
    this.#holds = new HoldOrders({
      ...parts,
      holds,
      setHold: ({ isHeld, ...order }) => this.carriage.command({ kind: 'hold', ...order, isOnHold: isHeld }),
    })
  }

  /** Called once the store is open. */
  start(): void {
    this.#holds.compare()
    this.#limits.start()
    this.observers.start()
    this.#timer = setInterval(() => this.#exchanging.tick(), EXCHANGE_MS)
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#limits.stop()
    this.observers.stop()
    await this.carriage.stop()
  }
}
