/**
 * Program of a worker process: a node that answers operators for the whole node, and follows the supervisor.
 *
 * Ctrl-C and the end of a terminal reach every process of the terminal at once; a worker ignores both and waits for the
 * supervisor. If the supervisor dies, the channel closes and Node ends the worker.
 */
import cluster from 'node:cluster'
import { loadNode } from '../../config/load-node.ts'
import { ConfigError, InputError } from '../../core/errors.ts'
import { startNode } from '../start.ts'
import type { StartFailure, ToSupervisor, ToWorker, WorkerArguments } from './messages.ts'
import { WorkerGroup } from './worker-group.ts'

const { worker, workers, configPath, version } = JSON.parse(process.argv[2] ?? '{}') as WorkerArguments

const send = (message: ToSupervisor) => {
  if (process.connected) process.send?.(message)
}
const group = new WorkerGroup({ worker, workers, send })

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
  const loaded = loadNode({ path: configPath, environment: process.env })
  const node = await startNode({ ...loaded, warnings: [] }, version, { number: worker, group })
  send({ kind: 'ready', addresses: node.addresses })
  await stopped
  await node.stop()
} catch (error) {
  send({ kind: 'failed', failure: failureOf(error) })
  process.exitCode = 1
}
// An open channel keeps the process alive; a closed one marks the exit as intended.
cluster.worker?.disconnect()

function failureOf(error: unknown): StartFailure {
  if (error instanceof ConfigError) return { kind: 'config', problems: error.problems }
  if (error instanceof InputError) return { kind: 'input', message: error.message }
  return { kind: 'bug', stack: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}
