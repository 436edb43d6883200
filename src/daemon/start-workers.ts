/**
 * `serve --workers`: one node as several processes, one for each core, behind the same ports.
 *
 * For the site, each worker is a node of its own: it holds the whole table, and receives the announces of the others
 * through Redis. Workers therefore multiply both the announces per second and the memory.
 *
 * The workers share the listening sockets, and each accepts from them (SCHED_NONE). By default Node accepts in the first
 * process and passes each connection on, which makes that process the limit: nearly every announce of libtorrent and
 * aria2 has a connection of its own.
 */
import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'
import type { LoadedNode } from '../config/load-node.ts'
import { ConfigError, formatProblem } from '../core/errors.ts'
import { openLog } from '../observe/log.ts'
import type { StartedNode } from './start.ts'
import type { WorkerArguments } from './workers/messages.ts'
import { Supervisor } from './workers/supervisor.ts'

export interface WorkersOptions {
  readonly workers: number
  readonly configPath: string | undefined
  readonly version: string
  /** Also aborts a start in progress. */
  readonly signal: AbortSignal
}

/**
 * Resolves when the first worker is ready, with `undefined` if the signal came first. Rejects with the reason why the
 * workers cannot start.
 */
export async function startWorkers(
  loaded: LoadedNode,
  options: WorkersOptions,
): Promise<StartedNode | undefined> {
  requireSharedStore(loaded, options.workers)
  const { config, warnings } = loaded
  const { log, flush } = openLog({ level: config.log.level, site: config.site })
  for (const warning of warnings)
    log.warn({ event: 'configuration', problem: formatProblem(warning) }, 'configuration warning')

  cluster.schedulingPolicy = cluster.SCHED_NONE
  const supervisor = new Supervisor({ workers: options.workers, log, fork: forkWith(options) })
  const stop = async () => {
    await supervisor.stop()
    log.info({ event: 'stopped' }, 'stopped')
    await flush()
  }
  const aborted = new Promise<undefined>((resolve) => {
    if (options.signal.aborted) resolve(undefined)
    else options.signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
  try {
    const addresses = await Promise.race([supervisor.start(), aborted])
    if (addresses !== undefined)
      return { addresses, reload: () => void supervisor.reload(), stop, ended: supervisor.ended }
    await stop()
    return undefined
  } catch (error) {
    await flush()
    throw error
  }
}

function forkWith({ workers, configPath, version }: WorkersOptions) {
  return (worker: number) => {
    const startArguments: WorkerArguments = { worker, workers, configPath, version }
    cluster.setupPrimary({
      exec: fileURLToPath(new URL('./workers/worker-main.js', import.meta.url)),
      args: [JSON.stringify(startArguments)],
      // JSON would replace the NaN of a gauge without a value by null.
      serialization: 'advanced',
    })
    return cluster.fork()
  }
}

/** Workers with a store of their own would each hand out a part of the peers. */
function requireSharedStore({ config }: LoadedNode, workers: number): void {
  if (config.store.kind !== 'memory') return
  throw new ConfigError([
    {
      file: 'store',
      line: 0,
      column: 0,
      message: `${workers} workers cannot share \`store: memory\`: each would have a part of the peers, and a client would reach one of them`,
      hint: 'set store to a Redis, which may run on this machine (redis://127.0.0.1:6379), or use --workers 1',
    },
  ])
}
