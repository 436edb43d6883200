/**
 * Sources and operations behind the admin listener: of this process alone, or of all processes where the node has
 * several.
 */
import type { HealthSource } from '../server/admin/routes/health.ts'
import type { Operations } from '../server/admin/routes/operations.ts'
import type { Readiness } from '../observe/health.ts'
import { Metrics } from '../observe/metrics.ts'
import type { WorkerGroup } from './workers/worker-group.ts'

/** Operations of this process alone. */
interface ProcessOperations extends Omit<Operations, 'undoDrain'> {
  undoDrain(): boolean
}

export interface ProcessComponents {
  readonly metrics: Metrics
  readonly readiness: () => Readiness
  readonly operations: ProcessOperations
  readonly group: WorkerGroup | undefined
}

export function adminSources({ metrics, readiness, operations, group }: ProcessComponents): {
  readonly health: HealthSource
  readonly operations: Operations
} {
  const { contentType } = metrics
  if (group === undefined) {
    return {
      health: {
        metrics: async () => ({ contentType, body: await metrics.render() }),
        readiness: async () => readiness(),
      },
      operations: { ...operations, undoDrain: async () => operations.undoDrain() },
    }
  }
  group.join({
    metrics: () => metrics.read(),
    readiness,
    reload: () => operations.reload(),
    drain: (reason) => operations.drain(reason),
    undoDrain: () => operations.undoDrain(),
  })
  return {
    health: {
      metrics: async () => ({ contentType, body: await Metrics.renderSum(await group.metrics()) }),
      readiness: () => group.readiness(),
    },
    operations: {
      reload: () => group.reload(),
      drain: (reason) => group.drain(reason),
      undoDrain: () => group.undoDrain(),
    },
  }
}
