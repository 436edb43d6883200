/** Rollouts of a node: measures them, keeps them in the store, exchanges them with other sites, and reports events. */
import type { NodeConfig } from '../config/load-config.ts'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import type { Federation } from '../federation/federation.ts'
import type { TorrentRegistry } from '../registry/torrent-registry.ts'
import type { SiteStore } from '../replication/site-store.ts'
import type { SwarmReplica } from '../replication/swarm-replica.ts'
import { clientName } from '../rollouts/client-name.ts'
import { type Carriage, type Holds, NOT_CARRIED } from '../rollouts/ports.ts'
import { type RolloutEvent, RolloutEvents } from '../rollouts/rollout-events.ts'
import { RolloutExchange } from '../rollouts/rollout-exchange.ts'
import { RolloutStore } from '../rollouts/rollout-store.ts'
import { Rollouts } from '../rollouts/rollouts.ts'
import { type WebhookRequest, WebhookSender } from '../rollouts/webhook-sender.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { SiteAuthority } from '../topology/site-authority.ts'

/** A page of a thousand hosts has 300 KB. */
const HOSTS_PAGE_BYTES_MAX = 4_194_304
/** A receiver that has not answered by then gets the event again. */
const WEBHOOK_DEADLINE_MS = 10_000
/** If the node that sends an event ends before it is accepted, another one may send it after this time. */
const WEBHOOK_CLAIM_MS = 3_600_000

export interface NodeRolloutsInit {
  readonly registry: TorrentRegistry
  readonly table: SwarmTable
  readonly topology: CurrentTopology
  readonly authority: SiteAuthority
  readonly replica: Pick<SwarmReplica, 'ownsTorrent'>
  readonly store: SiteStore
  readonly config: Pick<NodeConfig, 'site' | 'webhooks'>
  readonly clock: Clock
  /** Nothing is carried without it. */
  readonly carriage?: Carriage
  readonly holds: Holds
  readonly servesOrigin: (origin: string) => boolean
  readonly random: Random
  readonly log: Log
}

export class NodeRollouts {
  readonly rollouts: Rollouts
  readonly exchange: RolloutExchange
  readonly events: RolloutEvents
  readonly #store: RolloutStore
  readonly #webhooks: WebhookSender

  constructor(init: NodeRolloutsInit) {
    const { registry, table, store, config, log } = init
    const { site } = config
    this.rollouts = new Rollouts({
      ...init,
      carriage: init.carriage ?? NOT_CARRIED,
      site,
      torrents: registry,
      clientOf: (row) => clientName(table.clientCodes.get(row) ?? ''),
    })
    this.exchange = new RolloutExchange({ ...init, site, rollouts: this.rollouts })
    this.#store = new RolloutStore({
      ...init,
      rollouts: this.rollouts,
      documents: store.documents,
      owns: (infoHash) => this.#isOwner(init, infoHash),
    })
    this.events = new RolloutEvents({ ...init, rollouts: this.rollouts })
    this.#webhooks = new WebhookSender({
      ...init,
      ...config.webhooks,
      post: postWebhook,
      claim: claimFor(init),
    })
    this.events.onEvent((event) => {
      log.info(
        { event: `rollout-${event.type}`, infoHash: event.rollout.infoHash, site: event.site ?? undefined },
        'rollout event',
      )
      void this.#webhooks.send(event)
    })
  }

  /** The node that carries the torrent has the bytes between sites. */
  #isOwner({ replica, carriage, config }: NodeRolloutsInit, infoHash: Buffer): boolean {
    const carried = carriage?.find(infoHash, config.site)
    return carried === undefined ? replica.ownsTorrent(infoHash) : carried.received !== undefined
  }

  tick(): void {
    this.rollouts.tick()
    this.exchange.tick()
    this.events.tick()
    this.#webhooks.tick()
    this.#store.tick()
  }

  /** The node stops: the store gets the last state. */
  flush(): void {
    this.#store.flush()
  }
}

/** Every node of the site detects an event; the lease in the store lets one of them send it. */
function claimFor({ store, config, random }: Pick<NodeRolloutsInit, 'store' | 'config' | 'random'>) {
  const node = Buffer.from(Array.from({ length: LEASE_HOLDER_BYTES }, () => random.below(256)))
  return async ({ id }: RolloutEvent): Promise<boolean> => {
    const infoHash = Buffer.from(id, 'hex').subarray(0, 20)
    const lease = { infoHash, site: config.site, peer: node, lifetimeMs: WEBHOOK_CLAIM_MS, holdersMax: 1 }
    // Undecided: an event that arrives twice has the same id, and one that is lost is worse.
    return (await store.leases.claim(lease)) !== 'denied'
  }
}

/** As a compact IPv6 address and port, which no client has: nodes are random. */
const LEASE_HOLDER_BYTES = 18

async function postWebhook({ url, headers, body }: WebhookRequest): Promise<number> {
  const signal = AbortSignal.timeout(WEBHOOK_DEADLINE_MS)
  const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal })
  await response.body?.cancel()
  return response.status
}

/** See `RolloutContext`; undefined if the node is not federated. */
export function remoteHosts(federation: Federation | undefined) {
  if (federation === undefined) return undefined
  return async (site: string, infoHash: Buffer, query: string): Promise<unknown> => {
    const path = `/federation/v1/rollouts/${infoHash.toString('hex')}/hosts?${query}`
    return JSON.parse((await federation.fetch(site, path, HOSTS_PAGE_BYTES_MAX)).toString())
  }
}
