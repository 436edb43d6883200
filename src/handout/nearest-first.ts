/** The order of the peers in a response, and the choice of those that stay where there are too many. */
import type { Choice } from './decision.ts'

const LOCALITY_ORDER = { bubble: 0, site: 1, remote: 2 } as const

/** Nearest first. If there are too many, peers of other sites stay: no other response contains them. */
export function nearestFirst(choices: readonly Choice[], peersWanted: number): Choice[] {
  const sorted = choices.toSorted((a, b) => LOCALITY_ORDER[a.locality] - LOCALITY_ORDER[b.locality])
  const surplus = sorted.length - peersWanted
  if (surplus <= 0) return sorted
  const remote = sorted.filter((choice) => choice.locality === 'remote').slice(0, peersWanted)
  return [
    ...sorted.slice(0, peersWanted - remote.length).filter((choice) => choice.locality !== 'remote'),
    ...remote,
  ]
}
