/** Plain values of a YAML file together with their paths. Values of the wrong shape are skipped: the schema reports them. */
import { isPrefixProblem, type Prefix, readPrefix } from '../topology/prefix.ts'
import type { YamlFile, YamlPath } from './yaml-file.ts'

export interface PlacedText {
  readonly text: string
  readonly path: YamlPath
}

/** A prefix of a topology file. */
export interface PlacedPrefix {
  readonly prefix: Prefix
  readonly path: YamlPath
  readonly site: string
  readonly bubble: string | undefined
}

export function entriesOf(file: YamlFile, path: YamlPath): [string, unknown][] {
  const found = file.valueAt(path)
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? Object.entries(found) : []
}

export function itemsOf(file: YamlFile, path: YamlPath): unknown[] {
  const found = file.valueAt(path)
  return Array.isArray(found) ? found : []
}

export function textsOf(file: YamlFile, path: YamlPath): PlacedText[] {
  return itemsOf(file, path).flatMap((text, index) =>
    typeof text === 'string' ? [{ text, path: [...path, index] }] : [],
  )
}

export function siteNamesOf(file: YamlFile): string[] {
  return entriesOf(file, ['sites']).map(([name]) => name)
}

/** The site itself and its bubbles. */
function placesOf(
  file: YamlFile,
  site: string,
): { readonly bubble: string | undefined; readonly path: YamlPath }[] {
  const bubbles = entriesOf(file, ['sites', site, 'bubbles'])
  return [
    { bubble: undefined, path: ['sites', site] },
    ...bubbles.map(([bubble]) => ({ bubble, path: ['sites', site, 'bubbles', bubble] })),
  ]
}

/** In file order. */
export function prefixesOf(file: YamlFile): PlacedPrefix[] {
  return siteNamesOf(file).flatMap((site) =>
    placesOf(file, site).flatMap(({ bubble, path }) =>
      textsOf(file, [...path, 'cidrs']).flatMap((placed) => {
        const prefix = readPrefix(placed.text)
        return isPrefixProblem(prefix) ? [] : [{ prefix, path: placed.path, site, bubble }]
      }),
    ),
  )
}

/** Tracker URLs of a site, those of its bubbles included. */
export function trackersOf(file: YamlFile, site: string): PlacedText[] {
  return placesOf(file, site).flatMap(({ path }) => textsOf(file, [...path, 'trackers']))
}

/** `site "fra"`, `bubble "row-a" of site "fra"`. */
export function placeName({ site, bubble }: Pick<PlacedPrefix, 'site' | 'bubble'>): string {
  return bubble === undefined ? `site "${site}"` : `bubble "${bubble}" of site "${site}"`
}

/** The first three, and the number of the others. */
export function listed(texts: readonly string[]): string {
  const rest = texts.length - 3
  return texts.slice(0, 3).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}
