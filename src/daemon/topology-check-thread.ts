/** Checks a topology in a thread of its own: a body of 4 MiB takes seconds, in which the node would answer no announce. */
import { Worker } from 'node:worker_threads'
import type { TopologyCheck } from '../server/admin/answers/topology.ts'
import { type CompiledTopology, compiledOf } from '../topology/build-topology.ts'
import type { Topology } from '../topology/topology.ts'
import { checkTopology } from './topology-check.ts'

export interface CheckOrder {
  readonly text: string
  readonly current: CompiledTopology
  readonly site: string
}

/** As `checkTopology`. */
export async function checkTopologyInThread(
  text: string,
  current: Topology,
  site: string,
): Promise<TopologyCheck> {
  const compiled = compiledOf(current)
  if (compiled === undefined) return checkTopology(text, current, site)
  const workerData: CheckOrder = { text, current: compiled, site }
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('./topology-check-main.js', import.meta.url), { workerData })
    thread.once('message', resolve)
    thread.once('error', reject)
    thread.once('exit', (code) =>
      reject(new Error(`the thread that checks the topology ended with code ${code}`)),
    )
  })
}
