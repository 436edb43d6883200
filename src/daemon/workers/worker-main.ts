/**
 * Program of a process of a node: the owner of the swarm table, which is a node without the listeners of the tracker, or a
 * worker with these. It follows the supervisor.
 *
 * Ctrl-C and the end of a terminal reach every process of the terminal at once; a worker ignores both and waits for the
 * supervisor. If the supervisor dies, the channel closes and Node ends the worker.
 */
import cluster from 'node:cluster'
import type { ConfigOptions } from '../../config/load-config.ts'
import { ConfigError, InputError } from '../../core/errors.ts'
import { openLog } from '../../observe/log.ts'
import { explainListenError } from '../listen-on.ts'
import {
  OWNER,
  type StartFailure,
  type ToSupervisor,
  type ToWorker,
  type WorkerArguments,
} from './messages.ts'
import type { OwnerOptions } from './owner-sockets.ts'
import { WorkerGroup } from './worker-group.ts'

const { worker, workers, configPath, version, socketDirectory } = JSON.parse(
  process.argv[2] ?? '{}',
) as WorkerArguments

const send = (message: ToSupervisor) => {
  if (process.connected) process.send?.(message)
}
const group = new WorkerGroup({ workers, send })

const stopped = new Promise<void>((resolve) => {
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'stop') resolve()
    else group.receive(message)
  })
  process.once('SIGTERM', () => resolve())
})
process.on('SIGINT', () => undefined)
process.on('SIGHUP', () => undefined)

try {
  const start = worker === OWNER ? startOwner : startListener
  const stop = await start({ path: configPath, environment: process.env }, { group, socketDirectory })
  await stopped
  await stop()
} catch (error) {
  send({ kind: 'failed', failure: failureOf(error) })
  process.exitCode = 1
}
// An open channel keeps the process alive; a closed one marks the exit as intended.
cluster.worker?.disconnect()

/** Each loads only the modules that it runs. Both return what stops them. */
async function startOwner(options: ConfigOptions, owner: OwnerOptions): Promise<() => Promise<void>> {
  const { loadNode } = await import('../../config/load-node.ts')
  const { startNode } = await import('../start.ts')
  const node = await startNode({ ...loadNode(options), warnings: [] }, version, owner)
  send({ kind: 'ready', addresses: node.addresses })
  return () => node.stop()
}

async function startListener(options: ConfigOptions, owner: OwnerOptions): Promise<() => Promise<void>> {
  const { loadConfig } = await import('../../config/load-config.ts')
  const { Listener } = await import('./listener.ts')
  const config = loadConfig(options)
  const { log, droppedLines, flush } = openLog({ level: config.log.level, site: config.site, worker })
  const listener = new Listener({ config, version, log, droppedLogLines: droppedLines, owner })
  const stop = async () => {
    await listener.stop()
    await flush()
  }
  const started = listener.start().then((addresses) => send({ kind: 'ready', addresses }))
  try {
    await Promise.race([started, stopped])
  } catch (error) {
    await stop()
    throw explainListenError(error)
  }
  return stop
}

function failureOf(error: unknown): StartFailure {
  if (error instanceof ConfigError) return { kind: 'config', problems: error.problems }
  if (error instanceof InputError) return { kind: 'input', message: error.message }
  return { kind: 'bug', stack: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}
