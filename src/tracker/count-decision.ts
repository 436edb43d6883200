/** What one answer adds to the metrics: elections, rescues, and peers handed out by the ring they came from. */
import type { TrackerMetrics } from '../core/tracker-metrics.ts'
import type { Decision } from '../handout/decision.ts'

export function countDecision(metrics: TrackerMetrics, decision: Decision, siteIndex: number): void {
  if (decision.election !== undefined) metrics.election(siteIndex, decision.election)
  if (decision.isRescue) metrics.rescue(siteIndex)
  let bubble = 0
  let remote = 0
  for (const { locality } of decision.choices) {
    if (locality === 'bubble') bubble++
    else if (locality === 'remote') remote++
  }
  metrics.handout(siteIndex, 'bubble', bubble)
  metrics.handout(siteIndex, 'site', decision.choices.length - bubble - remote)
  metrics.handout(siteIndex, 'remote', remote)
}
