/** Program of the thread that checks a topology; `topology-check-thread.ts` starts it. */
import { parentPort, workerData } from 'node:worker_threads'
import { topologyOf } from '../topology/build-topology.ts'
import { checkTopology } from './topology-check.ts'
import type { CheckOrder } from './topology-check-thread.ts'

const { text, current, site } = workerData as CheckOrder

parentPort?.postMessage(checkTopology(text, topologyOf(current), site))
