/**
 * Sources and operations behind the admin listener: of this process alone, or of all processes where the node has
 * several.
 */
import type { HealthSource } from '../server/admin/routes/health.ts'
import type { Operations } from '../server/admin/routes/operations.ts'
import type { Readiness } from '../observe/health.ts'
import { Metrics } from '../observe/metrics.ts'
import type { WorkerGroup } from './workers/worker-group.ts'

export interface ProcessComponents {
  readonly metrics: Metrics
  readonly readiness: () => Readiness
  readonly operations: Operations
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
      operations,
    }
  }
  group.join({
    metrics: () => metrics.read(),
    readiness,
    reload: () => operations.reload(),
    drain: () => operations.drain(),
  })
  return {
    health: {
      metrics: async () => ({ contentType, body: await Metrics.renderSum(await group.metrics()) }),
      readiness: () => group.readiness(),
    },
    operations: { reload: () => group.reload(), drain: () => group.drain() },
  }
}
