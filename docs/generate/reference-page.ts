/** Renders the reference page of a file format: one row for each key of its schema. */
import type { SchemaNode } from '../../src/config/report.ts'

export interface ReferencePage {
  /** Text above the table. */
  readonly introduction: string
  readonly tree: SchemaNode
  /** Placeholders of free names, by path: `sites` has a `<site>` below it. */
  readonly names: Readonly<Record<string, string>>
  /** The environment variable of a key, if the format has them. */
  readonly variableOf?: (path: readonly string[]) => string
}

export function renderReference(page: ReferencePage): string {
  const rows = rowsOf(page, page.tree, [], true)
  const header = ['key', 'value', 'default', ...(page.variableOf === undefined ? [] : ['variable']), '']
  const table = [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return `${page.introduction.trim()}\n\n${table.join('\n')}\n`
}

function rowsOf(
  page: ReferencePage,
  node: SchemaNode,
  path: readonly string[],
  isRequired: boolean,
): string[][] {
  const below = Object.entries(node.properties ?? {}).flatMap(([key, child]) =>
    rowsOf(page, child, [...path, key], node.required?.includes(key) === true),
  )
  const rest = node.additionalProperties
  if (typeof rest === 'object') {
    below.push(...rowsOf(page, rest, [...path, page.names[path.at(-1) ?? ''] ?? '<name>'], false))
  }
  if (node.items !== undefined) {
    below.push(
      ...Object.entries(node.items.properties ?? {}).flatMap(([key, child]) =>
        rowsOf(
          page,
          child,
          [...path.slice(0, -1), `${path.at(-1)}[]`, key],
          node.items?.required?.includes(key) === true,
        ),
      ),
    )
  }
  if (node.description === undefined || path.length === 0) return below
  return [row(page, node, path, isRequired), ...below]
}

function row(page: ReferencePage, node: SchemaNode, path: readonly string[], isRequired: boolean): string[] {
  const isGroup = node.properties !== undefined || typeof node.additionalProperties === 'object'
  const variable = page.variableOf === undefined ? [] : [isGroup ? '' : `\`${page.variableOf(path)}\``]
  const fallback = isGroup || node.default === undefined ? '' : `\`${plain(node.default)}\``
  return [
    `\`${path.join('.')}\``,
    isGroup ? '' : valueText(node),
    isRequired ? 'required' : fallback,
    ...variable,
    node.description ?? '',
  ].map((cell) => cell.replaceAll('|', '\\|'))
}

function valueText(node: SchemaNode): string {
  if (node.title !== undefined) return node.title
  if (node.enum !== undefined) return node.enum.map((value) => `\`${String(value)}\``).join(', ')
  if (node.const !== undefined) return `\`${plain(node.const)}\``
  if (node.anyOf !== undefined) return node.anyOf.map(valueText).join(' or ')
  if (node.prefixItems !== undefined) return `list of ${node.prefixItems.length} names`
  if (node.type === 'array')
    return `list of ${node.items === undefined ? 'values' : `${valueText(node.items)}s`}`
  if (node.minimum !== undefined && node.maximum !== undefined) return `${node.minimum} … ${node.maximum}`
  return node.type ?? ''
}

function plain(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(plain).join(', ')}]` : String(value)
}
