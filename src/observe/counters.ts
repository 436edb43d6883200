/**
 * Counters of the announce path: plain numbers, one row per site, read at scrape time.
 *
 * Adding to a typed array costs a few nanoseconds, a labelled increment of prom-client 15 over a hundred. Counters
 * belong to the name of a site: a reload of the topology may change its index, and must not make a total jump.
 */
import type { AnnounceEvent } from '../core/announce.ts'
import { refusals, type RefusalCode } from '../core/errors.ts'
import type { ElectionCause, Locality, Protocol, TrackerMetrics } from '../core/tracker-metrics.ts'
import { Histogram } from './histogram.ts'
import { OriginCounters } from './origin-counters.ts'

export const protocols: readonly Protocol[] = ['http', 'udp']
export const events: readonly AnnounceEvent[] = ['none', 'started', 'completed', 'stopped', 'paused']
export const localities: readonly Locality[] = ['bubble', 'site', 'remote']
export const causes: readonly ElectionCause[] = [
  'first',
  'stopped',
  'expired',
  'stalled',
  'added',
  'surplus',
  'unreachable',
]
export const refusalCodes = Object.keys(refusals) as readonly RefusalCode[]

/** `accepted`: the new topology is current. `refused`: it has an error, and the old one stays. */
export type ReloadResult = 'accepted' | 'refused'
export const reloadResults: readonly ReloadResult[] = ['accepted', 'refused']

/**
 * Upper bounds in seconds. An announce takes some tens of microseconds. The upper half shows announces that waited for
 * other work on the event loop, from a few milliseconds on.
 */
const durationBuckets: readonly number[] = [
  0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 1,
]

/** Upper bounds in seconds: an observer detects a loss within seconds, the next announce may come minutes later. */
const replacementBuckets: readonly number[] = [1, 2, 5, 10, 30, 60, 120, 300, 600]

/*
  The row of a site
     0  announces, by protocol, then event
    10  peers handed out, by locality
    13  gateway elections, by cause
    19  bytes downloaded
    20  bytes downloaded by gateways
    21  completions
    22  rescues
*/
const HANDOUTS = protocols.length * events.length
const ELECTIONS = HANDOUTS + localities.length
const DOWNLOADED = ELECTIONS + causes.length
const GATEWAY_DOWNLOADED = DOWNLOADED + 1
const COMPLETIONS = DOWNLOADED + 2
const RESCUES = DOWNLOADED + 3
const ROW = DOWNLOADED + 4

export class Counters implements TrackerMetrics {
  readonly origins = new OriginCounters()
  readonly durations = new Histogram(durationBuckets)
  readonly gatewayReplacements = new Histogram(replacementBuckets)
  #siteNames: readonly string[] = []
  #rows = new Float64Array(0)
  readonly #refusals = new Float64Array(refusalCodes.length)
  readonly #reloads = new Float64Array(reloadResults.length)
  #untrustedForwarding = 0
  /** Announces of an address and port that several clients share. */
  sharedEndpoints = 0
  /** Loopback peers that responses lack. */
  loopbackWithheld = 0

  constructor(siteNames: readonly string[]) {
    this.resize(siteNames)
  }

  get siteNames(): readonly string[] {
    return this.#siteNames
  }

  /**
   * Takes the sites of a new topology, in the order of their indexes. A site keeps its counts; those of a removed site
   * are discarded, because its label must not outlive it.
   */
  resize(siteNames: readonly string[]): void {
    const rows = new Float64Array(siteNames.length * ROW)
    for (const [index, name] of siteNames.entries()) {
      const before = this.#siteNames.indexOf(name)
      if (before >= 0) rows.set(this.#rows.subarray(before * ROW, (before + 1) * ROW), index * ROW)
    }
    this.#siteNames = siteNames
    this.#rows = rows
    this.origins.resize(siteNames)
  }

  announce(siteIndex: number, protocol: Protocol, event: AnnounceEvent): void {
    this.#add(siteIndex, announceWord(protocol, event), 1)
  }

  refusal(code: RefusalCode): void {
    const index = refusalCodes.indexOf(code)
    this.#refusals[index] = (this.#refusals[index] as number) + 1
  }

  handout(siteIndex: number, locality: Locality, peers: number): void {
    this.#add(siteIndex, HANDOUTS + localities.indexOf(locality), peers)
  }

  election(siteIndex: number, cause: ElectionCause): void {
    this.#add(siteIndex, ELECTIONS + causes.indexOf(cause), 1)
  }

  rescue(siteIndex: number): void {
    this.#add(siteIndex, RESCUES, 1)
  }

  downloaded(siteIndex: number, bytes: number, isGateway: boolean): void {
    this.#add(siteIndex, DOWNLOADED, bytes)
    if (isGateway) this.#add(siteIndex, GATEWAY_DOWNLOADED, bytes)
  }

  completion(siteIndex: number): void {
    this.#add(siteIndex, COMPLETIONS, 1)
  }

  duration(seconds: number): void {
    this.durations.add(seconds)
  }

  gatewayReplaced(seconds: number): void {
    this.gatewayReplacements.add(seconds)
  }

  /** Requests with a forwarding header from an address that is not a trusted proxy. */
  get untrustedForwarding(): number {
    return this.#untrustedForwarding
  }

  ignoredForwarding(): void {
    this.#untrustedForwarding++
  }

  reload(result: ReloadResult): void {
    const index = reloadResults.indexOf(result)
    this.#reloads[index] = (this.#reloads[index] as number) + 1
  }

  announces(siteIndex: number, protocol: Protocol, event: AnnounceEvent): number {
    return this.#read(siteIndex, announceWord(protocol, event))
  }

  refused(code: RefusalCode): number {
    return this.#refusals[refusalCodes.indexOf(code)] as number
  }

  handouts(siteIndex: number, locality: Locality): number {
    return this.#read(siteIndex, HANDOUTS + localities.indexOf(locality))
  }

  elections(siteIndex: number, cause: ElectionCause): number {
    return this.#read(siteIndex, ELECTIONS + causes.indexOf(cause))
  }

  rescues(siteIndex: number): number {
    return this.#read(siteIndex, RESCUES)
  }

  downloadedBytes(siteIndex: number): number {
    return this.#read(siteIndex, DOWNLOADED)
  }

  gatewayDownloadedBytes(siteIndex: number): number {
    return this.#read(siteIndex, GATEWAY_DOWNLOADED)
  }

  completions(siteIndex: number): number {
    return this.#read(siteIndex, COMPLETIONS)
  }

  reloads(result: ReloadResult): number {
    return this.#reloads[reloadResults.indexOf(result)] as number
  }

  /** Number of values in each bucket of `durationBuckets` and above the last bound, and their sum in seconds. */
  /** An index outside the topology changes nothing: JavaScript ignores such a write to a typed array. */
  #add(siteIndex: number, word: number, amount: number): void {
    const at = siteIndex * ROW + word
    this.#rows[at] = (this.#rows[at] as number) + amount
  }

  #read(siteIndex: number, word: number): number {
    return this.#rows[siteIndex * ROW + word] as number
  }
}

function announceWord(protocol: Protocol, event: AnnounceEvent): number {
  return protocols.indexOf(protocol) * events.length + events.indexOf(event)
}
