/**
 * `serve --workers`: one node as several processes behind the same ports.
 *
 * One of them owns the swarm table and is a node without the listeners of the tracker; the workers have these, and pass the
 * requests of clients to it. They share the listening sockets, and each accepts from them (SCHED_NONE). By default Node accepts in the first
 * process and passes each connection on, which makes that process the limit: nearly every announce of libtorrent and
 * aria2 has a connection of its own.
 */
import cluster from 'node:cluster'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LoadedNode } from '../config/load-node.ts'
import { formatProblem, InputError } from '../core/errors.ts'
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
 * Resolves when the node answers announces, with `undefined` if the signal came first. Rejects with the reason why the
 * workers cannot start.
 */
export async function startWorkers(
  loaded: LoadedNode,
  options: WorkersOptions,
): Promise<StartedNode | undefined> {
  const { config, warnings } = loaded
  const { log, flush } = openLog({ level: config.log.level, site: config.site })
  for (const warning of warnings)
    log.warn({ event: 'configuration', problem: formatProblem(warning) }, 'configuration warning')

  cluster.schedulingPolicy = cluster.SCHED_NONE
  const socketDirectory = await makeSocketDirectory()
  const fork = forkWith(options, socketDirectory)
  const supervisor = new Supervisor({ workers: options.workers, log, fork })
  const stop = async () => {
    await supervisor.stop()
    await rm(socketDirectory, { recursive: true, force: true })
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
    await rm(socketDirectory, { recursive: true, force: true })
    await flush()
    throw error
  }
}

/** Only this user can open what is in it. */
async function makeSocketDirectory(): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), 'siteswarm-'))
  } catch (error) {
    throw new InputError(
      `the workers need a directory for their sockets: ${(error as Error).message}; set TMPDIR to one in which this user may create files`,
    )
  }
}

function forkWith({ workers, configPath, version }: WorkersOptions, socketDirectory: string) {
  return (worker: number) => {
    const startArguments: WorkerArguments = { worker, workers, configPath, version, socketDirectory }
    cluster.setupPrimary({
      exec: fileURLToPath(new URL('./workers/worker-main.js', import.meta.url)),
      args: [JSON.stringify(startArguments)],
      // JSON would replace the NaN of a gauge without a value by null.
      serialization: 'advanced',
    })
    return cluster.fork()
  }
}
