/**
 * Reads a topology file in a thread of its own: one with 65,000 prefixes takes seconds, in which the node would answer no
 * announce.
 */
import { Worker } from 'node:worker_threads'
import { ConfigError } from '../core/errors.ts'
import type { Problem } from '../core/problem.ts'
import { type CompiledTopology, topologyOf } from '../topology/build-topology.ts'
import type { Topology } from '../topology/topology.ts'

export type ThreadResult = { readonly compiled: CompiledTopology } | { readonly problems: readonly Problem[] }

/** Rejects with a `ConfigError` that has every problem, or those of each kind that fit on a page. */
export async function loadTopologyInThread(path: string): Promise<Topology> {
  const result = await new Promise<ThreadResult>((resolve, reject) => {
    const thread = new Worker(new URL('./topology-thread-main.js', import.meta.url), { workerData: path })
    thread.once('message', resolve)
    thread.once('error', reject)
    thread.once('exit', (code) =>
      reject(new Error(`the thread that reads the topology ended with code ${code}`)),
    )
  })
  if ('problems' in result) throw new ConfigError(result.problems)
  return topologyOf(result.compiled)
}
