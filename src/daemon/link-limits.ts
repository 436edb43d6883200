/**
 * Rates of content between sites, as far as this node sends it: the rate of each link in the topology or the one that an
 * operator set, 0 outside its hours, and of that the share of this node.
 *
 * Compared each second, because hours begin and end, and because shares follow the torrents that are carried.
 */
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { LinkRates } from '../registry/link-rates.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import { currentRate } from '../topology/link-limit.ts'

const COMPARE_MS = 1_000

/** One direction of a link. */
export interface LinkDirection {
  readonly from: string
  readonly to: string
}

export interface LinkLimitsComponents {
  readonly topology: CurrentTopology
  readonly rates: LinkRates
  /** The site from which the node sends; undefined where it carries for all sites. */
  readonly site: string | undefined
  readonly clock: Clock
  readonly log: Log
  /** Of the rate to a site, 0 … 1: the nodes of the sending site divide it. */
  readonly shareTo: (site: string) => number
  /** Bytes per second; undefined: not limited. */
  readonly setRate: (direction: LinkDirection, bytesPerSecond: number | undefined) => void
}

interface SentLimit extends LinkDirection {
  readonly bytesPerSecond: number | undefined
  readonly isClosed: boolean
}

export class LinkLimits {
  readonly #components: LinkLimitsComponents
  /** Directions with a rate or hours in the topology. */
  #limited: readonly LinkDirection[] = []
  readonly #sent = new Map<string, SentLimit>()
  #timer: NodeJS.Timeout | undefined

  constructor(components: LinkLimitsComponents) {
    this.#components = components
    components.topology.onReplace(() => {
      this.#readTopology()
      this.compare()
    })
    components.rates.onChange(() => this.compare())
    this.#readTopology()
  }

  start(): void {
    this.compare()
    this.#timer ??= setInterval(() => this.compare(), COMPARE_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Sets the rates that changed. */
  compare(): void {
    const limits = new Map<string, SentLimit>()
    for (const direction of [...this.#limited, ...this.#overridden()])
      limits.set(`${direction.from} ${direction.to}`, this.#limitOf(direction))
    for (const [key, sent] of this.#sent)
      if (!limits.has(key)) limits.set(key, { ...sent, bytesPerSecond: undefined, isClosed: false })
    for (const [key, limit] of limits) this.#set(key, limit)
  }

  #set(key: string, limit: SentLimit): void {
    const sent = this.#sent.get(key)
    if (sent?.bytesPerSecond !== limit.bytesPerSecond)
      this.#components.setRate({ from: limit.from, to: limit.to }, limit.bytesPerSecond)
    if ((sent?.isClosed ?? false) !== limit.isClosed) this.#logHours(limit)
    if (limit.bytesPerSecond === undefined) this.#sent.delete(key)
    else this.#sent.set(key, limit)
  }

  #limitOf({ from, to }: LinkDirection): SentLimit {
    const { topology, rates, clock, shareTo } = this.#components
    const [a, b] = [topology.value.siteNamed(from), topology.value.siteNamed(to)]
    if (a === undefined || b === undefined) return { from, to, bytesPerSecond: undefined, isClosed: false }
    const link = topology.value.linkOf(a.index, b.index)
    const overridden = rates.overrideOf(from, to)?.bytesPerSecond
    const rate = currentRate(link, overridden, clock.nowMs())
    const isClosed = rate === 0 && (overridden ?? link.rate) !== 0
    return { from, to, bytesPerSecond: rate && Math.round(rate * shareTo(to)), isClosed }
  }

  #readTopology(): void {
    const { topology, site } = this.#components
    const { value } = topology
    const senders = value.sites.filter(({ name }) => site === undefined || name === site)
    this.#limited = senders.flatMap((a) =>
      value.sites.flatMap((b) => {
        const { rate, hours } = value.linkOf(a.index, b.index)
        return rate === undefined && hours === undefined ? [] : [{ from: a.name, to: b.name }]
      }),
    )
  }

  #overridden(): readonly LinkDirection[] {
    const { rates, site } = this.#components
    return rates.overridden
      .flatMap(([a, b]) => [
        { from: a, to: b },
        { from: b, to: a },
      ])
      .filter(({ from }) => site === undefined || from === site)
  }

  #logHours({ from, to, isClosed }: SentLimit): void {
    this.#components.log.info(
      { event: isClosed ? 'link-closed' : 'link-opened', from, to },
      isClosed
        ? 'the hours of the link are over; content waits until they begin again'
        : 'the hours of the link begin; content crosses it',
    )
  }
}
