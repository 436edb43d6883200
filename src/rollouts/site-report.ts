/**
 * State of one rollout at one site. The nodes of the site compute it; other sites receive it, so that every node of every
 * site gives the same answer. As JSON it is a message of federation, and part of the answer of the API.
 *
 * Threat: a remote site may send anything. The schema bounds each field, and the message as a whole has a limit in bytes.
 */
import * as z from 'zod'
import { stragglerReasons } from './straggler.ts'

/** The last hosts of a site; more are on the page of its hosts. */
export const STRAGGLERS_MAX = 20
/** Bubbles of one site in a report. */
export const BUBBLES_MAX = 1_000

const count = () => z.int().min(0)
export const bytes = () => z.number().min(0).max(Number.MAX_SAFE_INTEGER)
const percent = () => z.number().min(0).max(100)
const rate = () => z.number().min(0).max(Number.MAX_SAFE_INTEGER)
const name = () => z.string().max(63)
const address = () => z.string().max(45)
const port = () => z.int().min(0).max(65_535)
/** Later times have no date. */
export const timeMs = () => z.number().min(0).max(8_640_000_000_000_000)

const hostCounts = z.object({
  /** null without a number of expected hosts. */
  expected: count().nullable(),
  /** Hosts that have downloaded, those that left included. */
  seen: count(),
  complete: count(),
  /** Hosts that do not accept connections. */
  unreachable: count(),
  /** Clients that were complete when they were first seen; not counted in `seen`. */
  sources: count(),
})

const straggler = z.object({
  address: address(),
  port: port(),
  bubble: name(),
  client: z.string().max(64).nullable(),
  percent: percent(),
  progressFrom: z.enum(['observed', 'announced', 'unknown']),
  lastSeenMs: timeMs(),
  reason: z.enum(stragglerReasons),
})

export const siteReportSchema = z.object({
  site: name(),
  /** Time of the measurement. */
  atMs: timeMs(),
  startedAtMs: timeMs().nullable(),
  completedAtMs: timeMs().nullable(),
  state: z.enum(['idle', 'filling', 'warm', 'stranded']),
  isHeld: z.boolean(),
  isComplete: z.boolean(),
  /** A client of the site had the content before any host downloaded. */
  hadSource: z.boolean(),
  sentence: z.string().max(300),
  percent: percent(),
  progressFrom: z.enum(['observed', 'announced', 'mixed', 'unknown']),
  rateBytesPerSecond: rate(),
  etaSeconds: z.number().min(0).max(Number.MAX_SAFE_INTEGER).nullable(),
  hosts: hostCounts,
  bytes: z.object({
    /** Content that the hosts of the site have. */
    downloaded: bytes(),
    /** Received from other sites: at least, and at most. Equal where carriers counted all of it. */
    betweenSites: bytes(),
    betweenSitesAtMost: bytes(),
    isCounted: z.boolean(),
    from: z.array(z.object({ site: name(), bytes: bytes() })).max(1_000),
  }),
  bubbles: z.array(z.object({ bubble: name(), percent: percent(), hosts: hostCounts })).max(BUBBLES_MAX),
  carrier: z
    .object({ node: z.string().max(255), upstreamSite: name().nullable(), rateBytesPerSecond: rate() })
    .nullable(),
  gateway: z
    .object({
      address: address(),
      port: port(),
      percent: percent(),
      upstream: z.object({ site: name(), address: address(), port: port() }).nullable(),
    })
    .nullable(),
  stragglers: z.array(straggler).max(STRAGGLERS_MAX),
  stragglersTotal: count(),
})

export type SiteReport = z.output<typeof siteReportSchema>
export type HostCounts = SiteReport['hosts']
export type Straggler = SiteReport['stragglers'][number]

/** Rounded down to one decimal, so that only a complete host or site has 100. */
export function percentOf(share: number): number {
  return Math.floor(share * 1000 + 1e-9) / 10
}
