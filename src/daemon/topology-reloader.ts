/**
 * Reading the topology and the torrents anew, whoever asks for it: an operator, a signal, a file that changed. What
 * is wrong changes nothing.
 */
import type { NodeConfig } from '../config/load-config.ts'
import { loadTopologyFile } from '../config/load-topology.ts'
import { ConfigError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Counters } from '../observe/counters.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { Topology } from '../topology/topology.ts'

export interface TopologyReloaderComponents {
  readonly config: NodeConfig
  readonly counters: Counters
  readonly reloadTorrents: () => Promise<void>
  readonly topology: CurrentTopology
  readonly log: Log
}

export class TopologyReloader {
  readonly #parts: TopologyReloaderComponents
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: TopologyReloaderComponents) {
    this.#parts = parts
  }

  /** A wrong topology rejects with a `ConfigError` and changes nothing. */
  reload(): Promise<{ readonly sites: number }> {
    // One after the other: the file that was read last is the one that stays.
    const reloaded = this.#last.then(() => this.#reload())
    this.#last = reloaded.catch(() => undefined)
    return reloaded
  }

  /** What a signal or a changed file asks for: nobody waits for it, so what is wrong is said in the log. */
  async reloadLogged(cause: string): Promise<void> {
    try {
      await this.reload()
    } catch (error) {
      const { log } = this.#parts
      const fields = { event: 'reload-refused', cause }
      if (error instanceof ConfigError)
        log.warn(
          { ...fields, problems: error.message },
          'the new topology is wrong and was not taken; the one before stays',
        )
      else log.error({ ...fields, err: error }, 'the reload failed; what was before stays')
    }
  }

  async #reload(): Promise<{ readonly sites: number }> {
    const { config, counters, reloadTorrents, topology, log } = this.#parts
    try {
      const loaded = loadTopology(config)
      await reloadTorrents()
      counters.resize(loaded.sites.map((site) => site.name))
      topology.replace(loaded)
      counters.reload('accepted')
      log.info({ event: 'reloaded', sites: loaded.sites.length }, 'the topology was read anew')
      return { sites: loaded.sites.length }
    } catch (error) {
      counters.reload('refused')
      throw error
    }
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
