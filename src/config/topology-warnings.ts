/**
 * Properties of a valid topology file that make something fail later: clients without a site, peers that other hosts
 * cannot reach, sites that do not exchange anything.
 */
import type { Problem } from '../core/errors.ts'
import {
  comparePrefixes,
  containsPrefix,
  prefixKey,
  readPrefix,
  isPrefixProblem,
} from '../topology/prefix.ts'
import { endpointName, sitesByNodes } from '../topology/site-nodes.ts'
import { endpointOfUrl, isLoopbackHost } from '../topology/tracker-url.ts'
import { linkWarnings } from './link-warnings.ts'
import {
  listed,
  placeName,
  type PlacedPrefix,
  type PlacedText,
  prefixesOf,
  siteNamesOf,
  textsOf,
  trackersOf,
} from './placed-values.ts'
import type { YamlFile, YamlPath } from './yaml-file.ts'

/** Problems that do not keep the file from being used. */
export function topologyWarnings(file: YamlFile): Problem[] {
  const prefixes = prefixesOf(file)
  const sites = siteNamesOf(file).map((site) => ({ site, trackers: trackersOf(file, site) }))
  return [
    ...repeatedWarnings(file, prefixes),
    ...nestedWarnings(file, prefixes),
    ...emptySiteWarnings(file, prefixes),
    ...loopbackWarnings(file, prefixes),
    ...sites.flatMap(({ site, trackers }) => portWarnings(file, site, trackers)),
    ...sharedTrackerWarnings(file, sites),
    ...federationUrlWarnings(file, sites),
    ...unfederatedWarnings(file, sites),
    ...linkWarnings(file),
  ]
}

interface SiteTrackers {
  readonly site: string
  readonly trackers: readonly PlacedText[]
}

/** One sentence for the file: an export of a cloud provider has thousands. */
function repeatedWarnings(file: YamlFile, prefixes: readonly PlacedPrefix[]): Problem[] {
  const seen = new Set<string>()
  const repeated = prefixes.filter(({ prefix }) => {
    const key = prefixKey(prefix)
    return seen.has(key) || !seen.add(key)
  })
  const [first] = repeated
  if (first === undefined) return []
  const sites = [...new Set(repeated.map(({ site }) => site))]
  const count = repeated.length === 1 ? '1 prefix is' : `${repeated.length} prefixes are`
  return [
    file.source.problemAt(file.span(first.path), {
      kind: 'prefix-repeated',
      message: `warning: ${count} listed again in the same site (${listed(sites)})`,
      hint: 'each counts once; nothing needs to be done',
    }),
  ]
}

/** One for each pair of sites. Prefixes are visited in address order, and `open` has those around the current one. */
function nestedWarnings(file: YamlFile, prefixes: readonly PlacedPrefix[]): Problem[] {
  const found = new Map<
    string,
    { readonly inner: PlacedPrefix; readonly outer: PlacedPrefix; count: number }
  >()
  const open: PlacedPrefix[] = []
  for (const inner of prefixes.toSorted((a, b) => comparePrefixes(a.prefix, b.prefix))) {
    while (open.length > 0 && !containsPrefix(open.at(-1)!.prefix, inner.prefix)) open.pop()
    const outer = open.at(-1)
    open.push(inner)
    if (outer === undefined || outer.site === inner.site) continue
    const pair = `${inner.site} ${outer.site}`
    const known = found.get(pair)
    if (known === undefined) found.set(pair, { inner, outer, count: 1 })
    else known.count++
  }
  return [...found.values()].map(({ inner, outer, count }) =>
    file.source.problemAt(file.span(inner.path), {
      kind: 'site-inside-another',
      message:
        `warning: site "${inner.site}" is inside site "${outer.site}": ${inner.prefix.text} in ${outer.prefix.text}` +
        (count > 1 ? `, and ${count - 1} more` : ''),
      hint: 'the longest prefix decides; where that is not intended, correct one of them',
      context: [file.span(outer.path)],
    }),
  )
}

/** One for the file: a new file has many. */
function emptySiteWarnings(file: YamlFile, prefixes: readonly PlacedPrefix[]): Problem[] {
  const mapped = new Set<unknown>([...prefixes.map(({ site }) => site), file.valueAt(['unmapped'])])
  const empty = siteNamesOf(file).filter((site) => !mapped.has(site))
  const [first] = empty
  if (first === undefined) return []
  return [
    file.source.problemAt(file.keySpan(['sites', first]) ?? file.span(['sites', first]), {
      kind: 'site-without-prefix',
      message:
        empty.length === 1
          ? `warning: site "${first}" has no prefixes: no client belongs to it`
          : `warning: the sites ${listed(empty.map((site) => `"${site}"`))} have no prefixes: no client belongs to them`,
      hint: 'list the prefixes of its hosts under cidrs',
    }),
  ]
}

const LOOPBACK = ['127.0.0.0/8', '::1/128'].flatMap((text) => {
  const prefix = readPrefix(text)
  return isPrefixProblem(prefix) ? [] : [prefix]
})

/** A topology of loopback prefixes alone is a demonstration on one machine. */
function loopbackWarnings(file: YamlFile, prefixes: readonly PlacedPrefix[]): Problem[] {
  const isLoopback = ({ prefix }: PlacedPrefix) => LOOPBACK.some((outer) => containsPrefix(outer, prefix))
  if (prefixes.every(isLoopback)) return []
  return prefixes.filter(isLoopback).map((here) =>
    file.source.problemAt(file.span(here.path), {
      kind: 'loopback-mapped',
      message: `warning: ${here.prefix.text} of ${placeName(here)} is a loopback prefix beside real networks: other hosts cannot reach a peer that announces from it`,
      hint: 'remove it; a client on the machine of a node announces to the network address of the node',
    }),
  )
}

/** Transmission 4 ignores ports when it sorts trackers into tiers, libtorrent when it prefers UDP. */
function portWarnings(file: YamlFile, site: string, trackers: readonly PlacedText[]): Problem[] {
  const firstByHost = new Map<string, { port: number; path: YamlPath }>()
  return trackers.flatMap(({ text, path }) => {
    const endpoint = endpointOfUrl(text)
    if (endpoint === undefined || isLoopbackHost(endpoint.host)) return []
    const first = firstByHost.get(endpoint.host)
    if (first === undefined) firstByHost.set(endpoint.host, { port: endpoint.port, path })
    if (first === undefined || first.port === endpoint.port) return []
    return [
      file.source.problemAt(file.span(path), {
        kind: 'tracker-ports',
        message: `warning: ${endpoint.host} is a tracker of site "${site}" on the ports ${first.port} and ${endpoint.port}`,
        hint: 'Transmission 4 treats both as one tracker, libtorrent may swap their tiers; use one host name per node',
        context: [file.span(first.path)],
      }),
    ]
  })
}

/** Nodes that serve all sites together are listed by each of them. Otherwise a tracker of two sites is a copying mistake. */
function sharedTrackerWarnings(file: YamlFile, sites: readonly SiteTrackers[]): Problem[] {
  const endpointsOf = ({ trackers }: SiteTrackers) =>
    [...new Set(trackers.flatMap(({ text }) => endpointName(text) ?? []))].toSorted().join(' ')
  if (new Set(sites.map(endpointsOf).filter((endpoints) => endpoints !== '')).size < 2) return []
  const placesByEndpoint = new Map<string, (PlacedText & { readonly site: string })[]>()
  for (const { site, trackers } of sites)
    for (const placed of trackers) {
      const endpoint = endpointName(placed.text)
      if (endpoint === undefined) continue
      const known = placesByEndpoint.get(endpoint) ?? []
      if (known.at(-1)?.site !== site) known.push({ ...placed, site })
      placesByEndpoint.set(endpoint, known)
    }
  return [...placesByEndpoint].flatMap(([endpoint, [first, second, ...more]]) =>
    first === undefined || second === undefined
      ? []
      : [
          file.source.problemAt(file.span(second.path), {
            kind: 'tracker-in-two-sites',
            message: `warning: ${endpoint} is a tracker of the sites ${listed([first, second, ...more].map(({ site }) => `"${site}"`))}`,
            hint: 'a node belongs to one site; a site without nodes needs no trackers, its clients use the fallback tier',
            context: [file.span(first.path)],
          }),
        ],
  )
}

/** Federation URLs that cannot be the admin listener of a node of this site. */
function federationUrlWarnings(file: YamlFile, sites: readonly SiteTrackers[]): Problem[] {
  const trackers = new Set(sites.flatMap(({ trackers: own }) => own.map(({ text }) => endpointName(text))))
  const firstByEndpoint = new Map<string, PlacedText & { readonly site: string }>()
  return sites.flatMap(({ site }) =>
    textsOf(file, ['sites', site, 'federation']).flatMap((placed) => {
      const endpoint = endpointName(placed.text)
      if (endpoint === undefined) return []
      const problem = (kind: string, message: string, hint: string, context: YamlPath[] = []) => [
        file.source.problemAt(file.span(placed.path), {
          kind,
          message: `warning: ${message}`,
          hint,
          context: context.map((path) => file.span(path)),
        }),
      ]
      if (trackers.has(endpoint))
        return problem(
          'federation-url-is-tracker',
          `${placed.text} is a tracker, not an admin listener`,
          'write the port of listen.admin of the node',
        )
      const first = firstByEndpoint.get(endpoint)
      if (first === undefined) firstByEndpoint.set(endpoint, { ...placed, site })
      if (first === undefined || first.site === site) return []
      return problem(
        'federation-url-in-two-sites',
        `${endpoint} is an admin listener of the sites "${first.site}" and "${site}"`,
        'a node belongs to one site; list the nodes of each site',
        [first.path],
      )
    }),
  )
}

/** One for the file: it is one omission. */
function unfederatedWarnings(file: YamlFile, sites: readonly SiteTrackers[]): Problem[] {
  const groups = sitesByNodes(
    sites.map(({ site, trackers }) => ({ site, trackers: trackers.map(({ text }) => text) })),
  )
  const hasUrls = (site: string) => textsOf(file, ['sites', site, 'federation']).length > 0
  const without = groups.filter((group) => !group.some(hasUrls)).flat()
  const [first] = without
  if (groups.length < 2 || first === undefined) return []
  const names = listed(without.map((site) => `"${site}"`))
  return [
    file.source.problemAt(file.keySpan(['sites', first]) ?? file.span(['sites', first]), {
      kind: 'federation-missing',
      message:
        without.length === 1
          ? `warning: site ${names} has trackers but no federation URLs: other sites do not learn of its peers`
          : `warning: the sites ${names} have trackers but no federation URLs: other sites do not learn of their peers`,
      hint: 'list the admin listeners of their nodes under federation, and set one federation.token, or federation.tls, on all nodes',
    }),
  ]
}
