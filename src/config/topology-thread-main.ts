/** Program of the thread that reads a topology file; `topology-thread.ts` starts it. */
import { parentPort, workerData } from 'node:worker_threads'
import { ConfigError } from '../core/errors.ts'
import { summarized } from '../core/problem.ts'
import { compileTopologyFile } from './load-topology.ts'
import type { ThreadResult } from './topology-thread.ts'

/** More are summarized: a copy of 65,000 with their excerpts would stop the receiving thread. */
const PROBLEMS_MAX = 500

parentPort?.postMessage(read(workerData as string))

function read(path: string): ThreadResult {
  try {
    return { compiled: compileTopologyFile(path) }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const { problems } = error
    return { problems: problems.length > PROBLEMS_MAX ? summarized(problems) : problems }
  }
}
