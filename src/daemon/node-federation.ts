/** What a node needs to be one of several sites that speak for themselves: only where a federation token is configured. */
import { setTimeout as delay } from 'node:timers/promises'
import type { FederationSource } from '../server/admin/routes/federation.ts'
import type { NodeConfig } from '../config/load-config.ts'
import type { Clock } from '../core/clock.ts'
import { federationRefusals } from '../core/federation-metrics.ts'
import type { Log } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import { Federation } from '../federation/federation.ts'
import type { Gauges } from '../observe/metrics-table.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import { Elsewhere } from '../tracker/elsewhere.ts'
import { OwnContacts } from '../federation/site-advertiser.ts'
import type { TorrentStore } from '../replication/site-store.ts'
import { RemoteContacts } from '../federation/remote-sites.ts'
import type { SiteReplica } from '../replication/swarm-replica.ts'
import { describeTorrent } from './open-store.ts'

export interface NodeFederationParts {
  readonly config: NodeConfig
  readonly token: string
  readonly table: SwarmTable
  readonly topology: CurrentTopology
  readonly replica: () => SiteReplica
  readonly torrents: TorrentStore
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export class NodeFederation {
  /** What the tracker sees of the other sites. */
  readonly elsewhere: Elsewhere
  readonly #parts: NodeFederationParts
  readonly #remote: RemoteContacts
  readonly #federation: Federation

  constructor(parts: NodeFederationParts) {
    this.#parts = parts
    const { config, token, table, topology, replica, torrents, clock, random, log } = parts
    this.#remote = new RemoteContacts({
      table,
      clock,
      topology,
      ownSite: config.site,
      settle: (row) => replica().settle(row),
      onAdopted: (row) => replica().recordLease(row),
    })
    const own = new OwnContacts({
      table,
      clock,
      random,
      topology,
      site: config.site,
      remote: this.#remote,
      later: (run, delayMs) => void setTimeout(run, delayMs).unref(),
    })
    this.elsewhere = new Elsewhere({
      table,
      topology,
      own,
      remote: this.#remote,
      wait: (forMs) => delay(forMs),
    })
    this.#federation = new Federation({
      token,
      own,
      remote: this.#remote,
      torrents,
      identify: (bytes) => describeTorrent(bytes, 'a torrent of another site').infoHashes,
      clock,
      random,
      log,
    })
  }

  /** Once the store is open. */
  start(): void {
    this.#federation.start(this.#targets())
    this.#parts.topology.onReplace(() => this.#federation.follow(this.#targets()))
  }

  stop(): Promise<void> {
    return this.#federation.stop()
  }

  get admin(): FederationSource {
    return {
      admits: (token) => this.#federation.admits(token),
      serve: (reader, out) => this.#federation.serve(reader, out),
      torrent: (infoHash) => this.#federation.torrent(infoHash),
      remotes: () =>
        this.#federation.remotes().map((remote) => ({
          ...remote,
          torrents: this.#remote.torrentsOf(remote.site),
        })),
    }
  }

  get gauges(): Gauges['federation'] {
    const { counts } = this.#federation
    return {
      remotes: this.#federation.remotes().map(({ site, state, ageSeconds, sinceMs }) => ({
        remote: site,
        isUp: state === 'up',
        // Of one that never spoke: for how long this node has been waiting.
        ageSeconds: ageSeconds ?? (this.#parts.clock.nowMs() - sinceMs) / 1000,
      })),
      receivedBytes: counts.receivedBytes,
      sentBytes: counts.sentBytes,
      refusals: federationRefusals.map((reason) => ({ reason, count: counts.refused(reason) })),
    }
  }

  /** One sentence for people, and whether all is well. */
  get check(): { readonly isOk: boolean; readonly sentence: string } {
    const remotes = this.#federation.remotes()
    const troubled = remotes.filter(({ state }) => state !== 'up')
    if (troubled.length === 0) return { isOk: true, sentence: `${remotes.length} other sites are heard` }
    const told = troubled.map(
      ({ site, state, sinceMs, reason }) =>
        `${site} is ${state} since ${new Date(sinceMs).toISOString()} (${reason})`,
    )
    return { isOk: false, sentence: `${told.join('; ')}; clients of a cut site are answered here` }
  }

  #targets() {
    const { config, topology } = this.#parts
    return topology.value.sites
      .filter(({ name, federation }) => name !== config.site && federation.length > 0)
      .map(({ name, federation }) => ({ site: name, urls: federation }))
  }
}

/** Of a node that answers for all sites by itself. */
export const NO_FEDERATION: Gauges['federation'] = {
  remotes: [],
  receivedBytes: 0,
  sentBytes: 0,
  refusals: federationRefusals.map((reason) => ({ reason, count: 0 })),
}
