/**
 * Checks of a topology file across several of its values: the same prefix twice, a bubble outside its site, a link
 * to an unknown site.
 *
 * Works on the plain values of the file and skips values of the wrong shape, which the schema reports. One mistake
 * does not hide another.
 */
import type { Problem } from '../core/errors.ts'
import { PLACES_MAX } from '../core/limits.ts'
import { prefixKey, shorterKey } from '../topology/prefix.ts'
import {
  entriesOf,
  itemsOf,
  listed,
  placeName,
  type PlacedPrefix,
  type PlacedText,
  prefixesOf,
  siteNamesOf,
  textsOf,
} from './placed-values.ts'
import { suggestion } from './suggest.ts'
import type { YamlFile, YamlPath } from './yaml-file.ts'

export function topologyProblems(file: YamlFile): Problem[] {
  const siteNames = siteNamesOf(file)
  const prefixes = prefixesOf(file)
  return [
    ...contradictionProblems(file, prefixes),
    ...outsideProblems(file, prefixes),
    ...linkProblems(file, siteNames),
    ...unmappedProblems(file, siteNames),
    ...countProblems(file, siteNames),
  ]
}

/**
 * A prefix that is repeated inside one site does not harm: exports of cloud providers list a prefix once per service. In
 * two sites, or in two bubbles of one site, it contradicts itself.
 */
function contradictionProblems(file: YamlFile, prefixes: readonly PlacedPrefix[]): Problem[] {
  const firstByKey = new Map<string, PlacedPrefix>()
  return prefixes.flatMap((here) => {
    const key = prefixKey(here.prefix)
    const first = firstByKey.get(key)
    // A prefix of a site and one of its bubbles belongs to the bubble.
    const isMoreSpecific = first?.site === here.site && first.bubble === undefined
    if (first === undefined || isMoreSpecific) {
      firstByKey.set(key, here)
      return []
    }
    if (first.site === here.site && first.bubble === here.bubble) return []
    const line = file.source.lineOf(file.span(first.path).start)
    return [
      file.source.problemAt(file.span(here.path), {
        kind: 'prefix-in-two-places',
        message: `${here.prefix.text} is listed twice: in ${placeName(first)} (line ${line}) and in ${placeName(here)}`,
        hint: 'an address belongs to one place; keep one',
        context: [file.span(first.path)],
      }),
    ]
  })
}

function outsideProblems(file: YamlFile, prefixes: readonly PlacedPrefix[]): Problem[] {
  const keysBySite = new Map<string, { keys: Set<string>; lengths: Set<number>; texts: string[] }>()
  for (const { prefix, site, bubble } of prefixes) {
    if (bubble !== undefined) continue
    const own = keysBySite.get(site) ?? { keys: new Set(), lengths: new Set(), texts: [] }
    own.keys.add(prefixKey(prefix))
    own.lengths.add(prefix.lengthBits)
    own.texts.push(prefix.text)
    keysBySite.set(site, own)
  }
  return prefixes.flatMap(({ prefix, path, site, bubble }) => {
    if (bubble === undefined) return []
    const own = keysBySite.get(site)
    const lengths = [...(own?.lengths ?? [])].filter((length) => length <= prefix.lengthBits)
    if (lengths.some((length) => own?.keys.has(shorterKey(prefix, length)))) return []
    return [
      file.source.problemAt(file.span(path), {
        kind: 'bubble-outside-site',
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

function linkProblems(file: YamlFile, siteNames: readonly string[]): Problem[] {
  const known = new Set(siteNames)
  const firstByPair = new Map<string, YamlPath>()
  return itemsOf(file, ['links']).flatMap((link, index) => {
    const ends = textsOf(file, ['links', index, 'between'])
    const unknown = ends.filter((end) => !known.has(end.text))
    if (unknown.length > 0) return unknown.map((end) => unknownSite(file, end, siteNames))

    if (ends.length !== 2) return []
    const path: YamlPath = ['links', index, 'between']
    const [a, b] = ends.map((end) => end.text)
    if (a === undefined || b === undefined) return []
    const problem = (kind: string, message: string, hint: string, context: YamlPath[] = []) => [
      file.source.problemAt(file.span(path), {
        kind,
        message,
        hint,
        context: context.map((each) => file.span(each)),
      }),
    ]
    if (a === b)
      return problem(
        'link-to-itself',
        `a link from site "${a}" to itself`,
        'traffic inside a site costs 0; remove the link',
      )
    if (Object.keys(link ?? {}).length === 1)
      return problem(
        'link-without-effect',
        `the link between "${a}" and "${b}" has no cost, carry, rate or hours`,
        'add one of them, or remove the link',
      )
    const pair = [a, b].toSorted().join(' ')
    const first = firstByPair.get(pair)
    if (first === undefined) {
      firstByPair.set(pair, path)
      return []
    }
    const line = file.source.lineOf(file.span(first).start)
    return problem(
      'link-twice',
      `the link between "${a}" and "${b}" is listed twice`,
      `the keys of a link apply to both directions, and line ${line} has them; keep one`,
      [first],
    )
  })
}

function unknownSite(file: YamlFile, { text, path }: PlacedText, siteNames: readonly string[]): Problem {
  return file.source.problemAt(file.span(path), {
    kind: 'site-unknown',
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
