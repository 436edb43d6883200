/** Links of a valid topology file with keys that have no effect. */
import type { Problem } from '../core/errors.ts'
import { sitesWithNodes } from '../topology/site-links.ts'
import { itemsOf, siteNamesOf, textsOf } from './placed-values.ts'
import type { YamlFile, YamlPath } from './yaml-file.ts'

export function linkWarnings(file: YamlFile): Problem[] {
  const withNodes = sitesWithNodes(
    siteNamesOf(file).map((name) => ({
      name,
      federation: textsOf(file, ['sites', name, 'federation']).map(({ text }) => text),
    })),
  )
  return itemsOf(file, ['links']).flatMap((_link, index) => {
    const at = (key: string): YamlPath => ['links', index, key]
    const [a = '', b = ''] = textsOf(file, at('between')).map(({ text }) => text)
    const carry = file.valueAt(at('carry'))
    const without = [a, b].filter((site) => !withNodes.has(site))
    const warn = (key: string, kind: string, message: string, hint: string) =>
      file.source.problemAt(file.span(at(key)), { kind, message: `warning: ${message}`, hint })
    if (carry === 'nodes')
      return without.length < 2
        ? []
        : [
            warn(
              'carry',
              'carry-without-nodes',
              `carry: nodes between "${a}" and "${b}", but neither site has federation URLs: no node carries content there`,
              'list the admin listeners of the nodes of at least one of them under federation',
            ),
          ]
    const isDirect = carry === 'direct' || without.length > 0
    if (!isDirect) return []
    const reason =
      carry === 'direct'
        ? 'carry: direct sends content from host to host'
        : `"${without[0]}" has no federation URLs, so content goes from host to host`
    return (['rate', 'hours'] as const)
      .filter((key) => file.valueAt(at(key)) !== undefined)
      .map((key) =>
        warn(
          key,
          'link-limit-without-nodes',
          `the ${key} of the link between "${a}" and "${b}" ${key === 'rate' ? 'has' : 'have'} no effect: ${reason}`,
          carry === 'direct'
            ? `remove carry, or ${key}`
            : 'list the admin listeners of its nodes under federation, or write carry: nodes where the nodes of the other site serve it',
        ),
      )
  })
}
