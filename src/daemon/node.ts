/**
 * One running node: the one place that builds everything and joins it. Starts in order, stops in the reverse
 * order, and names each step in the log.
 */
import { join } from 'node:path'
import { AdminServer } from '../admin/admin-server.ts'
import type { NodeConfig } from '../config/load-config.ts'
import { loadTopologyFile } from '../config/load-topology.ts'
import type { Address } from '../core/address.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { ConfigError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { type SeededRandom, systemRandom, systemSecret } from '../core/random.ts'
import { Counters } from '../observe/counters.ts'
import { Health } from '../observe/health.ts'
import { Metrics } from '../observe/metrics.ts'
import { HttpServer } from '../server/http-server.ts'
import { UdpServer } from '../server/udp-server.ts'
import { SnapshotFile } from '../site/memory/snapshot-file.ts'
import { SwarmTable } from '../swarm/swarm-table.ts'
import { prefixKey } from '../topology/prefix.ts'
import { PrefixTable } from '../topology/prefix-table.ts'
import type { Topology } from '../topology/topology.ts'
import { SiteReplica } from '../tracker/site-replica.ts'
import { Tracker } from '../tracker/tracker.ts'
import { answersOfNode } from './answers-of-node.ts'
import { watchForChanges } from './file-watch.ts'
import { readGauges } from './gauges.ts'
import { Housekeeping } from './housekeeping.ts'
import { TorrentDirectory } from './torrent-directory.ts'
import type { WorkerGroup } from './workers/worker-group.ts'

/** How long requests that have begun may take when the node stops. */
const STOP_DEADLINE_MS = 5_000

export interface NodeOptions {
  readonly config: NodeConfig
  readonly topology: Topology
  readonly version: string
  readonly log: Log
  readonly droppedLogLines: () => number
  /** The other processes of the node, where it has several. */
  readonly group?: WorkerGroup | undefined
  readonly clock?: Clock
  readonly random?: SeededRandom
}

/** Where the node listens, with the ports that it really has. */
export interface NodeAddresses {
  readonly http: string
  readonly udp: string
  readonly admin: string
}

export class SiteswarmNode {
  readonly #options: NodeOptions
  readonly #config: NodeConfig
  readonly #table: SwarmTable
  readonly #tracker: Tracker
  readonly #replica: SiteReplica
  readonly #counters: Counters
  readonly #torrents: TorrentDirectory
  readonly #store: SnapshotFile
  readonly #housekeeping: Housekeeping
  readonly #http: HttpServer
  readonly #udp: UdpServer
  readonly #admin: AdminServer
  readonly #metrics: Metrics
  readonly #unwatch: (() => void)[] = []
  #isRestored = false
  #isDraining = false
  #reloads: Promise<unknown> = Promise.resolve()

  constructor(options: NodeOptions) {
    const {
      config,
      topology,
      version,
      log,
      droppedLogLines,
      clock = systemClock,
      random = systemRandom(),
    } = options
    this.#options = options
    this.#config = config
    log.info({ event: 'seeded', seed: random.seed }, 'the seed of all that is left to chance')
    this.#table = new SwarmTable(topology.places.map((place) => place.site.index))
    this.#counters = new Counters(topology.sites.map((site) => site.name))
    this.#torrents = new TorrentDirectory(config.torrents, log)
    this.#replica = new SiteReplica({
      table: this.#table,
      // One node in each site: nobody to tell.
      log: { isShared: false, append: () => {} },
      completions: { add: () => {} },
      clock,
      random,
      topology: () => this.#tracker.topology,
    })
    this.#tracker = new Tracker(topology, {
      table: this.#table,
      clock,
      random,
      metrics: this.#counters,
      admission: this.#torrents,
      replica: this.#replica,
      interval: {
        secondsMin: Math.ceil(config.interval.minMs / 1000),
        secondsMax: Math.floor(config.interval.maxMs / 1000),
      },
    })
    this.#store = new SnapshotFile(join(config.dataDirectory, `swarms-${config.site}.snapshot`), clock)
    this.#housekeeping = new Housekeeping({
      table: this.#table,
      store: this.#store,
      clock,
      log,
      replica: this.#replica,
    })
    const secrets = [systemSecret()]
    this.#udp = new UdpServer({
      tracker: this.#tracker,
      // Clients that connected before a restart hear nothing until they connect again, within a minute.
      secrets: { current: () => secrets },
      clock,
      onRefusal: (code) => this.#counters.refusal(code),
      log,
    })
    this.#metrics = new Metrics({
      version,
      counters: this.#counters,
      readGauges: () => ({
        ...readGauges(
          this.#tracker.topology,
          this.#table,
          this.#housekeeping,
          droppedLogLines(),
          this.#udp.drops,
        ),
        isReady: this.#isRestored && !this.#isDraining,
        // Whoever replaces workers adds their number: workers.ts.
        workersReplaced: 0,
      }),
    })
    this.#http = new HttpServer({
      tracker: this.#tracker,
      isTrusted: trustedBy(config),
      onRefusal: (code) => this.#counters.refusal(code),
      log,
    })
    const health = this.#health()
    this.#admin = new AdminServer({
      tracker: this.#tracker,
      table: this.#table,
      ...answersOfNode({
        metrics: this.#metrics,
        readiness: () => health.readiness(),
        operations: { reload: () => this.reload(), drain: () => this.drain() },
        group: options.group,
      }),
      log,
      token: config.admin.token,
    })
  }

  async start(): Promise<NodeAddresses> {
    const { listen } = this.#config
    const { log } = this.#options
    this.#metrics.watchProcess()
    await this.#torrents.read()
    const adminPort = await this.#admin.start(listen.admin)
    await this.#restore()
    this.#housekeeping.start()
    const httpPort = await this.#http.start(listen.http)
    const udpPort = await this.#udp.start(listen.udp)
    this.#unwatch.push(
      watchForChanges(this.#config.topologyPath, () => void this.#reloadLogged('file-changed')),
    )
    const addresses = {
      http: `http://${authority(listen.http.host, httpPort)}`,
      udp: `udp://${authority(listen.udp.host, udpPort)}`,
      admin: `http://${authority(listen.admin.host, adminPort)}`,
    }
    // With several processes, the supervisor says it for all of them.
    log[this.#options.group === undefined ? 'info' : 'debug'](
      { event: 'ready', ...addresses },
      'answering announces',
    )
    return addresses
  }

  /** Reads the topology and the torrents anew. A wrong topology rejects with a `ConfigError` and changes nothing. */
  reload(): Promise<{ readonly sites: number }> {
    // One after the other: the file that was read last is the one that stays.
    const reloaded = this.#reloads.then(() => this.#reload())
    this.#reloads = reloaded.catch(() => undefined)
    return reloaded
  }

  async #reload(): Promise<{ readonly sites: number }> {
    try {
      const topology = loadTopology(this.#config)
      await this.#torrents.read()
      this.#counters.resize(topology.sites.map((site) => site.name))
      this.#tracker.changeTopology(topology)
      this.#counters.reload('accepted')
      this.#options.log.info(
        { event: 'reloaded', sites: topology.sites.length },
        'the topology was read anew',
      )
      return { sites: topology.sites.length }
    } catch (error) {
      this.#counters.reload('refused')
      throw error
    }
  }

  /** What a signal or a changed file asks for: nobody waits for it, so what is wrong is said in the log. */
  async #reloadLogged(cause: string): Promise<void> {
    try {
      await this.reload()
    } catch (error) {
      const { log } = this.#options
      const fields = { event: 'reload-refused', cause }
      if (error instanceof ConfigError)
        log.warn(
          { ...fields, problems: error.message },
          'the new topology is wrong and was not taken; the one before stays',
        )
      else log.error({ ...fields, err: error }, 'the reload failed; what was before stays')
    }
  }

  reloadOnSignal(): void {
    void this.#reloadLogged('signal')
  }

  /** Not ready from now on, while everybody is still answered. */
  drain(): void {
    if (this.#isDraining) return
    this.#isDraining = true
    this.#http.drain()
    if (this.#isRestored)
      this.#options.log.info({ event: 'draining' }, 'going away: not ready, still answering')
  }

  /** Drains, lets what has begun finish, and writes the last snapshot. */
  async stop(): Promise<void> {
    this.drain()
    for (const unwatch of this.#unwatch.splice(0)) unwatch()
    await this.#udp.stop(STOP_DEADLINE_MS)
    await this.#http.stop(STOP_DEADLINE_MS)
    // A node that failed to start has restored nothing: its empty table must not replace the snapshot.
    if (this.#isRestored) await this.#housekeeping.stop()
    await this.#admin.stop()
    this.#options.log.info({ event: 'stopped', peers: this.#table.rows.live }, 'stopped')
  }

  async #restore(): Promise<void> {
    const { log } = this.#options
    const { damage } = await this.#store.load((batch) => this.#replica.apply(batch))
    const restored = { swarms: this.#table.swarmCount, peers: this.#table.rows.live }
    if (damage === undefined) log.info({ event: 'restored', ...restored }, 'the snapshot was restored')
    else
      log.warn(
        { event: 'snapshot-damaged', damage, ...restored },
        'the snapshot is damaged and was set aside; what could be read of it is used',
      )
    this.#isRestored = true
  }

  #health(): Health {
    return new Health([
      {
        name: 'restored',
        isRequired: true,
        read: () => ({
          isOk: this.#isRestored,
          sentence: this.#isRestored
            ? `${this.#table.rows.live} peers are known`
            : 'the snapshot is being read',
        }),
      },
      {
        name: 'serving',
        isRequired: true,
        read: () => ({
          isOk: !this.#isDraining,
          sentence: this.#isDraining
            ? 'draining: this node goes away, use another one'
            : 'announces are answered',
        }),
      },
      {
        name: 'store',
        isRequired: false,
        read: () => ({
          isOk: this.#housekeeping.isStoreUp,
          sentence: this.#housekeeping.isStoreUp
            ? `the last snapshot is ${Math.round(this.#housekeeping.lagSeconds)} s old`
            : `snapshots cannot be written since ${Math.round(this.#housekeeping.lagSeconds)} s; the log says why`,
        }),
      },
    ])
  }
}

/** What a reload takes: a topology without a problem, in which this node's site still is. */
function loadTopology({ topologyPath, site }: NodeConfig): Topology {
  const topology = loadTopologyFile(topologyPath)
  if (topology.siteNamed(site) !== undefined) return topology
  throw new ConfigError([
    {
      file: topologyPath,
      line: 1,
      column: 1,
      message: `the site of this node, "${site}", is not in it`,
      hint: 'add it again, or stop the node, give it another site and start it',
    },
  ])
}

function trustedBy({ trustedProxies }: NodeConfig): (address: Address) => boolean {
  const byKey = new Map(trustedProxies.map((prefix) => [prefixKey(prefix), prefix]))
  const table = new PrefixTable([...byKey.values()])
  return (address) => table.find(address) >= 0
}

function authority(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
