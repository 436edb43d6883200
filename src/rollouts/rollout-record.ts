/**
 * The record of a rollout that outlives its nodes: the hosts that have announced, the bytes of other sites, and the last
 * report of each site. JSON, as a document of the store of the site.
 *
 * Threat: Redis holds any text. A time without a date, or a sum that is not a number, would fail each request that shows the
 * rollout, such as the list of all.
 */
import * as z from 'zod'
import { parseAddress } from '../core/address.ts'
import { formatInfoHash } from '../core/info-hash.ts'
import { type HostKey, hostKey, type HostState } from './host.ts'
import type { Rollout, RolloutTorrent } from './rollout.ts'
import { bytes, siteReportSchema, timeMs } from './site-report.ts'
import type { SiteRollout } from './site-rollout.ts'

const VERSION = 1

/** Address, port, bubble, share, observed or announced, complete, gateway, last seen. */
const hostSchema = z.tuple([
  z.string(),
  z.int().min(0).max(65_535),
  z.string(),
  z.number().min(0).max(1),
  z.enum(['observed', 'announced', 'unknown']),
  z.boolean(),
  z.boolean(),
  timeMs(),
])

const recordSchema = z.object({
  version: z.literal(VERSION),
  infoHashes: z.array(z.string().regex(/^[0-9a-f]{40}$/)).min(1),
  name: z.string(),
  sizeBytes: bytes(),
  registeredAtMs: timeMs(),
  removedAtMs: timeMs().optional(),
  /** Events that were reported; see `RolloutEvents`. */
  reported: z.array(z.string()),
  reports: z.array(siteReportSchema),
  sites: z.array(
    z.object({
      site: z.string(),
      startedAtMs: timeMs().optional(),
      completedAtMs: timeMs().optional(),
      hadSource: z.boolean(),
      received: z.array(z.tuple([z.string(), bytes()])),
      hosts: z.array(hostSchema),
      further: z.array(z.tuple([z.string(), z.int().min(0)])),
    }),
  ),
})

export type RolloutRecord = z.output<typeof recordSchema>

/** `hostsOf`: all hosts of a site that this node measures. */
export function writeRecord(rollout: Rollout, hostsOf: (site: SiteRollout) => readonly HostState[]): string {
  const { torrent, removedAtMs, reports, reported } = rollout
  const record: RolloutRecord = {
    version: VERSION,
    infoHashes: torrent.infoHashes.map(formatInfoHash),
    name: torrent.name,
    sizeBytes: torrent.sizeBytes,
    registeredAtMs: torrent.registeredAtMs,
    ...(removedAtMs === undefined ? {} : { removedAtMs }),
    reported: [...reported],
    reports: [...reports.values()],
    sites: [...rollout.measured()].map((site) => ({
      site: site.site,
      ...(site.startedAtMs === undefined ? {} : { startedAtMs: site.startedAtMs }),
      ...(site.completedAtMs === undefined ? {} : { completedAtMs: site.completedAtMs }),
      hadSource: site.hadSource,
      received: site.received.counts(),
      hosts: hostsOf(site).map((host) => [
        host.address,
        host.port,
        host.bubble,
        Math.floor(host.share * 10_000) / 10_000,
        host.progressFrom,
        host.isComplete,
        host.isGatewayHost,
        host.lastSeenMs,
      ]),
      further: [...site.departed.further()],
    })),
  }
  return JSON.stringify(record)
}

/** undefined for a text that is not a record. */
export function readRecord(text: string): RolloutRecord | undefined {
  try {
    const read = recordSchema.safeParse(JSON.parse(text))
    return read.success ? read.data : undefined
  } catch {
    return undefined
  }
}

export function torrentIn({ infoHashes, name, sizeBytes, registeredAtMs }: RolloutRecord): RolloutTorrent {
  return { infoHashes: infoHashes.map((hex) => Buffer.from(hex, 'hex')), name, sizeBytes, registeredAtMs }
}

/**
 * Adds what another node of the site, or an earlier process, knew. `measures`: whether this node measures a site; the last
 * report of another one stands until its nodes send a new one.
 */
export function applyRecord(
  rollout: Rollout,
  record: RolloutRecord,
  measures: (site: string) => boolean,
): void {
  rollout.removedAtMs ??= record.removedAtMs
  for (const event of record.reported) rollout.reported.add(event)
  for (const report of record.reports) {
    const known = rollout.reports.get(report.site)
    // Before the nodes of a remote site are connected, this node measures it too, and has no hosts of it.
    const isMeasured =
      measures(report.site) && record.sites.some((each) => each.site === report.site && !isEmpty(each))
    if (isMeasured) rollout.at(report.site).sharedCarrier = report.carrier
    else if (known === undefined || known.atMs < report.atMs) rollout.reports.set(report.site, report)
  }
  for (const each of record.sites) {
    if (isEmpty(each)) continue
    const site = rollout.at(each.site)
    if (each.startedAtMs !== undefined)
      site.startedAtMs = Math.min(each.startedAtMs, site.startedAtMs ?? Infinity)
    if (each.completedAtMs !== undefined)
      site.completedAtMs = Math.min(each.completedAtMs, site.completedAtMs ?? Infinity)
    site.hadSource ||= each.hadSource
    site.received.restore(each.received)
    site.departed.restoreFurther(each.further)
    for (const host of each.hosts) site.departed.add(keyOf(host), toState(host))
  }
}

/** The writer measured the site before its own nodes were connected, or before a client of it announced. */
function isEmpty({
  startedAtMs,
  hadSource,
  received,
  hosts,
  further,
}: RolloutRecord['sites'][number]): boolean {
  return startedAtMs === undefined && !hadSource && received.length + hosts.length + further.length === 0
}

function toState([
  address,
  port,
  bubble,
  share,
  progressFrom,
  isComplete,
  isGatewayHost,
  lastSeenMs,
]: z.output<typeof hostSchema>): HostState {
  return {
    address,
    port,
    bubble,
    share,
    progressFrom,
    isComplete,
    isUnreachable: false,
    isGatewayHost,
    lastSeenMs,
  }
}

function keyOf([address, port]: z.output<typeof hostSchema>): HostKey {
  const parsed = parseAddress(address)
  return parsed === undefined ? address : hostKey(parsed, port)
}
