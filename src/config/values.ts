/**
 * Kinds of values in the node configuration: durations, listen addresses, the store, secrets.
 *
 * Each is text in the file and in the environment, and something typed behind the schema. Messages have up to
 * two lines: what is wrong, and what to do.
 */
import * as z from 'zod'
import { parseAddress } from '../core/address.ts'

export interface ListenAddress {
  /** An IP address without brackets. */
  readonly host: string
  /** 0: any free port. */
  readonly port: number
}

export type StoreConfig =
  | { readonly kind: 'memory' }
  /** `redis://`, `rediss://` or `redis+sentinel://`. */
  | { readonly kind: 'redis'; readonly url: string }

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

const LISTEN_MESSAGE = 'expected an IP address and a port such as "0.0.0.0:6969"'
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
    return `\nwrite "0.0.0.0:${input}", or "127.0.0.1:${input}" for this machine alone`
  if (typeof input === 'string' && /^:?\d+$/.test(input)) return `\nwrite "0.0.0.0:${input.replace(':', '')}"`
  if (typeof input === 'string' && input.startsWith('localhost:'))
    return `\nwrite "${input.replace('localhost', '127.0.0.1')}"`
  if (typeof input === 'string' && input.split(':').length > 2)
    return '\nan IPv6 address needs brackets: "[::]:6969"'
  return '\nwrite the address that clients reach, or "0.0.0.0" for all of IPv4 and "[::]" for all of both'
}

const STORE_MESSAGE = 'expected memory, or the URL of a Redis'
const STORE = /^(?:memory|(?:rediss?|redis\+sentinel):\/\/[^\s/]+(?:\/\S*)?)$/

export function store() {
  return z
    .string({ error: STORE_MESSAGE })
    .regex(STORE, { abort: true, error: (issue) => `${STORE_MESSAGE}${storeHint(issue.input)}` })
    .refine((text) => !text.startsWith('redis+sentinel:') || SENTINEL.test(text), {
      error: `${STORE_MESSAGE}\nSentinels and the name of their master: redis+sentinel://host:26379,host:26379/master`,
    })
    .meta({ title: '`memory` or URL' })
    .transform((text): StoreConfig => (text === 'memory' ? { kind: 'memory' } : { kind: 'redis', url: text }))
}

const SENTINEL = /^redis\+sentinel:\/\/[^\s/]+\/[^\s/]+/

function storeHint(input: unknown): string {
  const isBareHost = typeof input === 'string' && /^[\w.-]+:\d+$/.test(input)
  return isBareHost
    ? `\nwrite redis://${input}`
    : '\nwrite memory, redis://host:6379, rediss://… or redis+sentinel://…'
}

/**
 * A token is sent as `Authorization: Bearer …`, so it is visible ASCII. 8 characters are the least: one that a
 * machine chose has 48 bits then, which a million guesses a second find in nine years; shorter ones fall in weeks.
 */
export function token() {
  return z
    .string('expected a token')
    .min(TOKEN_CHARACTERS_MIN, TOKEN_MESSAGE)
    .max(TOKEN_CHARACTERS_MAX, TOKEN_MESSAGE)
    .regex(/^[\x21-\x7e]*$/, 'a token has no spaces and only ASCII\nmake one with: openssl rand -hex 16')
    .meta({ title: 'secret', examples: ['a-long-random-secret'] })
}

const TOKEN_CHARACTERS_MIN = 8
/** Headers of a request have 16 KiB together. */
const TOKEN_CHARACTERS_MAX = 512
const TOKEN_MESSAGE = `a token has ${TOKEN_CHARACTERS_MIN} to ${TOKEN_CHARACTERS_MAX} characters\nmake one with: openssl rand -hex 16`

/** A path; what it is relative to is decided where it was written. */
export function path(what: string) {
  return z
    .string(`expected the path of ${what}`)
    .min(1, `expected the path of ${what}`)
    .meta({ title: 'path' })
}
