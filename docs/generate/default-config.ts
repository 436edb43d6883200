/**
 * The default configuration file: every key with its description as comment and its default as value. Keys
 * without a default are commented out with an example, but for those that a file must have.
 */
import type { SchemaNode } from '../../src/config/report.ts'

const HEADER = `# yaml-language-server: $schema=./siteswarm.schema.json

# Configuration of one node. \`npm start\` and \`siteswarm serve\` run this file as it is; copy it and topology.yaml for
# a node of your own. \`siteswarm check --config FILE\` shows what is wrong with a file, and docs/reference/configuration.md
# has the same keys as a table. Each can come from the environment too: SITESWARM_INTERVAL_MIN=30s.
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
    // With nothing but comments behind it, the key would have the value null: it becomes a comment too.
    const isLive = keys.some(([, child]) => child.default !== undefined)
    const lines = keys.flatMap(([name, child]) =>
      renderKey({ key: name, node: child, isRequired: !isLive, depth: depth + 1 }),
    )
    const group = [`${indent}${key}:`, ...lines]
    return [...comment, ...(isLive ? group : group.map((line) => `# ${line}`))]
  }
  if (node.default !== undefined) return [...comment, `${indent}${key}: ${scalar(node.default)}`]
  const example = `${key}: ${scalar(node.examples?.[0])}`
  return [...comment, isRequired ? indent + example : `${indent}# ${example}`]
}

/** Everything in the schema is text or a list of it. Text with a colon gets quotes. */
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
