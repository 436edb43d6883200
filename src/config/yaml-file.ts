/**
 * A YAML file: its values, and the position of each.
 *
 * YAML 1.2 has edges that are unexpected in a configuration: `01` is the number 1, `<<` is a plain key, a second
 * document is ignored. Text that YAML would read differently from how it looks is rejected with its position.
 */
import {
  Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type YAMLError,
  type YAMLMap,
} from 'yaml'
import { ConfigError, InputError, type Problem } from '../core/errors.ts'
import { readRegularFileSync } from '../core/regular-file.ts'
import { type Finding, SourceText, type Span } from './source-text.ts'

export type YamlPath = readonly PropertyKey[]

export class YamlFile {
  readonly source: SourceText
  /** undefined if the file cannot be parsed, null if it is empty. */
  readonly value: unknown
  /** Problems of the file as YAML. */
  readonly problems: readonly Problem[]
  readonly #document: Document
  readonly #pairs = new WeakMap<YAMLMap, ReadonlyMap<string | undefined, Pair>>()
  #isUnreadable = false

  constructor(name: string, text: string) {
    this.source = new SourceText(name, text)
    // Duplicate keys are detected below, where both positions are known. Unknown tags are errors.
    this.#document = parseDocument(text, { uniqueKeys: false, prettyErrors: false, resolveKnownTags: false })
    const syntax = [...this.#document.errors, ...this.#document.warnings]
    const problems = syntax.slice(0, SYNTAX_PROBLEMS_MAX).map((error) => this.#syntaxProblem(error))
    if (syntax.length === 0)
      problems.push(...this.#directiveProblems(), ...this.#surprises(this.#document.contents))
    this.value = syntax.length === 0 && !this.#isUnreadable ? this.#plainValue(problems) : undefined
    this.problems = problems
  }

  /** undefined if the path does not exist. */
  valueAt(path: YamlPath): unknown {
    let at = this.value
    for (const step of path) {
      if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined
      at = (at as Record<PropertyKey, unknown>)[step]
    }
    return at
  }

  /** Position of the value at the path; for a missing one, of its closest parent. */
  span(path: YamlPath): Span {
    for (let length = path.length; length > 0; length--) {
      const { key, value } = this.#find(path.slice(0, length))
      const node = value ?? key
      if (node !== undefined) return length === path.length ? spanOf(node) : spanOf(key ?? node)
    }
    return { start: 0, end: 0 }
  }

  /** Position of the key at the path; undefined for an entry of a list. */
  keySpan(path: YamlPath): Span | undefined {
    const { key } = this.#find(path)
    return key && spanOf(key)
  }

  problemAtKey(path: YamlPath, finding: Omit<Finding, 'context'>): Problem {
    const parent = path.slice(0, -1)
    const context = parent.length > 0 ? [this.keySpan(parent)] : []
    return this.source.problemAt(this.keySpan(path) ?? this.span(path), { ...finding, context })
  }

  #find(path: YamlPath): { key?: Node | undefined; value?: Node | undefined } {
    let key: Node | undefined
    let value: Node | undefined = this.#document.contents ?? undefined
    for (const step of path) {
      if (isAlias(value)) value = value.resolve(this.#document)
      if (isMap(value)) {
        // Of a duplicate key, the last one has the value.
        const pair = this.#pairsOf(value).get(String(step))
        if (pair === undefined) return {}
        key = isNode(pair.key) ? pair.key : undefined
        value = isNode(pair.value) ? pair.value : undefined
      } else if (isSeq(value)) {
        const item = value.items[Number(step)]
        key = undefined
        value = isNode(item) ? item : undefined
      } else return {}
    }
    return { key, value }
  }

  /** A map has up to 65,000 keys, and each can have a problem: finding one is not a search. */
  #pairsOf(map: YAMLMap): ReadonlyMap<string | undefined, Pair> {
    const known = this.#pairs.get(map) ?? new Map(map.items.map((pair) => [keyText(pair.key), pair]))
    this.#pairs.set(map, known)
    return known
  }

  #plainValue(problems: Problem[]): unknown {
    try {
      return this.#document.toJS({ maxAliasCount: ALIASES_MAX })
    } catch {
      problems.push(this.source.problem('too many aliases (*)', 'write the values out'))
      return undefined
    }
  }

  /** YAML 1.1 reads `on` as true and `010` as 8. */
  #directiveProblems(): Problem[] {
    const yaml = this.#document.directives?.yaml
    if (yaml?.explicit !== true || yaml.version === '1.2') return []
    return [this.source.problem(`YAML ${yaml.version} is not supported`, 'remove the line %YAML')]
  }

  /** Depth first, in the order of the file. */
  #surprises(node: unknown): Problem[] {
    if (isAlias(node)) return this.#aliasProblems(node)
    if (isSeq(node)) return node.items.flatMap((item) => this.#surprises(item))
    if (!isMap(node)) return []
    const seen = new Map<string, Span>()
    return node.items.flatMap((pair) => [
      ...this.#keyProblems(pair.key, seen),
      ...this.#surprises(pair.value),
    ])
  }

  #aliasProblems(alias: Alias): Problem[] {
    if (alias.resolve(this.#document) !== undefined) return []
    this.#isUnreadable = true
    return [
      this.source.problemAt(spanOf(alias), {
        kind: 'alias-unknown',
        message: `no anchor &${alias.source} above this`,
        hint: 'text that begins with * needs quotes',
      }),
    ]
  }

  #keyProblems(key: unknown, seen: Map<string, Span>): Problem[] {
    if (!isNode(key)) return []
    const span = spanOf(key)
    const problem = (kind: string, message: string, hint: string, context: readonly Span[] = []) => [
      this.source.problemAt(span, { kind, message, hint, context }),
    ]
    if (!isScalar(key)) {
      this.#isUnreadable = true
      return problem('key-not-text', 'a key must be plain text', 'write key: value')
    }
    const text = keyText(key) ?? ''
    const written = this.source.slice(span)
    if (text === '<<')
      return problem(
        'merge-key',
        'merge keys (<<) are not supported',
        'YAML 1.2 does not have them; repeat the keys',
      )
    if (text === '__proto__') return problem('key-reserved', 'this name is reserved', 'choose another name')
    if (typeof key.value !== 'string' && text !== written) {
      return problem(
        'key-read-differently',
        `YAML reads the key ${written} as ${String(key.value)}`,
        `write "${written}"`,
      )
    }
    const first = seen.get(text)
    if (first === undefined) {
      seen.set(text, span)
      return []
    }
    return problem(
      'key-twice',
      `the key "${text}" is listed twice`,
      `it is also in line ${this.source.lineOf(first.start)}; keep one`,
      [first],
    )
  }

  #syntaxProblem(error: YAMLError): Problem {
    const [start, end] = error.pos
    const [message, hint] = SYNTAX[error.code] ??
      notClosed(error) ?? [`not valid YAML: ${lowerFirst(error.message)}`]
    return this.source.problemAt({ start, end: Math.max(end, start + 1) }, { message, hint })
  }
}

/** Reads and parses a file. Throws a `ConfigError` that names the path if it cannot be read. */
export function readYamlFile(path: string, hint: string): YamlFile {
  return new YamlFile(path, readText(path, hint))
}

/** Reads UTF-8 text. Throws a `ConfigError` that names the path. `hint` is the remedy for a missing file. */
export function readText(path: string, hint: string): string {
  const source = new SourceText(path, '')
  let bytes: Buffer
  try {
    bytes = readRegularFileSync(path)
  } catch (error) {
    if (error instanceof InputError)
      throw new ConfigError([source.problem('this is not a regular file', 'name a regular file')])
    const code = (error as NodeJS.ErrnoException).code ?? 'an unknown error'
    const [message, whatToDo] = READ_ERRORS[code] ?? [`cannot be read: ${code}`]
    throw new ConfigError([source.problem(message, code === 'ENOENT' ? hint : whatToDo)])
  }
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  if (isUtf16) throw new ConfigError([source.problem('the file is UTF-16', 'save it as UTF-8')])
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    const problem = {
      ...source.problem('the file is not UTF-8', 'save it as UTF-8'),
      line: firstBadLine(bytes),
      column: 1,
    }
    throw new ConfigError([problem])
  }
}

/** Most errors follow from the first ones. A file of a megabyte has up to half a million of them, each with its excerpt. */
const SYNTAX_PROBLEMS_MAX = 1_000

/** Keeps a small file a small value. */
const ALIASES_MAX = 1_000

const READ_ERRORS: Readonly<Record<string, [string] | [string, string]>> = {
  ENOENT: ['no such file'],
  EISDIR: ['this is a directory', 'name the file in it'],
  EACCES: ['permission denied', 'let the user that runs siteswarm read it'],
  EPERM: ['permission denied', 'let the user that runs siteswarm read it'],
  ENOTDIR: ['a part of this path is not a directory', 'check the path'],
}

const SYNTAX: Readonly<Partial<Record<YAMLError['code'], [string, string]>>> = {
  TAB_AS_INDENT: ['a tab in the indentation', 'YAML indents with spaces'],
  MULTIPLE_DOCS: ['a second document', 'only the first one is used; remove the line ---'],
  TAG_RESOLVE_FAILED: ['a tag', 'tags (!) are not supported; text that begins with ! needs quotes'],
  BLOCK_AS_IMPLICIT_KEY: ['two colons in one line', 'text with a colon and a space in it needs quotes'],
}

/** The library reports this at the next token, or at the end of the file. */
function notClosed({ message }: YAMLError): [string, string] | undefined {
  const bracket = /end with a ([\]}])$/.exec(message)?.[1]
  if (bracket !== undefined)
    return [`a ${bracket === ']' ? '[' : '{'} above this is not closed`, `write the ${bracket}`]
  return message.startsWith('Missing closing')
    ? ['quotes above this are not closed', 'close them']
    : undefined
}

function keyText(key: unknown): string | undefined {
  // As in the plain values, where a null key becomes empty text.
  return isScalar<string | number | boolean | null>(key) ? String(key.value ?? '') : undefined
}

function spanOf(node: Node): Span {
  const [start, end] = node.range ?? [0, 0]
  return { start, end }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

function firstBadLine(bytes: Buffer): number {
  let line = 1
  for (let start = 0; start < bytes.length; line++) {
    const newline = bytes.indexOf(0x0a, start)
    const end = newline < 0 ? bytes.length : newline
    const part = bytes.subarray(start, end)
    if (!part.equals(Buffer.from(part.toString('utf8')))) return line
    start = end + 1
  }
  return line
}
