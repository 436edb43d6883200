/** Runs a simulation to its end and yields to the event loop meanwhile, for progress and signals. */
import { setImmediate } from 'node:timers/promises'
import { elapsedMs } from '../core/clock.ts'
import type { Outcome } from './outcome.ts'
import type { Scenario } from './scenario.ts'
import { type PolicyName, Simulation, type SimulationOptions } from './simulation.ts'

/** Duration of a turn: below what a person notices. */
const TURN_MS = 50

export interface Progress {
  readonly policy: PolicyName
  readonly simulatedSeconds: number
  /** 0 … 1, by completed hosts and by received bytes. */
  readonly hosts: number
  readonly bytes: number
}

/** undefined if aborted. */
export async function runSimulation(
  scenario: Scenario,
  policy: PolicyName,
  options: SimulationOptions & {
    readonly signal?: AbortSignal
    readonly onProgress?: (progress: Progress) => void
  } = {},
): Promise<Outcome | undefined> {
  const simulation = new Simulation(scenario, policy, options)
  while (!simulation.isOver) {
    const turnEndsMs = elapsedMs() + TURN_MS
    while (!simulation.isOver && elapsedMs() < turnEndsMs) simulation.step()
    options.onProgress?.({ policy, simulatedSeconds: simulation.nowSeconds, ...simulation.progress })
    await setImmediate()
    if (options.signal?.aborted) return undefined
  }
  return simulation.outcome()
}
