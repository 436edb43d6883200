/**
 * Parameters of requests. One schema for each checks the request, gives its type, and describes it in the OpenAPI
 * document; every wrong value of a parameter is rejected with one code and one sentence.
 *
 * Infohash, address and port have the names of the announce protocol in requests: `info_hash`, `ip`, `port`.
 */
import * as z from 'zod'
import { type Address, parseAddress } from '../../core/address.ts'
import { parseInfoHash } from '../../core/info-hash.ts'
import type { CurrentTopology } from '../../topology/current-topology.ts'
import type { Site } from '../../topology/topology.ts'
import { ApiError } from './api-error.ts'

interface ParameterRule {
  readonly code: string
  /** Completes "NAME must be …". */
  readonly expected: string
}

const rules = z.registry<ParameterRule>()

/** A longer value is not repeated in a message. */
const SHOWN_CHARACTERS_MAX = 100

export const infoHashParameter = () =>
  readAs(
    z.string().regex(/^([0-9a-fA-F]{40}|[0-9a-fA-F]{64})$/),
    { code: 'infohash-invalid', expected: '40 hexadecimal digits (64 for v2)' },
    parseInfoHash,
  )

/** The first digits of an infohash, in lower case. */
export const infoHashPrefix = () =>
  readAs(
    z.string().regex(/^[0-9a-fA-F]{1,40}$/),
    { code: 'q-invalid', expected: '1 to 40 hexadecimal digits' },
    (digits) => digits.toLowerCase(),
  )

export const addressParameter = () =>
  readAs(
    z.string().meta({ anyOf: [{ format: 'ipv4' }, { format: 'ipv6' }] }),
    { code: 'ip-invalid', expected: 'one IPv4 or IPv6 address' },
    (text): Address | undefined => parseAddress(text),
  )

export const portParameter = () =>
  wholeNumber({ code: 'port-invalid', expected: 'a number from 1 to 65535', min: 1, max: 65_535 })

/** A number in the query, which is text. */
export function wholeNumber({
  min,
  max,
  ...rule
}: ParameterRule & { readonly min: number; readonly max: number }) {
  return readAs(z.string(), rule, (text) => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : -1
    return value >= min && value <= max ? value : undefined
  }).meta({ type: 'integer', minimum: min, maximum: max })
}

/** One of the values, otherwise the code `NAME-unknown`. */
export function oneOf<const Values extends readonly [string, ...string[]]>(name: string, values: Values) {
  return withRule(z.enum(values), {
    code: `${name}-unknown`,
    expected: `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`,
  })
}

/** Text that may be present or not, and is not given twice. */
export const text = (rule: ParameterRule, charactersMax: number) =>
  withRule(z.string().min(1).max(charactersMax), rule)

/** The name of a site; its existence depends on the current topology, which `siteNamed` checks. */
export const siteParameter = () =>
  withRule(z.string(), { code: 'site-unknown', expected: 'the name of one site' })

/** undefined if the parameter is missing. */
export function siteNamed(topology: CurrentTopology, name: string | undefined): Site | undefined {
  if (name === undefined) return undefined
  const site = topology.value.siteNamed(name)
  if (site === undefined)
    throw new ApiError(400, 'site-unknown', `there is no site ${JSON.stringify(name)} in the topology`)
  return site
}

/** Adds the code and sentence of a wrong value. */
export function withRule<Schema extends z.ZodType>(schema: Schema, rule: ParameterRule): Schema {
  rules.add(schema, rule)
  return schema
}

/** Reads a value from text; undefined from `read` makes it a wrong one. */
export function readAs<Value>(
  schema: z.ZodType<string, string>,
  rule: ParameterRule,
  read: (text: string) => Value | undefined,
) {
  const reader = schema.transform((given, context): Value => {
    const value = read(given)
    if (value !== undefined) return value
    context.addIssue({ code: 'custom', message: rule.expected })
    return z.NEVER
  })
  return withRule(reader, rule)
}

/**
 * Describes one problem that a schema found in a query, in the parameters of a path, or in a body. A parameter that does
 * not exist comes first: the one that seems to be missing is often a misspelt one.
 */
export function describeIssues(
  schema: z.ZodType,
  given: unknown,
  issues: readonly z.core.$ZodIssue[],
): ApiError {
  const shape = schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType>) : {}
  const unknown = issues.find((each) => each.code === 'unrecognized_keys')
  if (unknown !== undefined) return unknownParameter(unknown.keys[0] ?? '', Object.keys(shape))
  const [issue] = issues
  const name = String(issue?.path[0] ?? '')
  const rule = ruleOf(shape[name] ?? schema)
  if (rule === undefined)
    return new ApiError(400, 'request-invalid', issue?.message ?? 'the request is invalid')
  const value = (given as Readonly<Record<string, unknown>> | null | undefined)?.[name]
  if (name === '' || value === undefined)
    return new ApiError(400, rule.code, `${name === '' ? 'the body' : name} must be ${rule.expected}`)
  const shown = JSON.stringify(value)
  const but = shown.length > SHOWN_CHARACTERS_MAX ? '' : `, not ${shown}`
  return new ApiError(400, rule.code, `${name} must be ${rule.expected}${but}`)
}

/** A misspelt filter would otherwise return everything. */
function unknownParameter(name: string, known: readonly string[]): ApiError {
  const remedy = known.length === 0 ? 'the route has none' : `the parameters are ${known.join(', ')}`
  return new ApiError(
    400,
    'parameter-unknown',
    `there is no parameter ${JSON.stringify(name.slice(0, SHOWN_CHARACTERS_MAX))}; ${remedy}`,
  )
}

/** The rule of a schema, also of one that is optional or has a default. */
function ruleOf(schema: z.ZodType): ParameterRule | undefined {
  const rule = rules.get(schema)
  if (rule !== undefined) return rule
  const { innerType } = schema.def as { readonly innerType?: z.ZodType }
  return innerType === undefined ? undefined : ruleOf(innerType)
}
