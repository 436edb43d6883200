/** `topology diff`: the changes between two topology files in words, before the new one is copied to the nodes. */
import { loadTopology } from '../../config/load-topology.ts'
import {
  compareTopologies,
  type Move,
  type SettingChange,
  type TopologyChanges,
} from '../../topology/compare-topologies.ts'
import { NO_BUBBLE } from '../../topology/topology.ts'
import { type Command, exitCodes } from '../command.ts'

/** More prefixes of one move are counted; `--json` has all of them. */
const SHOWN_PREFIXES_MAX = 8

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
    const changes = compareTopologies(before, after)
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
  const lines = [
    ...changes.sitesAdded.map((site) => `site ${site} is added`),
    ...changes.sitesRemoved.map((site) => `site ${site} is removed`),
    ...changes.moves.map(describeMove),
    ...changes.settings.map(describeSetting),
  ]
  return [...lines, `hash ${before} becomes ${after}`]
}

function describeMove({ from, to, prefixes, addresses }: Move): string {
  const shown = prefixes.slice(0, SHOWN_PREFIXES_MAX).join(', ')
  const more = prefixes.length - SHOWN_PREFIXES_MAX
  const which = `${shown}${more > 0 ? ` and ${more} more` : ''} (${counted(addresses)})`
  if (from === undefined) return `${which}: refused before, now in ${place(to)}`
  if (to === undefined) return `${which}: in ${place(from)} before, refused from now on`
  return `${which}: ${verb(from, to)} from ${place(from)} to ${place(to)}`
}

/** The announces of a client that only changes its bubble go to the same nodes. */
function verb(from: string, to: string): string {
  return from.split('/')[0] === to.split('/')[0] ? 'change their bubble' : 'move'
}

function place(name: string | undefined): string {
  const [site = '', bubble = NO_BUBBLE] = name?.split('/') ?? []
  return bubble === NO_BUBBLE ? `site ${site}` : `bubble ${bubble} of site ${site}`
}

function counted(addresses: bigint): string {
  if (addresses === 1n) return '1 address'
  const bits = addresses.toString(2).length - 1
  const isPower = addresses === 1n << BigInt(bits)
  return bits > 32
    ? `${isPower ? '' : 'more than '}2^${bits} addresses`
    : `${addresses.toLocaleString('en')} addresses`
}

function describeSetting({ site, setting, before, after }: SettingChange): string {
  const of = site === undefined ? '' : ` of site ${site}`
  return `${setting}${of}: ${before === '' ? 'none' : before} becomes ${after === '' ? 'none' : after}`
}
