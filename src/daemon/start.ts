/** Starts a node from its loaded configuration. The command line uses this file, and nothing else of a single process. */
import type { LoadedNode } from '../config/load-node.ts'
import { formatProblem } from '../core/errors.ts'
import { openLog } from '../observe/log.ts'
import { explainListenError, type NodeAddresses } from './listen-on.ts'
import { SiteswarmNode } from './node.ts'
import type { OwnerOptions } from './workers/owner-sockets.ts'

export interface StartedNode {
  readonly addresses: NodeAddresses
  /** Reloads the topology; the log reports problems with it. */
  reload(): void
  /** Drains, finishes requests in progress, writes the snapshot. */
  stop(): Promise<void>
  /** Rejects when the node gives up, which only a node with workers does. */
  readonly ended?: Promise<never>
}

/**
 * Rejects with a `ConfigError`, or with an `InputError` if it cannot listen on an address. `owner`: where other processes
 * of the node listen for this one.
 */
export async function startNode(
  loaded: LoadedNode,
  version: string,
  owner?: OwnerOptions,
): Promise<StartedNode> {
  const { config, publicConfiguration, topology, warnings } = loaded
  const { log, droppedLines, flush } = openLog({
    level: config.log.level,
    site: config.site,
    worker: undefined,
  })
  for (const warning of warnings)
    log.warn({ event: 'configuration', problem: formatProblem(warning) }, 'configuration warning')
  const node = new SiteswarmNode({
    config,
    publicConfiguration,
    topology,
    version,
    log,
    droppedLogLines: droppedLines,
    owner,
  })
  try {
    const addresses = await node.start()
    return {
      addresses,
      reload: () => node.reloadOnSignal(),
      stop: async () => {
        await node.stop()
        await flush()
      },
    }
  } catch (error) {
    await node.stop()
    await flush()
    throw explainListenError(error)
  }
}
