/**
 * Turns the issues of the schema library into problems with wording for the operator and a position in the file.
 *
 * The schemas write their own messages: the first line names the problem, the second one the remedy. Only shapes (a
 * list in place of a mapping, an unknown or missing key) are worded here.
 */
import * as z from 'zod'
import type { Problem } from '../core/errors.ts'
import type { Finding } from './source-text.ts'
import { nearestWord, suggestion } from './suggest.ts'
import type { YamlFile, YamlPath } from './yaml-file.ts'

/** The part of a JSON Schema that describes the value of a key. */
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

/** Computed once per schema, and only if there is a problem. */
const trees = new WeakMap<z.ZodType, SchemaNode>()

/** Everything that the schema does not accept in the file, in the order of the file. */
export function schemaProblems(
  file: YamlFile,
  schema: z.ZodType,
  issues: readonly z.core.$ZodIssue[],
): Problem[] {
  const tree = schemaTree(schema)
  const unknownKeys = unknownKeysByParent(issues)
  // The YAML problem of a key is more precise than "not a valid name".
  const known = new Set(file.problems.map(({ line, column }) => `${line}:${column}`))
  return issues
    .filter((issue) => !isMissingByMistyping(issue, unknownKeys))
    .flatMap((issue) => issueProblems(file, tree, issue))
    .filter(({ line, column }) => !known.has(`${line}:${column}`))
}

function unknownKeysByParent(issues: readonly z.core.$ZodIssue[]): ReadonlyMap<string, readonly string[]> {
  return new Map(
    issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys' ? [[issue.path.join('\n'), issue.keys] as const] : [],
    ),
  )
}

/** `cidr` is unknown, which makes `cidrs` missing: one mistake, and the first message already has the remedy. */
function isMissingByMistyping(
  issue: z.core.$ZodIssue,
  unknownKeys: ReadonlyMap<string, readonly string[]>,
): boolean {
  const key = String(issue.path.at(-1))
  const unknown = unknownKeys.get(issue.path.slice(0, -1).join('\n')) ?? []
  return unknown.some((word) => nearestWord(word, [key]) !== undefined)
}

/** Removes duplicates. Problems of a whole file or a variable come first, then the order of the file. */
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
          kind: 'key-unknown',
          message: `unknown key "${key}"`,
          hint: suggestion(key, known),
        }),
      )
    }
    case 'invalid_key': {
      const [inner = '', innerHint] = (issue.issues[0]?.message ?? issue.message).split('\n')
      return [file.problemAtKey(issue.path, { kind: 'name-invalid', message: inner, hint: innerHint })]
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
  const finding = {
    kind: 'key-missing',
    message: `the key "${key}" is missing`,
    hint: firstSentence(description),
  }
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

/** Wording for one value that the schema rejects. `written` is the value as written in the file. */
export function issueFinding(issue: z.core.$ZodIssue, value: unknown, written: string): Finding {
  const [message = '', hint] = issue.message.split('\n')
  return {
    kind: kindOf(issue),
    message: shapeMessage(issue) ?? message,
    hint: hint ?? valueHint(issue, value, written),
  }
}

/** Messages contain values, so the kind of a problem comes from its key, or from the check that found it. */
function kindOf(issue: z.core.$ZodIssue): string {
  const given: unknown = issue.code === 'custom' ? issue.params?.['kind'] : undefined
  const key = issue.path.findLast((step) => typeof step === 'string')
  return typeof given === 'string' ? given : `${issue.code} ${String(key)}`
}

/** YAML parsed text as another type. */
function valueHint(issue: z.core.$ZodIssue, value: unknown, written: string): string | undefined {
  if (value === null) return 'the value is missing'
  if (issue.code === 'invalid_type' && issue.expected === 'string' && typeof value !== 'object') {
    return `YAML reads ${written} as the ${typeof value} ${JSON.stringify(value)}; write "${written}"`
  }
  if (issue.code !== 'invalid_value' || typeof value !== 'string') return undefined
  // The message already lists all values.
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
