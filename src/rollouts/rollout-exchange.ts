/**
 * Exchange of rollouts between sites: the reports of this site as messages, and those of remote sites applied here. A
 * message also has the numbers of expected hosts, so that a number that is set at one site reaches all of them.
 *
 * Threat: a remote site may send anything. A message is read only as far as the schema allows, a site reports about itself
 * and about sites without nodes that the topology has, and reports of unknown torrents are kept up to a limit.
 */
import * as z from 'zod'
import type { Clock } from '../core/clock.ts'
import { infoHashKey } from '../core/info-hash.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import { EXPECTED_MAX } from './expected-hosts.ts'
import type { Rollout } from './rollout.ts'
import type { Rollouts } from './rollouts.ts'
import { siteReportSchema } from './site-report.ts'

/** Below the largest message of the stream. */
const REPORT_BYTES_MAX = 120_000
/** Sites without nodes in one message. */
const REPORTS_MAX = 100
/** Torrents whose registration has not arrived yet. */
const PENDING_MAX = 1_000
/** A setting that is dated further ahead would win over every later one. */
const AHEAD_MS_MAX = 300_000

const messageSchema = z.object({
  infoHash: z.string().regex(/^[0-9a-f]{40}$/),
  reports: z.array(siteReportSchema).max(REPORTS_MAX),
  expectation: z
    .object({
      hosts: z.record(z.string().max(127), z.int().min(0).max(EXPECTED_MAX)),
      atMs: z.number().min(0),
    })
    .optional(),
})

type Message = z.output<typeof messageSchema>

export interface RolloutExchangeInit {
  readonly rollouts: Rollouts
  readonly topology: CurrentTopology
  /** The site of the node. */
  readonly site: string
  readonly clock: Clock
}

/** Implements `SiteReports` of the room federation. */
export class RolloutExchange {
  readonly #init: RolloutExchangeInit
  /** Messages of torrents that are not registered here yet, by site and infohash. */
  readonly #pending = new Map<string, { readonly site: string; readonly message: Message }>()

  constructor(init: RolloutExchangeInit) {
    this.#init = init
  }

  *torrents(): Iterable<string> {
    for (const rollout of this.#init.rollouts.all()) yield keyOf(rollout)
  }

  encode(torrent: string): Buffer | undefined {
    const rollout = this.#init.rollouts.find(Buffer.from(torrent, 'latin1'))
    if (rollout === undefined || rollout.removedAtMs !== undefined) return undefined
    const reports = [...rollout.reports.values()]
      .filter(({ site }) => this.#reports(site))
      .slice(0, REPORTS_MAX)
    const { expectation } = rollout
    if (reports.length === 0 && expectation.atMs === 0) return undefined
    const message = { infoHash: rollout.infoHash, reports, ...(expectation.atMs > 0 ? { expectation } : {}) }
    const encoded = Buffer.from(JSON.stringify(message))
    if (encoded.length <= REPORT_BYTES_MAX) return encoded
    // A site of thousands of bubbles: the sums matter more.
    const short = reports.map((report) => ({ ...report, bubbles: [], stragglers: [] }))
    return Buffer.from(JSON.stringify({ ...message, reports: short }))
  }

  /** Changes that were received are not passed on: each site sends its own. */
  onChange(listener: (torrent: string) => void): void {
    this.#init.rollouts.onChange((rollout, { site }) => {
      if (site === undefined || this.#reports(site)) listener(keyOf(rollout))
    })
  }

  receive(site: string, report: Buffer): boolean {
    const message = readMessage(report)
    if (message === undefined) return false
    const key = `${site} ${message.infoHash}`
    if (this.#apply(site, message)) this.#pending.delete(key)
    else {
      this.#pending.delete(key)
      this.#pending.set(key, { site, message })
      for (const oldest of this.#pending.keys()) {
        if (this.#pending.size <= PENDING_MAX) break
        this.#pending.delete(oldest)
      }
    }
    return true
  }

  /** Applies messages whose torrent has been registered meanwhile. Called at least once a second. */
  tick(): void {
    for (const [key, { site, message }] of this.#pending)
      if (this.#apply(site, message)) this.#pending.delete(key)
  }

  /** False while the torrent is not registered here. */
  #apply(site: string, { infoHash, reports, expectation }: Message): boolean {
    const { rollouts, clock } = this.#init
    const torrent = rollouts.torrentOf(Buffer.from(infoHash, 'hex'))
    if (torrent === undefined) return false
    const nowMs = clock.nowMs()
    // The time of arrival: the clocks of two sites differ.
    for (const report of reports)
      if (this.#mayReport(site, report.site)) rollouts.receive(torrent, { ...report, atMs: nowMs })
    if (expectation !== undefined && expectation.atMs <= nowMs + AHEAD_MS_MAX)
      rollouts.expect(rollouts.restore(torrent), expectation)
    return true
  }

  /** Whether this node sends the report of a site. */
  #reports(site: string): boolean {
    return site === this.#init.site || (!this.#hasNodes(site) && this.#init.rollouts.measures(site))
  }

  /** The last report of each site is kept, and there is no end to invented names. */
  #mayReport(sender: string, site: string): boolean {
    if (this.#init.topology.value.siteNamed(site) === undefined) return false
    return sender === site || !this.#hasNodes(site)
  }

  #hasNodes(site: string): boolean {
    return (this.#init.topology.value.siteNamed(site)?.federation.length ?? 0) > 0
  }
}

function keyOf({ torrent }: Rollout): string {
  return infoHashKey(torrent.infoHashes[0] as Buffer)
}

function readMessage(report: Buffer): Message | undefined {
  try {
    const read = messageSchema.safeParse(JSON.parse(report.toString()))
    return read.success ? read.data : undefined
  } catch {
    return undefined
  }
}
