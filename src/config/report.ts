/**
 * What the schema library found, in words for the operator and with the place in the file.
 *
 * The schemas write their own messages: the first line says what is wrong, the second what to do. Only shapes
 * (a list where a mapping belongs, an unknown or missing key) are put into words here.
 */
import * as z from 'zod'
import type { Problem } from '../core/errors.ts'
import type { Finding } from './source-text.ts'
import { nearestWord, suggestion } from './suggest.ts'
import type { YamlFile, YamlPath } from './yaml-file.ts'

/** The part of a JSON Schema that says what a key may hold. */
export interface SchemaNode {
  readonly title?: string
  readonly description?: string
  readonly examples?: readonly unknown[]
  readonly type?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly additionalProperties?: SchemaNode | boolean
  readonly items?: SchemaNode
  readonly prefixItems?: readonly SchemaNode[]
  readonly anyOf?: readonly SchemaNode[]
  readonly const?: unknown
}

export function schemaTree(schema: z.ZodType): SchemaNode {
  const tree = trees.get(schema) ?? (z.toJSONSchema(schema, { io: 'input' }) as SchemaNode)
  trees.set(schema, tree)
  return tree
}

/** Asked once for each problem, and only where there is one. */
const trees = new WeakMap<z.ZodType, SchemaNode>()

/** Everything that the schema does not accept in the file, in the order of the file. */
export function schemaProblems(
  file: YamlFile,
  schema: z.ZodType,
  issues: readonly z.core.$ZodIssue[],
): Problem[] {
  const tree = schemaTree(schema)
  return (
    issues
      .filter((issue) => !isMissingByMistyping(issue, issues))
      .flatMap((issue) => issueProblems(file, tree, issue))
      // What YAML made of a key says more than that it is no name.
      .filter(
        ({ line, column }) => !file.problems.some((known) => known.line === line && known.column === column),
      )
  )
}

/** `cidr` is unknown, so `cidrs` is missing: one mistake, and the first message already says what to do. */
function isMissingByMistyping(issue: z.core.$ZodIssue, issues: readonly z.core.$ZodIssue[]): boolean {
  const key = String(issue.path.at(-1))
  const parent = issue.path.slice(0, -1).join('\n')
  return issues.some(
    (other) =>
      other.code === 'unrecognized_keys' &&
      other.path.length === issue.path.length - 1 &&
      other.path.join('\n') === parent &&
      other.keys.some((unknown) => nearestWord(unknown, [key]) !== undefined),
  )
}

/** Each problem once: what concerns a whole file or a variable first, then in the order of the file. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>()
  return problems
    .filter((problem) => {
      const key = `${problem.file}\n${problem.line}\n${problem.column}\n${problem.message}`
      return !seen.has(key) && seen.add(key)
    })
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
}

function issueProblems(file: YamlFile, tree: SchemaNode, issue: z.core.$ZodIssue): Problem[] {
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = Object.keys(nodeAt(tree, issue.path)?.properties ?? {})
      return issue.keys.map((key) =>
        file.problemAtKey([...issue.path, key], {
          message: `unknown key "${key}"`,
          hint: suggestion(key, known),
        }),
      )
    }
    case 'invalid_key': {
      const [inner = '', innerHint] = (issue.issues[0]?.message ?? issue.message).split('\n')
      return [file.problemAtKey(issue.path, { message: inner, hint: innerHint })]
    }
    default: {
      const value = file.valueAt(issue.path)
      if (value === undefined && issue.path.length > 0) return [missingProblem(file, tree, issue.path)]
      const finding = issueFinding(issue, value, file.source.slice(file.span(issue.path)))
      return [file.source.problemAt(file.span(issue.path), finding)]
    }
  }
}

function missingProblem(file: YamlFile, tree: SchemaNode, path: YamlPath): Problem {
  const key = String(path.at(-1))
  const parent = path.slice(0, -1)
  const description = nodeAt(tree, path)?.description ?? ''
  const finding = { message: `the key "${key}" is missing`, hint: firstSentence(description) }
  return parent.length > 0
    ? file.problemAtKey(parent, finding)
    : file.source.problem(finding.message, finding.hint)
}

function firstSentence(text: string): string | undefined {
  return /^.+?\.(?= |$)/.exec(text)?.[0]
}

const SHAPES: Readonly<Record<string, string>> = {
  object: 'expected keys and values here',
  record: 'expected names with keys and values here',
  array: 'expected a list such as [a, b]',
}

function shapeMessage(issue: z.core.$ZodIssue): string | undefined {
  return issue.code === 'invalid_type' && issue.message.startsWith('Invalid input')
    ? SHAPES[issue.expected]
    : undefined
}

/** One value that the schema does not accept, in words. `written` is the value as it stands in the file. */
export function issueFinding(issue: z.core.$ZodIssue, value: unknown, written: string): Finding {
  const [message = '', hint] = issue.message.split('\n')
  return { message: shapeMessage(issue) ?? message, hint: hint ?? valueHint(issue, value, written) }
}

/** YAML made something else of what was meant as text. */
function valueHint(issue: z.core.$ZodIssue, value: unknown, written: string): string | undefined {
  if (value === null) return 'there is no value'
  if (issue.code === 'invalid_type' && issue.expected === 'string' && typeof value !== 'object') {
    return `YAML reads ${written} as the ${typeof value} ${JSON.stringify(value)}; write "${written}"`
  }
  if (issue.code !== 'invalid_value' || typeof value !== 'string') return undefined
  // The message lists them all already.
  const nearest = nearestWord(value, issue.values.map(String))
  return nearest === undefined ? undefined : `did you mean "${nearest}"?`
}

function nodeAt(tree: SchemaNode, path: YamlPath): SchemaNode | undefined {
  let node: SchemaNode | undefined = tree
  for (const step of path) {
    if (node === undefined) return undefined
    const rest: SchemaNode | boolean | undefined = node.additionalProperties
    node =
      node.properties?.[String(step)] ??
      (typeof rest === 'object' ? rest : undefined) ??
      (typeof step === 'number' ? (node.prefixItems?.[step] ?? node.items) : undefined)
  }
  return node
}
