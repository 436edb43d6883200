/** The differences between two topologies as sentences, one for each. */
import type { Move, SettingChange, TopologyChanges } from './compare-topologies.ts'
import { NO_BUBBLE } from './topology.ts'

/** More prefixes of one move are counted. */
const SHOWN_PREFIXES_MAX = 8

export function describeChanges(changes: TopologyChanges): string[] {
  return [
    ...changes.sitesAdded.map((site) => `site ${site} is added`),
    ...changes.sitesRemoved.map((site) => `site ${site} is removed`),
    ...changes.moves.map(describeMove),
    ...changes.settings.map(describeSetting),
  ]
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
