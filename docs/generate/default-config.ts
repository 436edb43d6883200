/**
 * Renders the default configuration file: every key with its description as comment and its default as value.
 * Optional keys without a default are commented out with an example.
 */
import type { SchemaNode } from '../../src/config/report.ts'

const HEADER = `# yaml-language-server: $schema=./siteswarm.schema.json

# Configuration of one node. \`npm start\` and \`siteswarm serve\` run this file unchanged; copy it and topology.yaml for
# a node of your own. \`siteswarm check --config FILE\` checks a file, and docs/reference/configuration.md has the same
# keys as a table. The environment can set each key too: SITESWARM_INTERVAL_MIN=30s.
`

export function renderDefaultConfig(tree: SchemaNode): string {
  const blocks = Object.entries(tree.properties ?? {}).map(([key, node]) =>
    renderKey({ key, node, isRequired: tree.required?.includes(key) === true, depth: 0 }).join('\n'),
  )
  return `${HEADER}\n${blocks.join('\n\n')}\n`
}

interface Key {
  readonly key: string
  readonly node: SchemaNode
  readonly isRequired: boolean
  readonly depth: number
}

function renderKey({ key, node, isRequired, depth }: Key): string[] {
  const indent = '  '.repeat(depth)
  const comment = wrap(node.description ?? '', WIDTH - indent.length - 2).map((line) => `${indent}# ${line}`)
  if (node.properties !== undefined) {
    const keys = Object.entries(node.properties)
    // A key with only comments below it would have the value null, so it becomes a comment too.
    const isLive = keys.some(([, child]) => child.default !== undefined)
    const lines = keys.flatMap(([name, child]) =>
      renderKey({ key: name, node: child, isRequired: !isLive, depth: depth + 1 }),
    )
    const group = [`${indent}${key}:`, ...lines]
    return [...comment, ...(isLive ? group : group.map((line) => `${indent}# ${line.slice(indent.length)}`))]
  }
  if (node.default !== undefined) return [...comment, `${indent}${key}: ${scalar(node.default)}`]
  const example = `${key}: ${scalar(node.examples?.[0])}`
  return [...comment, isRequired ? indent + example : `${indent}# ${example}`]
}

/** Values are text or a list of text. Text with a colon needs quotes. */
function scalar(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(scalar).join(', ')}]`
  const text = String(value)
  return text.includes(':') ? `'${text}'` : text
}

const WIDTH = 110

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
