/**
 * Differences between two topologies: the addresses that move, and the settings of sites that change.
 *
 * An address can only change its place at the border of a prefix of one of the two files. The ranges between two borders
 * are located in both; adjacent ranges with the same move are one. So the work grows with the number of prefixes, not with
 * that of addresses.
 */
import { Address } from '../core/address.ts'
import { addressOf, blocksOfRange, numberOf } from './address-range.ts'
import { formatHours } from './link-hours.ts'
import { formatRate } from './link-rate.ts'
import type { Place, Site, Topology } from './topology.ts'

export interface Move {
  /** As `site/bubble`; undefined if the topology refuses the addresses. */
  readonly from: string | undefined
  readonly to: string | undefined
  /** The fewest prefixes that contain exactly the addresses. */
  readonly prefixes: readonly string[]
  readonly addresses: bigint
}

export interface SettingChange {
  /** undefined for a setting of the whole topology. */
  readonly site: string | undefined
  readonly setting: string
  readonly before: string
  readonly after: string
}

export interface TopologyChanges {
  readonly sitesAdded: readonly string[]
  readonly sitesRemoved: readonly string[]
  /** Largest first within each pair of places. */
  readonly moves: readonly Move[]
  readonly settings: readonly SettingChange[]
}

export function compareTopologies(before: Topology, after: Topology): TopologyChanges {
  const names = ({ sites }: Topology) => sites.map(({ name }) => name)
  return {
    sitesAdded: names(after).filter((name) => before.siteNamed(name) === undefined),
    sitesRemoved: names(before).filter((name) => after.siteNamed(name) === undefined),
    moves: [...movesOf(before, after, true), ...movesOf(before, after, false)],
    settings: [...siteSettings(before, after), ...linkSettings(before, after)],
  }
}

interface Range {
  readonly first: bigint
  readonly last: bigint
}

function movesOf(before: Topology, after: Topology, isV4: boolean): Move[] {
  const end = 1n << (isV4 ? 32n : 128n)
  const borders = [...new Set([0n, ...bordersOf(before, isV4), ...bordersOf(after, isV4), end])]
  borders.sort((a, b) => (a < b ? -1 : 1))
  const byMove = new Map<string, { from: string | undefined; to: string | undefined; ranges: Range[] }>()
  for (const [index, first] of borders.slice(0, -1).entries()) {
    const last = (borders[index + 1] ?? end) - 1n
    const address = addressOf(first, isV4)
    const from = nameOf(before, address)
    const to = nameOf(after, address)
    if (from === to) continue
    const key = `${from} ${to}`
    const move = byMove.get(key) ?? { from, to, ranges: [] }
    byMove.set(key, move)
    const previous = move.ranges.at(-1)
    if (previous !== undefined && previous.last + 1n === first)
      move.ranges.splice(-1, 1, { first: previous.first, last })
    else move.ranges.push({ first, last })
  }
  return [...byMove.values()].map(({ from, to, ranges }) => ({
    from,
    to,
    prefixes: ranges.flatMap((range) => prefixesOf(range, isV4)),
    addresses: ranges.reduce((sum, { first, last }) => sum + last - first + 1n, 0n),
  }))
}

/** First address of each prefix, and the one after its last. */
function bordersOf({ prefixes }: Topology, isV4: boolean): bigint[] {
  return prefixes
    .filter(({ start }) => start.isV4 === isV4)
    .flatMap(({ start, lengthBits }) => {
      const first = numberOf(start)
      return [first, first + (1n << BigInt((isV4 ? 32 : 128) - lengthBits))]
    })
}

function prefixesOf({ first, last }: Range, isV4: boolean): string[] {
  return blocksOfRange(addressOf(first, isV4), addressOf(last, isV4)).map(
    ({ start, lengthBits }) => `${start.toString()}/${lengthBits}`,
  )
}

function nameOf(topology: Topology, address: Address): string | undefined {
  const place = topology.match(address)?.place
  return place === undefined ? undefined : placeName(place)
}

const placeName = ({ site, bubble }: Place) => `${site.name}/${bubble}`

/** Settings of the sites that are in both. */
function siteSettings(before: Topology, after: Topology): SettingChange[] {
  const changes: SettingChange[] = []
  const compare = (site: string | undefined, setting: string, old: string, now: string) => {
    if (old !== now) changes.push({ site, setting, before: old, after: now })
  }
  for (const site of before.sites) {
    const now = after.siteNamed(site.name)
    if (now === undefined) continue
    compare(site.name, 'region', site.region ?? '', now.region ?? '')
    compare(site.name, 'gateways', String(site.gateways), String(now.gateways))
    compare(site.name, 'contact', site.contact ?? '', now.contact ?? '')
    compare(site.name, 'expected hosts', countOf(site.expect), countOf(now.expect))
    compare(site.name, 'trackers', setOf(site.trackers), setOf(now.trackers))
    compare(site.name, 'federation', setOf(site.federation), setOf(now.federation))
    compare(
      site.name,
      'fallback',
      before.fallbackTrackers(site).join(' '),
      after.fallbackTrackers(now).join(' '),
    )
    for (const place of site.places.slice(1)) {
      const other = now.places.find(({ bubble }) => bubble === place.bubble)
      if (other === undefined) continue
      compare(site.name, `trackers of ${place.bubble}`, setOf(place.trackers), setOf(other.trackers))
      compare(site.name, `expected hosts of ${place.bubble}`, countOf(place.expect), countOf(other.expect))
    }
  }
  compare(undefined, 'unmapped', before.unmapped, after.unmapped)
  return changes
}

/** Clients choose among the trackers of a tier, so their order does not matter. */
const setOf = (urls: readonly string[]) => urls.toSorted().join(' ')

const countOf = (count: number | undefined) => (count === undefined ? '' : String(count))

/** Each link once, between sites that are in both. */
function linkSettings(before: Topology, after: Topology): SettingChange[] {
  return before.sites.flatMap((site) =>
    before.sites.slice(site.index + 1).flatMap((other): SettingChange[] => {
      const [one, two] = [after.siteNamed(site.name), after.siteNamed(other.name)]
      if (one === undefined || two === undefined) return []
      const old = settingsOfLink(before, site, other)
      const now = settingsOfLink(after, one, two)
      return LINK_SETTINGS.filter((setting) => old[setting] !== now[setting]).map((setting) => ({
        site: site.name,
        setting: `${setting} to ${other.name}`,
        before: old[setting],
        after: now[setting],
      }))
    }),
  )
}

const LINK_SETTINGS = ['cost', 'carry', 'rate', 'hours', 'contact'] as const

function settingsOfLink(
  topology: Topology,
  a: Site,
  b: Site,
): Readonly<Record<(typeof LINK_SETTINGS)[number], string>> {
  const { carry, rate, hours, contact } = topology.linkOf(a.index, b.index)
  return {
    cost: String(topology.cost(a.index, b.index)),
    carry,
    rate: rate === undefined ? '' : formatRate(rate),
    hours: hours === undefined ? '' : formatHours(hours),
    contact: contact ?? '',
  }
}
