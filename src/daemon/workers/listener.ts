/**
 * A worker: it accepts clients on the ports of the node, reads their requests, and writes the responses. The owner of the
 * swarm table, another process, answers them. Over most transports this is the larger part of the work.
 */
import type { NodeConfig } from '../../config/load-config.ts'
import type { Log } from '../../core/log.ts'
import { Counters } from '../../observe/counters.ts'
import { listenerRows } from '../../observe/listener-metrics.ts'
import type { ListenerGauges } from '../../observe/metric-row.ts'
import { Metrics } from '../../observe/metrics.ts'
import type { HttpServer } from '../../server/http/http-server.ts'
import { UdpServer } from '../../server/udp/udp-server.ts'
import { httpListener } from '../http-listener.ts'
import { listenOn, type NodeAddresses, urlsOf } from '../listen-on.ts'
import { NodeFiles } from '../node-files.ts'
import { ForwardedDownloads } from './forwarded-downloads.ts'
import { type OwnerOptions, socketPaths } from './owner-sockets.ts'
import { RemoteTracker } from './remote-tracker.ts'

/** Time for requests in progress when the worker stops. */
const STOP_DEADLINE_MS = 5_000

export interface ListenerInit {
  readonly config: NodeConfig
  readonly version: string
  readonly log: Log
  readonly droppedLogLines: () => number
  readonly owner: OwnerOptions
}

export class Listener {
  readonly #config: NodeConfig
  readonly #files: NodeFiles
  readonly #tracker: RemoteTracker
  readonly #udp: UdpServer
  readonly #http: HttpServer
  readonly #metrics: Metrics<ListenerGauges>
  #unwatch: readonly (() => void)[] = []
  #isDraining = false

  /** Throws a `ConfigError` if a file is invalid. */
  constructor({ config, version, log, droppedLogLines, owner }: ListenerInit) {
    const paths = socketPaths(owner.socketDirectory)
    const counters = new Counters([])
    this.#config = config
    this.#files = new NodeFiles(config, log)
    this.#tracker = new RemoteTracker(paths.announces)
    const downloads = new ForwardedDownloads(paths.downloads)
    const { tokens } = this.#files
    this.#udp = new UdpServer({
      tracker: this.#tracker,
      tokens,
      secrets: this.#tracker,
      clock: this.#tracker.clock,
      onRefusal: (code) => counters.refusal(code),
      log,
    })
    this.#http = httpListener({
      config,
      tracker: this.#tracker,
      downloads: { torrents: downloads, webSeeds: downloads },
      tokens,
      counters,
      tls: this.#files.tls,
      log,
    })
    this.#metrics = new Metrics<ListenerGauges>(Object.values(listenerRows), {
      version,
      counters,
      readGauges: () => ({ udpDrops: this.#udp.drops, logLinesDropped: droppedLogLines() }),
    })
    owner.group.join({
      metrics: () => this.#metrics.read(),
      readiness: () => this.#readiness(),
      reload: () => this.#files.reloadWith(async () => ({ sites: undefined })),
      drain: () => this.#setDrain(true),
      undoDrain: () => this.#setDrain(false),
    })
  }

  /**
   * Resolves once clients are accepted, which is when the owner answers announces. The address of the admin listener, which
   * the owner has, is as configured.
   */
  async start(): Promise<NodeAddresses> {
    const { listen } = this.#config
    this.#metrics.watchProcess()
    await this.#tracker.connect()
    const http = await listenOn(listen.http, (at) => this.#http.start(at))
    const udp = await listenOn(listen.udp, (at) => this.#udp.start(at))
    this.#unwatch = this.#files.watch()
    return urlsOf({ ...listen, http, udp }, listen.tls !== undefined)
  }

  async stop(): Promise<void> {
    for (const unwatch of this.#unwatch) unwatch()
    await this.#udp.stop(STOP_DEADLINE_MS)
    const stopped = this.#http.stop(STOP_DEADLINE_MS)
    await this.#tracker.close()
    await stopped
  }

  #setDrain(isDraining: boolean): boolean {
    const changes = this.#isDraining !== isDraining
    this.#isDraining = isDraining
    if (isDraining) this.#http.drain()
    else this.#http.undoDrain()
    return changes
  }

  #readiness() {
    const isOk = this.#tracker.isConnected
    const sentence = isOk
      ? 'passes requests to the process with the swarm table'
      : 'rejects requests until the process with the swarm table has started'
    return { isReady: isOk, checks: [{ name: 'listener', isRequired: false, isOk, sentence }] }
  }
}
