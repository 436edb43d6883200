/** A simulated rollout that names only what matters: `aScenario({ hosts: [1, 4] })`. */
import { clientMixes } from '../src/simulation/client-model.ts'
import type { Outcome } from '../src/simulation/outcome.ts'
import type { Scenario } from '../src/simulation/scenario.ts'
import { type PolicyName, Simulation } from '../src/simulation/simulation.ts'
import { uniformTopology } from '../src/simulation/uniform-topology.ts'

export interface ScenarioLiteral extends Partial<
  Omit<Scenario, 'hostsOfSite' | 'clients' | 'wanBitsPerSecond'>
> {
  /** By site; the source is one of the first site's. */
  readonly hosts?: readonly number[]
  readonly client?: keyof typeof clientMixes
  readonly wanBitsPerSecond?: number
  readonly gateways?: number
}

/** Two sites of four hosts, 32 MiB in 64 pieces, links of the laboratory, clients that keep their connections. */
export function aScenario(literal: ScenarioLiteral = {}): Scenario {
  const { hosts = [4, 4], client = 'aria2', wanBitsPerSecond = 80e6, gateways, ...rest } = literal
  return {
    topology: uniformTopology(hosts.length, gateways),
    hostsOfSite: hosts,
    sourceSite: 0,
    sizeBytes: 32 * 2 ** 20,
    nicBitsPerSecond: 200e6,
    wanBitsPerSecond: hosts.map(() => wanBitsPerSecond),
    clients: clientMixes[client] ?? [],
    seed: 1,
    startWithinSeconds: 0,
    pieces: 64,
    ...rest,
  }
}

export function simulated(literal: ScenarioLiteral = {}, policy: PolicyName = 'siteswarm'): Outcome {
  const simulation = new Simulation(aScenario(literal), policy)
  while (!simulation.isOver) simulation.step()
  return simulation.outcome()
}
