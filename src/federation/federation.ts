/**
 * Federation of this node with the other sites: a connection to one node of each, and a stream for each of their nodes
 * that connects here.
 *
 * An update crosses this room's wall once in each direction: outgoing from the swarm table through `SiteAdvertiser`,
 * incoming through `RemoteSites` into the swarm table.
 */
import type { Writable } from 'node:stream'
import { constants, createGzip } from 'node:zlib'
import { isSameToken } from '../core/bearer-token.ts'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import { commonCredentials, credentialRequest, type SiteCredentials } from '../core/site-credentials.ts'
import { sourceOf } from '../core/source.ts'
import type { OverrideStore, TorrentStore } from '../replication/site-store.ts'
import type { SwarmReplica } from '../replication/swarm-replica.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { SiteAuthority } from '../topology/site-authority.ts'
import { RemoteSites } from './remote-sites.ts'
import { SiteAdvertiser } from './site-advertiser.ts'
import type { SiteReports } from './site-reports.ts'
import { FederationCounters } from './counters.ts'
import { fetchFromSite } from './http-client.ts'
import { SiteConnection } from './site-connection.ts'
import { SubscriberStream } from './subscriber-stream.ts'
import type { ConnectionState } from './connection-state.ts'
import { OverrideSync } from './override-sync.ts'
import { type DescribeRemoteTorrent, TorrentSync } from './torrent-sync.ts'

/**
 * A thousand sites, or a hundred of ten nodes each; each node follows one node here. Compression takes a quarter of a
 * megabyte for each.
 */
const SUBSCRIBERS_MAX = 1_000

/**
 * Of one source: the nodes of ten sites of ten nodes behind one NAT address. Each host that has the token could otherwise
 * take the streams of all sites.
 */
const SUBSCRIBERS_PER_SOURCE_MAX = 100

/**
 * Each write is flushed at once. The fastest level takes half the time of the default one, for 4 % more bytes
 * (bench/federation.ts).
 */
const COMPRESSION = { level: constants.Z_BEST_SPEED, flush: constants.Z_SYNC_FLUSH }

export interface FederationInit {
  readonly site: string
  readonly credentials: SiteCredentials
  readonly table: SwarmTable
  readonly topology: CurrentTopology
  readonly authority: SiteAuthority
  readonly replica: Pick<SwarmReplica, 'applyPending' | 'recordLease'>
  readonly torrents: TorrentStore
  readonly overrides: OverrideStore
  /** The infohashes of a torrent's bytes. Throws an `InputError` where they are not a torrent. */
  readonly describe: DescribeRemoteTorrent
  readonly reports: SiteReports
  /** The time of this site. */
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export interface RemoteStatus {
  readonly site: string
  readonly state: ConnectionState
  readonly sinceMs: number
  readonly reason: string
  readonly ageSeconds: number | undefined
  /** Torrents that the site advertises. */
  readonly torrents: number
  /** Hash of the topology of its node; undefined until it sends one. */
  readonly topologyHash: string | undefined
}

export class Federation {
  readonly counters = new FederationCounters()
  /** Client counts of the remote sites, for announces and scrapes. */
  readonly remoteSites: RemoteSites
  readonly #init: FederationInit
  readonly #advertiser: SiteAdvertiser
  readonly #torrents: TorrentSync
  readonly #overrides: OverrideSync
  readonly #subscribers = new Set<SubscriberStream>()
  readonly #subscribersBySource = new Map<string, number>()
  readonly #connections = new Map<string, { readonly connection: SiteConnection; readonly urls: string }>()

  constructor(init: FederationInit) {
    this.#init = init
    const { site, torrents, overrides, clock, describe, log } = init
    const send = (message: Buffer) => {
      for (const subscriber of this.#subscribers) subscriber.send(message)
    }
    this.remoteSites = new RemoteSites({ ...init, ownSite: site })
    this.#advertiser = new SiteAdvertiser({
      ...init,
      remote: this.remoteSites,
      later: (run, delayMs) => void setTimeout(run, delayMs).unref(),
    })
    this.#torrents = new TorrentSync({
      store: torrents,
      nowMs: () => clock.nowMs(),
      describe,
      counters: this.counters,
      log,
      send,
    })
    this.#overrides = new OverrideSync({
      store: overrides,
      nowMs: () => clock.nowMs(),
      counters: this.counters,
      log,
      send,
    })
    this.#advertiser.onChange((torrent, isUrgent) => {
      for (const subscriber of this.#subscribers) subscriber.changed(torrent, isUrgent)
    })
    init.reports.onChange((torrent) => {
      for (const subscriber of this.#subscribers) subscriber.reportChanged(torrent)
    })
  }

  /** Once the store is open. Follows the topology from then on. */
  start(): void {
    this.#torrents.start()
    this.#connect()
    this.#init.topology.onReplace(() => this.#connect())
  }

  /** Connects to each site that the topology gives federation URLs, and drops the connections that it does not. */
  #connect(): void {
    const { site: ownSite, topology } = this.#init
    const remotes = topology.value.sites.filter(
      ({ name, federation }) => name !== ownSite && federation.length > 0,
    )
    const wanted = new Map(remotes.map(({ name, federation }) => [name, federation]))
    for (const [site, { connection, urls }] of this.#connections)
      if (wanted.get(site)?.join(' ') !== urls) {
        this.#connections.delete(site)
        void connection.close().then(() => Array.from(this.remoteSites.lose(site)))
      }
    for (const [site, urls] of wanted) {
      if (this.#connections.has(site)) continue
      const connection = new SiteConnection({
        ...this.#init,
        site,
        urls,
        ownSite,
        topologyHash: () => topology.value.hash,
        remote: this.remoteSites,
        torrents: this.#torrents,
        overrides: this.#overrides,
        counters: this.counters,
      })
      this.#connections.set(site, { connection, urls: urls.join(' ') })
      connection.start()
    }
  }

  async stop(): Promise<void> {
    for (const subscriber of this.#subscribers) subscriber.close()
    await Promise.all([...this.#connections.values()].map(({ connection }) => connection.close()))
  }

  /** False for a remote site whose nodes do not answer at present. */
  isConnected(siteIndex: number): boolean {
    const name = this.#init.topology.value.sites[siteIndex]?.name ?? ''
    const remote = this.#connections.get(name)
    return remote === undefined || remote.connection.state.state === 'up'
  }

  remotes(): readonly RemoteStatus[] {
    return [...this.#connections].map(([site, { connection }]) => {
      const { state, sinceMs, reason, ageSeconds } = connection.state
      return {
        site,
        state,
        sinceMs,
        reason,
        ageSeconds,
        torrents: this.remoteSites.torrentsOf(site),
        topologyHash: connection.topologyHash,
      }
    })
  }

  get subscribers(): number {
    return this.#subscribers.size
  }

  /** Completes "all sites need …". */
  get commonCredentials(): string {
    return commonCredentials(this.#init.credentials)
  }

  get credentialRequest(): string {
    return credentialRequest(this.#init.credentials)
  }

  /** Compares in constant time. */
  admits(token: string): boolean {
    const expected = this.#init.credentials.token
    const isRight = expected !== undefined && isSameToken(token, expected)
    if (!isRight) this.counters.refuse('token')
    return isRight
  }

  /** For a certificate of another site than the request names. */
  refuseCertificate(): void {
    this.counters.refuse('site')
  }

  /**
   * Streams, compressed by gzip, to a node of that site until `out` is closed. False where there are too many already.
   */
  serve(subscriber: string, out: Writable, remoteAddress: string): boolean {
    const source = sourceOf(remoteAddress)
    const ofSource = this.#subscribersBySource.get(source) ?? 0
    if (this.#subscribers.size >= SUBSCRIBERS_MAX || ofSource >= SUBSCRIBERS_PER_SOURCE_MAX) {
      this.counters.refuse('streams')
      return false
    }
    const gzip = createGzip(COMPRESSION)
    gzip.on('data', (chunk: Buffer) => (this.counters.sentBytes += chunk.length)).pipe(out)
    const stream = new SubscriberStream({
      advertiser: this.#advertiser,
      subscriber,
      out: gzip,
      nowMs: () => this.#init.clock.nowMs(),
      reports: this.#init.reports,
      onStuck: () => {
        this.counters.refuse('slow')
        out.destroy()
      },
    })
    this.#subscribers.add(stream)
    this.#subscribersBySource.set(source, ofSource + 1)
    out.on('error', () => {})
    out.on('close', () => {
      stream.close()
      gzip.destroy()
      this.#subscribers.delete(stream)
      const left = (this.#subscribersBySource.get(source) ?? 1) - 1
      if (left === 0) this.#subscribersBySource.delete(source)
      else this.#subscribersBySource.set(source, left)
    })
    stream.send(Buffer.concat([...this.#torrents.all(), ...this.#overrides.all()]))
    return true
  }

  torrent(infoHash: Buffer): Promise<Buffer | undefined> {
    return this.#torrents.read(infoHash)
  }

  /** Requests a path from the nodes of a site, one after the other. Rejects with the error of the last one. */
  async fetch(site: string, path: string, bytesMax: number): Promise<Buffer> {
    const { topology, credentials } = this.#init
    let failure: unknown = new Error(`${site} has no federation URL in the topology`)
    for (const url of topology.value.siteNamed(site)?.federation ?? []) {
      try {
        return await fetchFromSite({ url, path, site, credentials }, bytesMax)
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }
}
