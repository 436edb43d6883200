/** Dry run of a changed topology: its problems, or the changes that it would make. Changes nothing. */
import { parseTopology } from '../config/load-topology.ts'
import { ConfigError } from '../core/errors.ts'
import type { TopologyCheck } from '../server/admin/answers/topology.ts'
import { compareTopologies } from '../topology/compare-topologies.ts'
import { describeChanges } from '../topology/describe-changes.ts'
import type { Topology } from '../topology/topology.ts'

/** Name of the text in problems. */
const FILE_NAME = 'topology.yaml'

/** `site`: of this node, which its topology has to contain. */
export function checkTopology(text: string, current: Topology, site: string): TopologyCheck {
  try {
    const topology = parseTopology(text, FILE_NAME)
    if (topology.siteNamed(site) === undefined)
      return rejected([
        { line: 1, column: 1, message: `the site of this node, "${site}", is missing`, hint: null },
      ])
    return {
      topologyHash: topology.hash,
      isSame: topology.hash === current.hash,
      problems: [],
      changes: describeChanges(compareTopologies(current, topology)),
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return rejected(
      error.problems.map(({ line, column, message, hint }) => ({
        line,
        column,
        message,
        hint: hint ?? null,
      })),
    )
  }
}

function rejected(problems: TopologyCheck['problems']): TopologyCheck {
  return { topologyHash: null, isSame: false, problems, changes: [] }
}
