/** One running node: creates its components, connects them, starts them in order and stops them in reverse. */
import { AdminServer } from '../server/admin/admin-server.ts'
import { WrongTokens } from '../server/admin/wrong-tokens.ts'
import type { NodeConfig } from '../config/load-config.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import { type SeededRandom, systemRandom } from '../core/random.ts'
import { Counters } from '../observe/counters.ts'
import { Metrics } from '../observe/metrics.ts'
import { metricsTable } from '../observe/metrics-table.ts'
import { LinkRates } from '../registry/link-rates.ts'
import { RolloutHolds } from '../registry/rollout-holds.ts'
import { TorrentRegistry } from '../registry/torrent-registry.ts'
import type { HttpServer } from '../server/http/http-server.ts'
import { UdpServer } from '../server/udp/udp-server.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import { noCarrierGauges } from './carriage/carrier-gauges.ts'
import { NodeClients } from './node-clients.ts'
import { Federation } from '../federation/federation.ts'
import { SiteAuthority } from '../topology/site-authority.ts'
import { CurrentTopology } from '../topology/current-topology.ts'
import type { Topology } from '../topology/topology.ts'
import { SwarmReplica } from '../replication/swarm-replica.ts'
import { Tracker } from '../tracker/tracker.ts'
import { adminSources } from './admin-sources.ts'
import { trackerReports } from './tracker-reports.ts'
import { WebSeeds } from '../webseed/web-seeds.ts'
import { NodeRollouts, remoteHosts } from './node-rollouts.ts'
import { NodeFiles } from './node-files.ts'
import { downloadHandlers } from './download-handlers.ts'
import { httpListener } from './http-listener.ts'
import { sourceLimits, swarmTable } from './limits.ts'
import { listenOn, type NodeAddresses, urlsOf } from './listen-on.ts'
import { Sweeper } from './sweeper.ts'
import {
  type Drain,
  missingFederation,
  nodeHealth,
  readFederationGauges,
  readObserverGauges,
  readTableGauges,
} from './node-status.ts'
import { describeRemoteTorrent, type NodeStore, openStore } from './open-store.ts'
import { checkTopologyInThread } from './topology-check-thread.ts'
import { TopologyReloader } from './topology-reloader.ts'
import { trustedBy } from './trusted-proxies.ts'
import { pollTorrents } from './torrent-poll.ts'
import { type OwnerOptions, OwnerSockets } from './workers/owner-sockets.ts'

/** Time for requests in progress when the node stops. */
const STOP_DEADLINE_MS = 5_000

export interface NodeInit {
  readonly config: NodeConfig
  /** See `ReadConfig.publicConfiguration`. */
  readonly publicConfiguration: Readonly<Record<string, unknown>>
  readonly topology: Topology
  readonly version: string
  readonly log: Log
  readonly droppedLogLines: () => number
  /** The workers of the node, if it has some: they listen for clients, and this process for them. */
  readonly owner?: OwnerOptions | undefined
  readonly clock?: Clock
  readonly random?: SeededRandom
}

export class SiteswarmNode {
  readonly #options: NodeInit
  readonly #config: NodeConfig
  readonly #topology: CurrentTopology
  readonly #table: SwarmTable
  readonly #tracker: Tracker
  readonly #replica: SwarmReplica
  readonly #counters: Counters
  readonly #store: NodeStore['store']
  readonly #pollTorrents: NodeStore['pollTorrents']
  readonly #registry: TorrentRegistry
  readonly #webSeeds: WebSeeds
  readonly #rollouts: NodeRollouts
  readonly #authority = new SiteAuthority()
  readonly #files: NodeFiles
  readonly #federation: Federation | undefined
  readonly #reloader: TopologyReloader
  readonly #clients: NodeClients | undefined
  readonly #sweeper: Sweeper
  readonly #http: HttpServer
  readonly #udp: UdpServer
  readonly #admin: AdminServer
  /** undefined if the node is one process. */
  readonly #sockets: OwnerSockets | undefined
  readonly #metrics: Metrics
  readonly #unwatch: (() => void)[] = []
  #isRestored = false
  /** undefined while the node is not draining. */
  #drain: Drain | undefined
  #isStopping = false

  constructor(options: NodeInit) {
    const { config, topology, version, log, droppedLogLines } = options
    const random = options.random ?? systemRandom()
    this.#options = options
    this.#config = config
    log.info({ event: 'seeded', seed: random.seed }, 'random seed of this process')
    this.#files = new NodeFiles(config, log)
    this.#topology = new CurrentTopology(topology)
    this.#table = swarmTable(config, topology)
    this.#counters = new Counters(topology.sites.map((site) => site.name))
    const opened = openStore(config, { clock: options.clock ?? systemClock, random, log })
    const { store, reloadTorrents } = opened
    const { clock } = store
    this.#store = store
    this.#pollTorrents = opened.pollTorrents
    this.#registry = new TorrentRegistry({ store: store.torrents, clock, admit: config.torrents.admit })
    this.#table.eviction.isRegistered = (infoHash) => this.#registry.find(infoHash) !== undefined
    this.#replica = new SwarmReplica({
      table: this.#table,
      log: store.log,
      completions: store.completions,
      clock,
      random,
      topology: this.#topology,
      authority: this.#authority,
    })
    const linkRates = new LinkRates({ store: store.overrides, clock })
    const holds = new RolloutHolds({ store: store.overrides, registry: this.#registry, clock })
    this.#rollouts = new NodeRollouts({
      carriage: { find: (infoHash, site) => this.#clients?.carriage.find(infoHash, site) },
      registry: this.#registry,
      table: this.#table,
      topology: this.#topology,
      authority: this.#authority,
      replica: this.#replica,
      store,
      config,
      clock,
      holds,
      servesOrigin: (origin) => this.#webSeeds.unavailableReason(origin) === undefined,
      random,
      log,
    })
    const { credentials } = this.#files
    if (credentials !== undefined)
      this.#federation = new Federation({
        site: config.site,
        credentials,
        table: this.#table,
        topology: this.#topology,
        authority: this.#authority,
        replica: this.#replica,
        torrents: store.torrents,
        overrides: store.overrides,
        describe: describeRemoteTorrent,
        reports: this.#rollouts.exchange,
        clock,
        random,
        log,
      })
    if (config.observe.connections > 0)
      this.#clients = new NodeClients({
        config,
        table: this.#table,
        topology: this.#topology,
        registry: this.#registry,
        replica: this.#replica,
        leases: store.leases,
        holds,
        rates: linkRates,
        tracker: () => this.#tracker,
        files: this.#files,
        isConnected: (siteIndex) => this.#federation?.isConnected(siteIndex) ?? true,
        clock,
        random,
        log,
      })
    this.#federation?.remoteSites.onUpdate((infoHash) => this.#clients?.observers.noteRemote(infoHash))
    this.#tracker = new Tracker({
      topology: this.#topology,
      table: this.#table,
      clock,
      random,
      metrics: this.#counters,
      admission: this.#registry,
      sources: sourceLimits(config),
      leases: store.leases,
      replica: this.#replica,
      authority: this.#authority,
      ...(this.#clients === undefined
        ? {}
        : { reachability: this.#clients.observers, carriedSites: this.#clients.carriage }),
      ...(this.#federation === undefined ? {} : { remote: this.#federation.remoteSites }),
      onCompletion: (infoHash, siteIndex) => this.#webSeeds.completed(infoHash, siteIndex),
      ...trackerReports(this.#counters, this.#topology, log),
      interval: {
        secondsMin: Math.ceil(config.interval.minMs / 1000),
        secondsMax: Math.floor(config.interval.maxMs / 1000),
      },
    })
    this.#webSeeds = new WebSeeds({
      registry: this.#registry,
      table: this.#table,
      topology: this.#topology,
      origin: config.origin,
      environment: process.env,
      leases: store.leases,
      metrics: this.#counters.origins,
      clock,
    })
    this.#reloader = new TopologyReloader({
      config,
      counters: this.#counters,
      reloadTorrents,
      topology: this.#topology,
      table: this.#table,
      log,
    })
    this.#sweeper = new Sweeper({
      table: this.#table,
      tracker: this.#tracker,
      replica: this.#replica,
      rollouts: this.#rollouts,
      clock,
    })
    this.#udp = new UdpServer({
      tracker: this.#tracker,
      tokens: this.#files.tokens,
      secrets: store.secrets,
      clock,
      onRefusal: (code) => this.#counters.refusal(code),
      log,
    })
    const wrongTokens = new WrongTokens({ log })
    this.#metrics = new Metrics(metricsTable, {
      version,
      counters: this.#counters,
      readGauges: () => ({
        ...readTableGauges(this.#topology.value, this.#table, this.#authority, holds),
        store: { ...store.state, refusedBatches: this.#replica.refusedBatches },
        wrongAdminTokens: wrongTokens.total,
        logLinesDropped: droppedLogLines(),
        udpDrops: this.#udp.drops,
        federation: readFederationGauges(this.#federation, clock),
        topologyHash: this.#topology.value.hash,
        observers: readObserverGauges(this.#topology.value, config.site, this.#clients),
        carriers: this.#clients?.carriage.gauges() ?? noCarrierGauges(this.#topology.value),
        isReady: this.#isRestored && this.#drain === undefined,
        // The supervisor adds the number of replaced workers.
        workersReplaced: 0,
      }),
    })
    const downloads = downloadHandlers({
      registry: this.#registry,
      topology: this.#topology,
      webSeeds: this.#webSeeds,
      tokens: this.#files.tokens,
      counters: this.#counters,
      log,
    })
    const listening = { config, tracker: this.#tracker, downloads, counters: this.#counters, log }
    this.#http = httpListener({ ...listening, tokens: this.#files.tokens, tls: this.#files.tls })
    if (options.owner !== undefined)
      this.#sockets = new OwnerSockets(options.owner, { ...listening, secrets: store.secrets, clock })
    const health = nodeHealth(() => ({
      isRestored: this.#isRestored,
      drain: this.#drain,
      peers: this.#table.rows.live,
      store: store.state,
      topology: this.#topology.value,
      site: config.site,
      topologyRejection: this.#reloader.rejection,
      federation: this.#federation,
      clientObservers: this.#clients?.observers,
      carriers: this.#clients?.carriage.status(),
    }))
    this.#admin = new AdminServer({
      topology: this.#topology,
      tracker: this.#tracker,
      table: this.#table,
      clock,
      ...adminSources({
        metrics: this.#metrics,
        readiness: () => health.readiness(),
        operations: {
          reload: () => this.reload(),
          drain: (reason) => this.drain(reason),
          undoDrain: () => this.undoDrain(),
        },
        group: options.owner?.group,
      }),
      node: {
        startedAtMs: clock.nowMs(),
        configuration: options.publicConfiguration,
        drain: () => this.#drain,
      },
      torrents: {
        registry: this.#registry,
        holds,
        webSeeds: this.#webSeeds,
        // Why clients of other sites would not find a source here; undefined where they would.
        federationProblem: () =>
          this.#federation === undefined ? missingFederation(this.#topology.value, config.site) : undefined,
      },
      checkTopology: (text) => checkTopologyInThread(text, this.#topology.value, config.site),
      linkRates,
      site: config.site,
      federation: this.#federation,
      rollouts: this.#rollouts.rollouts,
      remoteHosts: remoteHosts(this.#federation),
      onUpgrade: (request, stream, head) => {
        if (this.#clients === undefined) stream.destroy()
        else this.#clients.carriage.upgrade(request, stream, head)
      },
      log,
      tokens: { operate: config.admin.token, read: config.admin.readToken },
      wrongTokens,
      tls: this.#files.adminTls,
      isTrusted: trustedBy(config),
      version,
    })
  }

  async start(): Promise<NodeAddresses> {
    const { listen } = this.#config
    const { log } = this.#options
    this.#metrics.watchProcess()
    const carriage = this.#clients?.carriage.start()
    const admin = await listenOn(listen.admin, (at) => this.#admin.start(at))
    await this.#store.open(this.#replica)
    await carriage
    this.#isRestored = true
    this.#federation?.start()
    this.#sweeper.start()
    this.#clients?.start()
    const isAlone = this.#sockets === undefined
    const http = isAlone ? await listenOn(listen.http, (at) => this.#http.start(at)) : listen.http
    const udp = isAlone ? await listenOn(listen.udp, (at) => this.#udp.start(at)) : listen.udp
    await this.#sockets?.start()
    this.#unwatch.push(
      this.#reloader.watch(),
      ...this.#files.watch(),
      pollTorrents(this.#pollTorrents, (err) =>
        log.error({ event: 'torrents-poll-failed', err }, 'polling the registered torrents failed'),
      ),
    )
    const addresses = urlsOf({ http, udp, admin }, listen.tls !== undefined)
    // With several processes, the supervisor logs it once for all of them.
    log[this.#options.owner === undefined ? 'info' : 'debug'](
      { event: 'ready', ...addresses, version: this.#options.version, topology: this.#topology.value.hash },
      'answering announces',
    )
    return addresses
  }

  /** Reloads topology, torrents, announce tokens and certificates. Rejects with a `ConfigError` and changes nothing if a file is invalid. */
  reload(): Promise<{ readonly sites: number }> {
    return this.#files.reloadWith(() => this.#reloader.reload())
  }

  reloadOnSignal(): void {
    this.#files.readLogged('signal')
    void this.#reloader.reloadLogged('signal')
  }

  /** Not ready from now on; requests are still answered. A second drain replaces the reason. */
  drain(reason: string | undefined): void {
    if (this.#drain !== undefined && reason === undefined) return
    this.#drain = { reason, sinceMs: this.#drain?.sinceMs ?? this.#store.clock.nowMs() }
    this.#http.drain()
    if (this.#isRestored)
      this.#options.log.info({ event: 'draining', reason }, 'draining: not ready, still answering')
  }

  /** Ready again. False if the node was not draining, or is about to stop. */
  undoDrain(): boolean {
    if (this.#drain === undefined || this.#isStopping) return false
    this.#drain = undefined
    this.#http.undoDrain()
    this.#options.log.info({ event: 'drain-undone' }, 'the drain is undone: ready again')
    return true
  }

  /** Drains, finishes requests in progress, and writes what the other nodes or the snapshot do not have yet. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.drain(undefined)
    for (const unwatch of this.#unwatch.splice(0)) unwatch()
    this.#tracker.close()
    this.#sockets?.stop()
    await this.#udp.stop(STOP_DEADLINE_MS)
    await this.#http.stop(STOP_DEADLINE_MS)
    this.#webSeeds.close()
    await this.#federation?.stop()
    await this.#clients?.stop()
    this.#sweeper.stop()
    this.#replica.flush()
    this.#rollouts.flush()
    await this.#store.close()
    await this.#admin.stop()
    this.#options.log.info({ event: 'stopped', peers: this.#table.rows.live }, 'stopped')
  }
}
