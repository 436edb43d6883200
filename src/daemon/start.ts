/** Starts a node from its loaded configuration. The command line uses this file, and nothing else of a single process. */
import type { LoadedNode } from '../config/load-node.ts'
import { InputError, formatProblem } from '../core/errors.ts'
import { openLog } from '../observe/log.ts'
import type { NodeAddresses } from './listen-on.ts'
import { SiteswarmNode } from './node.ts'
import type { WorkerGroup } from './workers/worker-group.ts'

export interface StartedNode {
  readonly addresses: NodeAddresses
  /** Reloads the topology; the log reports problems with it. */
  reload(): void
  /** Drains, finishes requests in progress, writes the snapshot. */
  stop(): Promise<void>
  /** Rejects when the node gives up, which only a node with workers does. */
  readonly ended?: Promise<never>
}

/** Identity of this process among the processes of one node. */
export interface WorkerIdentity {
  readonly number: number
  readonly group: WorkerGroup
}

/** Rejects with a `ConfigError`, or with an `InputError` if it cannot listen on an address. */
export async function startNode(
  loaded: LoadedNode,
  version: string,
  worker?: WorkerIdentity,
): Promise<StartedNode> {
  const { config, publicConfiguration, topology, warnings } = loaded
  const { log, droppedLines, flush } = openLog({
    level: config.log.level,
    site: config.site,
    worker: worker?.number,
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
    group: worker?.group,
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

const LISTEN_HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE:
    'another program listens there; stop it, or change listen in the configuration (port 0 picks a free one)',
  EADDRNOTAVAIL: 'this machine does not have that address; change listen in the configuration',
  EACCES: 'this user may not listen there; use a port above 1023, or give the service CAP_NET_BIND_SERVICE',
}

function explainListenError(error: unknown): unknown {
  const { code, address, port } = error as { code?: string; address?: string; port?: number }
  const hint = LISTEN_HINTS[code ?? '']
  return hint === undefined || address === undefined
    ? error
    : new InputError(`cannot listen on ${address}:${port ?? ''}: ${hint}`)
}
