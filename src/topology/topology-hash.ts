/**
 * A short hash of what a topology means. Nodes with different topologies hand out contradicting answers, and the hash
 * shows that in the API, the log and the metrics.
 *
 * Independent of comments, of the YAML style, of the order of keys and lists, and of defaults that are written out.
 * The values of a list form a set: clients choose among the trackers of a tier, and links are symmetric.
 */
import { createHash } from 'node:crypto'
import { isPrefixProblem, prefixKey, readPrefix } from './prefix.ts'
import type { TopologyFile } from './schema.ts'
import { sitesWithNodes } from './site-links.ts'

/** 48 bits: two topologies share a hash once in 10^14 times, and a person can compare it. */
const HASH_CHARACTERS = 12

export function topologyHash(file: TopologyFile): string {
  return createHash('sha256')
    .update(canonical(normalized(file)))
    .digest('hex')
    .slice(0, HASH_CHARACTERS)
}

/**
 * Without values that are the default: a key of a later version changes the hash only of files that use it, so nodes of two
 * versions agree. A prefix in a bubble and in its site belongs to the bubble, as in `build-topology.ts`.
 */
function normalized(file: TopologyFile): unknown {
  const sites = Object.entries(file.sites).map(([name, site]) => {
    const bubbles = Object.entries(site.bubbles).map(
      ([bubble, values]) => [bubble, { ...values, cidrs: keysOf(values.cidrs) }] as const,
    )
    const inBubbles = new Set(bubbles.flatMap(([, { cidrs }]) => cidrs))
    const cidrs = keysOf(site.cidrs).filter((key) => !inBubbles.has(key))
    const gateways = site.gateways === 'auto' ? undefined : site.gateways
    return [
      name,
      { ...site, cidrs, gateways, bubbles: bubbles.length === 0 ? [] : Object.fromEntries(bubbles) },
    ] as const
  })
  const withNodes = sitesWithNodes(
    Object.entries(file.sites).map(([name, { federation }]) => ({ name, federation })),
  )
  const links = file.links.map((link) => {
    const byDefault = link.between.every((site) => withNodes.has(site)) ? 'nodes' : 'direct'
    return { ...link, carry: link.carry === byDefault ? undefined : link.carry }
  })
  return {
    ...file,
    sites: Object.fromEntries(sites),
    links,
    // An empty list means no fallback tier, which is not the default.
    fallback: file.fallback.trackers && { trackers: file.fallback.trackers },
    unmapped: file.unmapped === 'refuse' ? undefined : file.unmapped,
  }
}

function keysOf(cidrs: readonly string[]): string[] {
  return cidrs.map((text) => {
    const prefix = readPrefix(text)
    return isPrefixProblem(prefix) ? text : prefixKey(prefix)
  })
}

/** JSON with sorted keys, with lists as sorted sets, and without empty lists. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${[...new Set(value.map(canonical))].toSorted().join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value)
    .filter(([, each]) => each !== undefined && !(Array.isArray(each) && each.length === 0))
    .map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`)
  return `{${entries.toSorted().join(',')}}`
}
