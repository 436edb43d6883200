/** `topology diff`: the changes between two topology files in words, before the new one is copied to the nodes. */
import { loadTopology } from '../../config/load-topology.ts'
import { compareTopologies, type TopologyChanges } from '../../topology/compare-topologies.ts'
import { describeChanges } from '../../topology/describe-changes.ts'
import { type Command, exitCodes } from '../command.ts'

export const topologyCommand: Command = {
  examples: [
    'siteswarm topology diff /etc/siteswarm/topology.yaml topology.new.yaml',
    'siteswarm topology diff old.yaml new.yaml --json',
  ],
  flags: [],
  async run([action, oldPath = '', newPath = ''], flags, context) {
    if (action !== 'diff') {
      context.err(`siteswarm topology: ${JSON.stringify(action)} is not an action; use diff`)
      return exitCodes.usage
    }
    const before = loadTopology(oldPath)
    const after = loadTopology(newPath)
    const changes = compareTopologies(before.topology, after.topology)
    const hashes = { before: before.topology.hash, after: after.topology.hash }
    if (flags['json'] === true) context.out(JSON.stringify(asDocument(changes, hashes)))
    else for (const line of describe(changes, hashes)) context.out(line)
    return hashes.before === hashes.after ? exitCodes.yes : exitCodes.no
  },
}

interface Hashes {
  readonly before: string
  readonly after: string
}

function asDocument({ moves, ...changes }: TopologyChanges, hashes: Hashes) {
  return {
    isSame: hashes.before === hashes.after,
    topologyHash: hashes,
    ...changes,
    // JSON has no integers of 128 bits.
    moves: moves.map((move) => ({
      ...move,
      from: move.from ?? null,
      to: move.to ?? null,
      addresses: String(move.addresses),
    })),
    settings: changes.settings.map((change) => ({ ...change, site: change.site ?? null })),
  }
}

function describe(changes: TopologyChanges, { before, after }: Hashes): string[] {
  if (before === after) return [`the files mean the same (hash ${before})`]
  return [...describeChanges(changes), `hash ${before} becomes ${after}`]
}
