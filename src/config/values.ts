/**
 * Value kinds of the node configuration: durations, listen addresses, the store, secrets.
 *
 * Each is text in the file and in the environment, and a typed value after the schema. Messages have up to two
 * lines: the problem, and the remedy.
 */
import * as z from 'zod'
import { parseAddress } from '../core/address.ts'
import { isStoreUrlProblem, readStoreUrl, type StoreTarget } from '../core/store-url.ts'

export interface ListenAddress {
  /** An IP address without brackets. */
  readonly host: string
  /** 0: any free port. */
  readonly port: number
}

export type StoreConfig =
  { readonly kind: 'memory' } | { readonly kind: 'redis'; readonly target: StoreTarget }

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const DURATION = /^(\d+)(ms|s|m|h|d)$/

/** `60s` becomes 60,000. */
export function duration({ min, max }: { min: string; max: string }) {
  return z
    .string({ error: (issue) => `expected a duration such as 30m${durationHint(issue.input)}` })
    .regex(DURATION, {
      abort: true,
      error: (issue) => `expected a duration such as 30m${durationHint(issue.input)}`,
    })
    .refine((text) => durationMs(text) >= durationMs(min), `too short\nthe shortest is ${min}`)
    .refine((text) => durationMs(text) <= durationMs(max), `too long\nthe longest is ${max}`)
    .meta({ title: 'duration' })
    .transform(durationMs)
}

function durationMs(text: string): number {
  const [, count = '', unit = ''] = DURATION.exec(text) ?? []
  return Number(count) * (UNIT_MS[unit] ?? 0)
}

function durationHint(input: unknown): string {
  const isBare = typeof input === 'number' || (typeof input === 'string' && /^\d+$/.test(input))
  if (isBare) return `\nbare numbers are ambiguous; write ${input}s or ${input}m`
  return '\nwrite a whole number and a unit: ms, s, m, h or d'
}

const UNIT_BYTES: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }
const SIZE = /^(\d{1,9})(KiB|MiB|GiB)$/

/** `256MiB` becomes 268,435,456. */
export function size({ min, max }: { min: string; max: string }) {
  const error = (issue: { readonly input?: unknown }) =>
    `expected a size such as ${min}${sizeHint(issue.input)}`
  return z
    .string({ error })
    .regex(SIZE, { abort: true, error })
    .refine((text) => sizeBytes(text) >= sizeBytes(min), `too small\nthe smallest is ${min}`)
    .refine((text) => sizeBytes(text) <= sizeBytes(max), `too large\nthe largest is ${max}`)
    .meta({ title: 'size' })
    .transform(sizeBytes)
}

function sizeBytes(text: string): number {
  const [, count = '', unit = ''] = SIZE.exec(text) ?? []
  return Number(count) * (UNIT_BYTES[unit] ?? 0)
}

function sizeHint(input: unknown): string {
  const isBare = typeof input === 'number' || (typeof input === 'string' && /^\d+$/.test(input))
  if (isBare) return `\nbare numbers are ambiguous; write ${input}MiB or ${input}GiB`
  return '\nwrite a whole number and a unit: KiB, MiB or GiB'
}

/** A number in the file, the same as text in the environment. */
export function numberFrom({ min, max, isWhole }: { min: number; max: number; isWhole: boolean }) {
  const message = `expected a ${isWhole ? 'whole ' : ''}number from ${min} to ${max}`
  const inRange = (value: number) => value >= min && value <= max && (!isWhole || Number.isInteger(value))
  return z
    .union(
      [
        z.number().refine(inRange, message),
        z
          .string()
          .regex(/^\d+(?:\.\d+)?$/)
          .transform(Number)
          .refine(inRange, message),
      ],
      message,
    )
    .meta({ title: `${min} … ${max}` })
}

const LISTEN_MESSAGE = 'expected an IP address and a port such as "[::]:6969"'
const LISTEN = /^(?:([0-9.]+)|\[([0-9A-Fa-f:.]+)\]):(\d{1,5})$/

/** `[::]:6969` becomes `{ host: '::', port: 6969 }`. */
export function listenAddress() {
  return z
    .string({ error: (issue) => `${LISTEN_MESSAGE}${listenHint(issue.input)}` })
    .regex(LISTEN, { abort: true, error: (issue) => `${LISTEN_MESSAGE}${listenHint(issue.input)}` })
    .refine(
      (text) => parseListen(text) !== undefined,
      `${LISTEN_MESSAGE}\na port is a number from 0 to 65535`,
    )
    .meta({ title: 'address and port' })
    .transform((text): ListenAddress => parseListen(text) ?? { host: '', port: 0 })
}

function parseListen(text: string): ListenAddress | undefined {
  const [, v4, v6, port = ''] = LISTEN.exec(text) ?? []
  const host = v4 ?? v6 ?? ''
  return parseAddress(host) === undefined || Number(port) > 65_535 ? undefined : { host, port: Number(port) }
}

function listenHint(input: unknown): string {
  if (typeof input === 'number')
    return `\nwrite "[::]:${input}", or "127.0.0.1:${input}" for this machine only`
  if (typeof input === 'string' && /^:?\d+$/.test(input)) return `\nwrite "[::]:${input.replace(':', '')}"`
  if (typeof input === 'string' && input.startsWith('localhost:'))
    return `\nwrite "${input.replace('localhost', '127.0.0.1')}"`
  if (typeof input === 'string' && input.split(':').length > 2)
    return '\nan IPv6 address needs brackets: "[::]:6969"'
  return '\nwrite an address of this machine, "0.0.0.0" for all of IPv4, or "[::]" for all of IPv4 and IPv6'
}

const STORE_MESSAGE = 'expected memory, or the URL of a Redis'

export function store() {
  return z
    .string({ error: STORE_MESSAGE })
    .superRefine((text, context) => {
      const read = text === 'memory' ? undefined : readStoreUrl(text)
      if (read !== undefined && isStoreUrlProblem(read))
        context.addIssue({ code: 'custom', message: `${STORE_MESSAGE}\n${storeHint(text) ?? read.hint}` })
    })
    .meta({ title: '`memory` or URL' })
    .transform((text): StoreConfig => {
      const target = readStoreUrl(text)
      return isStoreUrlProblem(target) ? { kind: 'memory' } : { kind: 'redis', target }
    })
}

function storeHint(text: string): string | undefined {
  return /^[\w.-]+:\d+$/.test(text) ? `write redis://${text}` : undefined
}

/**
 * A token is sent as `Authorization: Bearer …`, so it is visible ASCII. At least 8 characters: a random one then
 * has 48 bits, which a million guesses a second find in nine years; shorter ones fall within weeks.
 */
export function token() {
  return z
    .string('expected a token')
    .min(TOKEN_CHARACTERS_MIN, TOKEN_MESSAGE)
    .max(TOKEN_CHARACTERS_MAX, TOKEN_MESSAGE)
    .regex(/^[\x21-\x7e]*$/, 'a token has no spaces and only ASCII\nmake one with: openssl rand -hex 16')
    .meta({ title: SECRET_TITLE, examples: ['a-long-random-secret'] })
}

/** Title of values that are never shown. */
export const SECRET_TITLE = 'secret'

const TOKEN_CHARACTERS_MIN = 8
/** All headers of a request share 16 KiB. */
const TOKEN_CHARACTERS_MAX = 512
const TOKEN_MESSAGE = `a token has ${TOKEN_CHARACTERS_MIN} to ${TOKEN_CHARACTERS_MAX} characters\nmake one with: openssl rand -hex 16`

/** A path; the reader of the file decides which directory it is relative to. */
export function path(what: string) {
  return z
    .string(`expected the path of ${what}`)
    .min(1, `expected the path of ${what}`)
    .meta({ title: 'path' })
}
