/** From a configuration file to a running node: what the command line needs to know of the daemon. */
import type { LoadedNode } from '../config/load-node.ts'
import { InputError, formatProblem } from '../core/errors.ts'
import { openLog } from '../observe/log.ts'
import { type NodeAddresses, SiteswarmNode } from './node.ts'
import type { WorkerGroup } from './workers/worker-group.ts'

export interface StartedNode {
  readonly addresses: NodeAddresses
  /** Reads the topology anew; what is wrong with it is said in the log. */
  reload(): void
  /** Drains, finishes what has begun, writes the snapshot. */
  stop(): Promise<void>
  /** Rejects when the node cannot go on, which only one with workers finds out by itself. */
  readonly ended?: Promise<never>
}

/** Which of several processes of one node this is. */
export interface WorkerIdentity {
  readonly number: number
  readonly group: WorkerGroup
}

/** Rejects with a `ConfigError`, or with an `InputError` where an address cannot be listened on. */
export async function startNode(
  loaded: LoadedNode,
  version: string,
  worker?: WorkerIdentity,
): Promise<StartedNode> {
  const { config, topology, warnings } = loaded
  const { log, droppedLines, flush } = openLog({
    level: config.log.level,
    site: config.site,
    worker: worker?.number,
  })
  for (const warning of warnings)
    log.warn(
      { event: 'configuration', problem: formatProblem(warning) },
      'the configuration works, but look at this',
    )
  const node = new SiteswarmNode({
    config,
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
  EADDRNOTAVAIL: 'this machine has no such address; change listen in the configuration',
  EACCES: 'this user may not listen there; use a port above 1023, or give the service CAP_NET_BIND_SERVICE',
}

function explainListenError(error: unknown): unknown {
  const { code, address, port } = error as { code?: string; address?: string; port?: number }
  const hint = LISTEN_HINTS[code ?? '']
  return hint === undefined || address === undefined
    ? error
    : new InputError(`cannot listen on ${address}:${port ?? ''}: ${hint}`)
}
