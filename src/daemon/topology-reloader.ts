/**
 * Reloads the topology and the torrents on request of the operator, on a signal, and after the file changed. An invalid
 * topology changes nothing.
 */
import type { NodeConfig } from '../config/load-config.ts'
import { loadTopologyInThread } from '../config/topology-thread.ts'
import { ConfigError, type Problem } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Counters } from '../observe/counters.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { Topology } from '../topology/topology.ts'
import { watchForChanges } from './file-watch.ts'
import { replaceTopology } from './replace-topology.ts'

export interface TopologyReloaderComponents {
  readonly config: NodeConfig
  readonly counters: Counters
  readonly reloadTorrents: () => Promise<void>
  readonly topology: CurrentTopology
  readonly table: SwarmTable
  readonly log: Log
}

export class TopologyReloader {
  readonly #config: NodeConfig
  readonly #counters: Counters
  readonly #reloadTorrents: () => Promise<void>
  readonly #topology: CurrentTopology
  readonly #table: SwarmTable
  readonly #log: Log
  #last: Promise<unknown> = Promise.resolve()
  #rejection: string | undefined

  constructor({ config, counters, reloadTorrents, topology, table, log }: TopologyReloaderComponents) {
    this.#config = config
    this.#counters = counters
    this.#reloadTorrents = reloadTorrents
    this.#topology = topology
    this.#table = table
    this.#log = log
    topology.onReplace(({ sites }) => counters.resize(sites.map((site) => site.name)))
  }

  /** The first problem of the file on disk, while that is not the current topology. */
  get rejection(): string | undefined {
    return this.#rejection
  }

  /** Rejects with a `ConfigError` and changes nothing if the topology is invalid. */
  reload(): Promise<{ readonly sites: number }> {
    // One after the other, so that the file that was read last becomes current.
    const reloaded = this.#last.then(() => this.#reload())
    this.#last = reloaded.catch(() => undefined)
    return reloaded
  }

  /** Reloads when the file changes. Returns a function that ends the watch. */
  watch(): () => void {
    return watchForChanges(this.#config.topologyPath, () => void this.reloadLogged('file-changed'))
  }

  /** A reload without a caller that waits for it, after a signal or a changed file. The log reports problems. */
  async reloadLogged(cause: string): Promise<void> {
    try {
      await this.reload()
    } catch (error) {
      const fields = { event: 'reload-refused', cause }
      if (error instanceof ConfigError)
        this.#log.warn(
          { ...fields, problems: error.message },
          'reload rejected: the new topology is invalid; the current one stays',
        )
      else this.#log.error({ ...fields, err: error }, 'reload failed; the current topology stays')
    }
  }

  async #reload(): Promise<{ readonly sites: number }> {
    try {
      const loaded = await loadTopology(this.#config)
      await this.#reloadTorrents()
      await replaceTopology(this.#topology, this.#table, loaded)
      this.#counters.reload('accepted')
      this.#rejection = undefined
      this.#log.info(
        { event: 'reloaded', sites: loaded.sites.length, topology: loaded.hash },
        'topology reloaded',
      )
      return { sites: loaded.sites.length }
    } catch (error) {
      this.#counters.reload('refused')
      if (error instanceof ConfigError)
        this.#rejection = error.problems[0] === undefined ? error.message : firstLine(error.problems[0])
      throw error
    }
  }
}

/** The topology of the file. Rejects with a `ConfigError` if it is invalid, or does not contain the site of this node. */
async function loadTopology({ topologyPath, site }: NodeConfig): Promise<Topology> {
  const topology = await loadTopologyInThread(topologyPath)
  if (topology.siteNamed(site) !== undefined) return topology
  throw new ConfigError([
    {
      file: topologyPath,
      line: 1,
      column: 1,
      message: `the site of this node, "${site}", is missing`,
      hint: 'add it again, or stop the node, give it another site and start it',
    },
  ])
}

function firstLine({ file, line, column, message }: Problem): string {
  return `${file}:${line}:${column}  ${message}`
}
