/**
 * Keys of the node configuration from the environment, which takes precedence over the file.
 *
 * One rule gives the names: SITESWARM, then each key of the path with its words in capitals, all joined with `_`:
 * `interval.min` is SITESWARM_INTERVAL_MIN, `trustedProxies` is SITESWARM_TRUSTED_PROXIES. Commas separate the
 * items of a list. A SITESWARM_ variable that does not match a key is an error, because it is a typing mistake.
 */
import type { Problem } from '../core/errors.ts'
import type { SchemaNode } from './report.ts'
import { nearestWord } from './suggest.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface EnvironmentKey {
  readonly variable: string
  readonly path: readonly string[]
  readonly isList: boolean
}

export interface EnvironmentValue extends EnvironmentKey {
  readonly value: string | readonly string[]
}

const PREFIX = 'SITESWARM_'

/** Every key of the schema that holds a value. */
export function environmentKeys(tree: SchemaNode, path: readonly string[] = []): EnvironmentKey[] {
  return Object.entries(tree.properties ?? {}).flatMap(([key, node]) => {
    const here = [...path, key]
    if (node.properties !== undefined) return environmentKeys(node, here)
    return [{ variable: variableOf(here), path: here, isList: node.type === 'array' }]
  })
}

export function variableOf(path: readonly string[]): string {
  return (
    PREFIX + path.map((key) => key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()).join('_')
  )
}

export function readEnvironment(
  environment: Environment,
  tree: SchemaNode,
): { readonly values: readonly EnvironmentValue[]; readonly problems: readonly Problem[] } {
  const keys = environmentKeys(tree)
  const byVariable = new Map(keys.map((key) => [key.variable, key]))
  const values: EnvironmentValue[] = []
  const problems: Problem[] = []
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith(PREFIX) || text === undefined || isServiceLink(variable, text)) continue
    const key = byVariable.get(variable)
    if (key === undefined) problems.push(unknownVariable(variable, [...byVariable.keys()]))
    else if (key.isList) values.push({ ...key, value: splitList(text) })
    else if (text === '')
      problems.push(
        environmentProblem(variable, 'the variable is empty', 'set a value, or unset the variable'),
      )
    else values.push({ ...key, value: text })
  }
  return { values, problems }
}

export function environmentProblem(variable: string, message: string, hint: string | undefined): Problem {
  return { file: variable, line: 0, column: 0, message, ...(hint === undefined ? {} : { hint }) }
}

function unknownVariable(variable: string, known: readonly string[]): Problem {
  const nearest = nearestWord(
    variable.slice(PREFIX.length),
    known.map((name) => name.slice(PREFIX.length)),
  )
  const hint =
    nearest === undefined
      ? 'the reference page lists all variables; unset this one'
      : `did you mean ${PREFIX}${nearest}?`
  return environmentProblem(variable, 'no configuration key has this name', hint)
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/**
 * Kubernetes describes a Service called `siteswarm` or `siteswarm-fra` to every pod in its namespace, as
 * SITESWARM_SERVICE_HOST, SITESWARM_PORT_6969_TCP_ADDR and the like. They are not typing mistakes.
 */
function isServiceLink(variable: string, value: string): boolean {
  if (/_SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)$/.test(variable)) return true
  if (/_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/.test(variable)) return true
  return variable.endsWith('_PORT') && /^(?:tcp|udp|sctp):\/\//.test(value)
}
