/**
 * `serve --workers`: one node as several processes, one for each core, behind the same ports.
 *
 * To the site each worker is a node of its own: it holds the whole table, and hears of the others' announces through
 * Redis. So workers multiply announces a second, and memory with them.
 *
 * The workers share the listening sockets and accept from them by themselves (SCHED_NONE). By default Node accepts in
 * the first process and hands each connection on, which makes that process the limit: nearly every announce of
 * libtorrent and aria2 is a connection of its own.
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
  /** Ends the start, too. */
  readonly signal: AbortSignal
}

/**
 * Resolves when the first worker answers, with `undefined` where the signal came first. Rejects with what keeps the
 * workers from starting.
 */
export async function startWorkers(
  loaded: LoadedNode,
  options: WorkersOptions,
): Promise<StartedNode | undefined> {
  refuseUnshared(loaded, options.workers)
  const { config, warnings } = loaded
  const { log, flush } = openLog({ level: config.log.level, site: config.site })
  for (const warning of warnings)
    log.warn(
      { event: 'configuration', problem: formatProblem(warning) },
      'the configuration works, but look at this',
    )

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
    const given: WorkerArguments = { worker, workers, configPath, version }
    cluster.setupPrimary({
      exec: fileURLToPath(new URL('./workers/worker-main.js', import.meta.url)),
      args: [JSON.stringify(given)],
      // JSON would turn the NaN of a gauge that has no value yet into nothing.
      serialization: 'advanced',
    })
    return cluster.fork()
  }
}

/** Rather than run as if they knew of each other's peers. */
function refuseUnshared({ config }: LoadedNode, workers: number): void {
  if (config.store.kind !== 'memory') return
  throw new ConfigError([
    {
      file: 'store',
      line: 0,
      column: 0,
      message: `${workers} workers cannot share \`store: memory\`: each would know a part of the peers, and clients would meet one or another`,
      hint: 'set store to a Redis, which may run on this machine (redis://127.0.0.1:6379), or use --workers 1',
    },
  ])
}
