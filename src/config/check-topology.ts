/**
 * Checks of a topology file across several of its values: the same prefix twice, a bubble outside its site, a link
 * to an unknown site.
 *
 * Works on the plain values of the file and skips values of the wrong shape, which the schema reports. One mistake
 * does not hide another.
 */
import type { Problem } from '../core/errors.ts'
import { PLACES_MAX } from '../core/limits.ts'
import { endpointOfUrl, isLoopbackHost } from '../topology/tracker-url.ts'
import { isPrefixProblem, type Prefix, prefixKey, readPrefix, shorterKey } from '../topology/prefix.ts'
import { suggestion } from './suggest.ts'
import type { YamlFile, YamlPath } from './yaml-file.ts'

export function topologyProblems(file: YamlFile): Problem[] {
  const siteNames = entriesOf(file, ['sites']).map(([name]) => name)
  const located = locatedPrefixes(file)
  return [
    ...twiceProblems(file, located),
    ...outsideProblems(file, located),
    ...linkProblems(file, siteNames),
    ...unmappedProblems(file, siteNames),
    ...countProblems(file, siteNames),
  ]
}

/** Problems that do not keep the file from being used. */
export function topologyWarnings(file: YamlFile): Problem[] {
  return entriesOf(file, ['sites']).flatMap(([site]) => {
    const trackers = [
      ...textsOf(file, ['sites', site, 'trackers']),
      ...entriesOf(file, ['sites', site, 'bubbles']).flatMap(([bubble]) =>
        textsOf(file, ['sites', site, 'bubbles', bubble, 'trackers']),
      ),
    ]
    return portWarnings(file, site, trackers)
  })
}

/** Protocol: Transmission 4 ignores ports when it sorts trackers into tiers, libtorrent when it prefers UDP. */
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
        message: `warning: ${endpoint.host} is a tracker of site "${site}" on the ports ${first.port} and ${endpoint.port}`,
        hint: 'Transmission 4 treats both as one tracker, libtorrent may swap their tiers; use one host name per node',
        context: [file.span(first.path)],
      }),
    ]
  })
}

interface PlacedText {
  readonly text: string
  readonly path: YamlPath
}

interface LocatedPrefix {
  readonly prefix: Prefix
  readonly path: YamlPath
  readonly site: string
  readonly bubble: string | undefined
}

function locatedPrefixes(file: YamlFile): LocatedPrefix[] {
  return entriesOf(file, ['sites']).flatMap(([site]) => {
    const bubbles = entriesOf(file, ['sites', site, 'bubbles']).map(([bubble]) => bubble)
    return [undefined, ...bubbles].flatMap((bubble) => {
      const path = bubble === undefined ? ['sites', site] : ['sites', site, 'bubbles', bubble]
      return textsOf(file, [...path, 'cidrs']).flatMap((placed) => {
        const prefix = readPrefix(placed.text)
        return isPrefixProblem(prefix) ? [] : [{ prefix, path: placed.path, site, bubble }]
      })
    })
  })
}

function twiceProblems(file: YamlFile, located: readonly LocatedPrefix[]): Problem[] {
  const firstByKey = new Map<string, LocatedPrefix>()
  return located.flatMap((here) => {
    const first = firstByKey.get(prefixKey(here.prefix))
    if (first === undefined) {
      firstByKey.set(prefixKey(here.prefix), here)
      return []
    }
    const line = file.source.lineOf(file.span(first.path).start)
    return [
      file.source.problemAt(file.span(here.path), {
        message: `${here.prefix.text} is listed twice: in ${placeName(first)} (line ${line}) and in ${placeName(here)}`,
        hint: 'an address belongs to one place; keep one',
        context: [file.span(first.path)],
      }),
    ]
  })
}

function placeName({ site, bubble }: LocatedPrefix): string {
  return bubble === undefined ? `site "${site}"` : `bubble "${bubble}" of site "${site}"`
}

function outsideProblems(file: YamlFile, located: readonly LocatedPrefix[]): Problem[] {
  const keysBySite = new Map<string, { keys: Set<string>; lengths: Set<number>; texts: string[] }>()
  for (const { prefix, site, bubble } of located) {
    if (bubble !== undefined) continue
    const own = keysBySite.get(site) ?? { keys: new Set(), lengths: new Set(), texts: [] }
    own.keys.add(prefixKey(prefix))
    own.lengths.add(prefix.lengthBits)
    own.texts.push(prefix.text)
    keysBySite.set(site, own)
  }
  return located.flatMap(({ prefix, path, site, bubble }) => {
    if (bubble === undefined) return []
    const own = keysBySite.get(site)
    const lengths = [...(own?.lengths ?? [])].filter((length) => length <= prefix.lengthBits)
    if (lengths.some((length) => own?.keys.has(shorterKey(prefix, length)))) return []
    return [
      file.source.problemAt(file.span(path), {
        message: `bubble "${bubble}" is outside its site: no prefix of site "${site}" contains ${prefix.text}`,
        hint:
          own === undefined
            ? `site "${site}" has no prefixes; add some`
            : `site "${site}" has ${listed(own.texts)}`,
        context: [file.keySpan(['sites', site])],
      }),
    ]
  })
}

/** The first three show the kind of prefixes; a list of a thousand would hide it. */
function listed(texts: readonly string[]): string {
  const rest = texts.length - 3
  return texts.slice(0, 3).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}

function linkProblems(file: YamlFile, siteNames: readonly string[]): Problem[] {
  const firstByPair = new Map<string, YamlPath>()
  return itemsOf(file, ['links']).flatMap((_link, index) => {
    const ends = textsOf(file, ['links', index, 'between'])
    const unknown = ends.filter((end) => !siteNames.includes(end.text))
    if (unknown.length > 0) return unknown.map((end) => unknownSite(file, end, siteNames))

    if (ends.length !== 2) return []
    const path: YamlPath = ['links', index, 'between']
    const [a, b] = ends.map((end) => end.text)
    if (a === undefined || b === undefined) return []
    const problem = (message: string, hint: string, context: YamlPath[] = []) => [
      file.source.problemAt(file.span(path), {
        message,
        hint,
        context: context.map((each) => file.span(each)),
      }),
    ]
    if (a === b)
      return problem(`a link from site "${a}" to itself`, 'traffic inside a site costs 0; remove the link')
    const pair = [a, b].toSorted().join(' ')
    const first = firstByPair.get(pair)
    if (first === undefined) {
      firstByPair.set(pair, path)
      return []
    }
    const line = file.source.lineOf(file.span(first).start)
    return problem(
      `the link between "${a}" and "${b}" is listed twice`,
      `a link has one cost for both directions, and line ${line} sets it; keep one`,
      [first],
    )
  })
}

function unknownSite(file: YamlFile, { text, path }: PlacedText, siteNames: readonly string[]): Problem {
  return file.source.problemAt(file.span(path), {
    message: `unknown site "${text}"`,
    hint: suggestion(text, siteNames),
  })
}

function unmappedProblems(file: YamlFile, siteNames: readonly string[]): Problem[] {
  const unmapped = file.valueAt(['unmapped'])
  const known = ['refuse', 'isolate', ...siteNames]
  if (typeof unmapped !== 'string' || known.includes(unmapped)) return []
  return [
    file.source.problemAt(file.span(['unmapped']), {
      message: `unknown site "${unmapped}": unmapped is refuse, isolate or the name of a site`,
      hint: suggestion(unmapped, known),
    }),
  ]
}

function countProblems(file: YamlFile, siteNames: readonly string[]): Problem[] {
  const bubbles = siteNames.flatMap((site) => entriesOf(file, ['sites', site, 'bubbles']))
  // One more place holds the isolated addresses.
  if (siteNames.length + bubbles.length + 1 <= PLACES_MAX) return []
  return [file.source.problem(`more than ${PLACES_MAX - 1} sites and bubbles`, 'merge small bubbles')]
}

function entriesOf(file: YamlFile, path: YamlPath): [string, unknown][] {
  const found = file.valueAt(path)
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? Object.entries(found) : []
}

function itemsOf(file: YamlFile, path: YamlPath): unknown[] {
  const found = file.valueAt(path)
  return Array.isArray(found) ? found : []
}

function textsOf(file: YamlFile, path: YamlPath): PlacedText[] {
  return itemsOf(file, path).flatMap((text, index) =>
    typeof text === 'string' ? [{ text, path: [...path, index] }] : [],
  )
}
