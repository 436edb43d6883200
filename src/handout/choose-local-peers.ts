/**
 * Selects the peers of its own site that a requester gets: a near-regular random graph of the leechers, its own bubble
 * first, which a source enters at two points.
 *
 * The degree is bounded. A source known to all uploads the same piece many times; a leecher connected to all has no
 * stranger left when it finishes, and then waits for the end of libtorrent's 60 s reconnect ban (measured: 2 of 23
 * hosts a minute late with 50 neighbours, none in three runs with 3).
 */
import type { Random } from '../core/random.ts'
import { flags } from '../swarm/peer-rows.ts'
import type { RowList } from '../swarm/row-list.ts'
import type { Role } from '../swarm/peer-state.ts'
import { hasBegun } from './bitfield-only-clients.ts'
import type { Choice, HandoutContext } from './decision.ts'
import { Candidates, type Rank } from './candidates.ts'
import { take } from './pick.ts'
import type { Reason } from './reasons.ts'
import { isInReserve, type JoinStrategy } from './small-site.ts'
import { isLargeSite } from './site-state.ts'
import { isUnreachable } from './unreachable-clients.ts'

/** A leecher with this many introductions is not handed out to further peers. */
const LEECHER_LINKS_MAX = 8
/** The same for a finisher, which is complete: the many neighbours of a leecher may all be incomplete. */
const STRANGER_LINKS_MAX = 12

const LOCALITIES = ['bubble', 'site'] as const

/** The choices so far, and the rules that all of them share: eligibility and locality of a candidate. */
export class LocalChoices {
  readonly choices: Choice[] = []
  readonly introductions: number[] = []
  readonly #context: HandoutContext
  readonly #candidates: Candidates
  #sparesReserve = false

  constructor(context: HandoutContext, random: Random) {
    this.#context = context
    this.#candidates = new Candidates(context, random)
  }

  includes(row: number): boolean {
    return this.choices.some((choice) => choice.row === row)
  }

  /** Another port of a chosen host is no other peer, except to a client of that host. */
  #includesHost(row: number, host: number): boolean {
    const { table, requester } = this.#context
    const { rows } = table
    const isOwn = requester.row >= 0 && rows.addressHash(requester.row) === host
    return this.choices.some(
      (choice) => choice.row === row || (!isOwn && rows.addressHash(choice.row) === host),
    )
  }

  /** Peers of the site that the requester was introduced to before, as long as one of the two can use the other. */
  addIntroduced(): void {
    const { table, requester, site, nowMs } = this.#context
    if (requester.row < 0) return
    const { introductions, rows } = table
    for (let index = 0; index < introductions.count(requester.row); index++) {
      const row = introductions.at(requester.row, index)
      if (rows.isExpired(row, nowMs) || rows.has(row, flags.unreachable) || table.siteOf(row) !== site)
        continue
      if (this.#context.loopback.withholds(row)) continue
      this.choices.push({ row, locality: this.#locality(row), reason: 'introduced' })
    }
  }

  /** For a leecher: one source with a free slot, then leechers, then idle sources. */
  addForLeecher(strategy: JoinStrategy): void {
    const { policy } = this.#context
    if (strategy === 'met' && this.choices.length > 0) return
    if (strategy === 'seed') this.#addSeeds(1, 'last-resort')
    this.#sparesReserve = strategy === 'chain'
    const { wanted, linksMax } = this.#degree()
    if (this.#known('source') === 0) this.#addSources(1, isUnreachable(this.#context) ? 'ahead' : 'source')
    this.#addNeighbourhood(wanted, linksMax)
    this.#addSources(policy.neighboursMin - this.choices.length, 'source')
    if (this.choices.length < policy.neighboursMin)
      this.#add('partial', policy.neighboursMin - this.choices.length, 'partial', () => 0)
    this.addAny()
  }

  /** A peer of the site, where the response would have none: a client with an empty response asks again after minutes. */
  addAny(): void {
    if (this.choices.length === 0) this.#addSources(1, 'last-resort')
    if (this.choices.length === 0) this.#add('partial', 1, 'partial', () => 0)
    if (this.choices.length === 0) this.#add('leecher', 1, 'same-site', (row) => this.#links(row))
  }

  /** For a leecher of a carried site: leechers, and seeds that the carrier has not linked. */
  addForCarried(): void {
    const { policy, table, nowMs } = this.#context
    const { wanted, linksMax } = this.#degree()
    this.#addNeighbourhood(wanted, linksMax)
    const missing = policy.neighboursMin - this.choices.length
    if (missing > 0) this.#add('partial', missing, 'partial', () => 0)
    const isLinked = (row: number) => table.observed.get(row, nowMs)?.share !== undefined
    if (this.choices.length === 0)
      this.#add('seed', 1, 'source', (row) => (isLinked(row) ? -1 : this.#links(row)))
    if (this.choices.length === 0) this.#add('leecher', 1, 'same-site', (row) => this.#links(row))
  }

  /** One of these peers, unless one is there, regardless of the number of introductions. */
  addOneOf(isWanted: (row: number) => boolean): void {
    for (const role of ['leecher', 'partial', 'seed'] as const) {
      if (this.choices.some(({ row }) => isWanted(row))) return
      this.#add(role, 1, 'last-resort', (row, links) => (isWanted(row) ? links : -1))
    }
  }

  /** The only source, where a leecher of a carried site would get no peer at all. */
  addLastResort(): void {
    if (this.choices.length === 0) this.#addSources(1, 'last-resort')
  }

  /** Leechers: the own bubble first, and some of the others. */
  #addNeighbourhood(wanted: number, linksMax: number): void {
    const { policy } = this.#context
    this.#addNeighbours('bubble', policy.bubbleNeighbours - this.#known('bubble'), linksMax)
    this.#addNeighbours('site', policy.otherNeighbours - this.#known('site'), linksMax)
    // A leecher with enough neighbours is better than none of its own bubble, or none outside it.
    this.#addNeighbours('bubble', 1 - this.#known('bubble'), LEECHER_LINKS_MAX)
    this.#addNeighbours('site', 1 - this.#known('site'), LEECHER_LINKS_MAX)
    // In a small bubble, or a site without bubbles, any leecher fills the number.
    this.#addNeighbours('bubble', wanted - this.#known('leecher'), linksMax)
    this.#addNeighbours('site', wanted - this.#known('leecher'), linksMax)
  }

  /** Number of leechers in a response, and the introductions that these may already have. */
  #degree(): { readonly wanted: number; readonly linksMax: number } {
    const { policy, site, requester } = this.#context
    if (isUnreachable(this.#context))
      return { wanted: policy.unreachableNeighbours, linksMax: LEECHER_LINKS_MAX }
    if (isLargeSite(policy, site))
      return { wanted: policy.largeNeighbours, linksMax: policy.largeNeighboursMax }
    if (this.#isSlow(requester.row) && !requester.isBitfieldOnly)
      return { wanted: policy.slowNeighbours, linksMax: policy.slowNeighboursMax }
    return { wanted: policy.bubbleNeighbours, linksMax: policy.neighboursMax }
  }

  /**
   * For a bitfield-only leecher: complete peers with a free slot, and leechers that began earlier.
   * Without a complete peer it gets none: leechers of its kind close their connections when they complete.
   */
  addForBitfieldOnly(downstreamOf: (context: HandoutContext, row: number) => readonly unknown[]): void {
    const { policy, requester, table, site } = this.#context
    if (requester.waitedMs < policy.bitfieldOnlyWaitMs) return
    const freeSlots = (row: number) => {
      const served = this.#servedBy(row)
      if (served.some((other) => this.#isAboutToBegin(other))) return 0
      const isFeeding = downstreamOf(this.#context, row).length > 0
      return (
        (isFeeding ? policy.bitfieldOnlySlotsWhileFeeding : policy.bitfieldOnlySourceSlots) - served.length
      )
    }
    const sources = take(table.rows, site.listsOf('seed'), Infinity, (row) => this.#isEligible(row))
    const free = sources.reduce((sum, row) => sum + Math.max(0, freeSlots(row)), 0)
    const isWaiting = (row: number) => this.#links(row) === 0 && !this.#isGateway(row)
    const waiting = take(table.rows, site.listsOf('leecher'), Infinity, isWaiting).length
    const share = Math.max(
      1,
      Math.min(policy.bitfieldOnlySourcesMax, Math.floor(free / Math.max(1, waiting))),
    )
    this.#add('seed', share, 'source', (row) => (freeSlots(row) > 0 ? this.#servedBy(row).length : -1))
    if (this.choices.length === 0) return
    const earlierLeecher = (row: number) => {
      const links = this.#links(row)
      return hasBegun(table.rows, row) && links < LEECHER_LINKS_MAX && !this.#isGateway(row) ? links : -1
    }
    this.#add('leecher', policy.bitfieldOnlyEarlierLeechers, 'same-bubble', earlierLeecher, 'bubble')
    this.#add(
      'leecher',
      policy.bitfieldOnlyEarlierLeechers - this.#known('bubble'),
      'same-site',
      earlierLeecher,
      'site',
    )
  }

  /** Peers to which a complete peer was introduced since its last announce; it closed the earlier connections. */
  #servedBy(row: number): number[] {
    const { table, nowMs } = this.#context
    const { introductions, rows } = table
    const served: number[] = []
    for (let index = introductions.count(row) - 1; index >= 0; index--)
      if (introductions.announcedAtMs(row, index, nowMs) >= rows.lastSeenMs(row, nowMs))
        served.push(introductions.at(row, index))
    return served
  }

  /** True for a leecher that has just started: a later one would find nothing to fetch from it, and never ask again. */
  #isAboutToBegin(row: number): boolean {
    const { table, nowMs, policy } = this.#context
    return (
      !hasBegun(table.rows, row) && nowMs - table.rows.lastSeenMs(row, nowMs) < policy.bitfieldOnlyBeginMs
    )
  }

  /** For a gateway: the few leechers that spread its pieces, without the one kept in reserve. */
  addSpreaders(): void {
    const isInvited = (row: number) => !isInReserve(this.#context, row)
    this.#addLeechers(this.#freeSlots(), 'leecher', LEECHER_LINKS_MAX, isInvited)
  }

  /** For a seed: the same, including a leecher in reserve. */
  addLeechers(): void {
    this.#addLeechers(this.#freeSlots(), 'leecher', LEECHER_LINKS_MAX)
  }

  /** For a finisher: leechers that it never met. */
  addStrangers(): void {
    this.#addLeechers(this.#context.policy.strangersOnCompletion, 'stranger', STRANGER_LINKS_MAX)
  }

  #freeSlots(): number {
    return this.#slotsOf(this.#context.requester.row) - this.choices.length
  }

  #addLeechers(count: number, reason: Reason, linksMax: number, isInvited = (_row: number) => true): void {
    this.#add('leecher', count, reason, (row, links) => {
      const getsRequester = this.#isGateway(row) && !this.#context.loopback.isOneWay(row)
      return links >= linksMax || getsRequester || !isInvited(row) ? -1 : links
    })
  }

  /** For a peer without progress: a source that it has not met, even without a free slot. */
  addRescue(): boolean {
    const before = this.choices.length
    this.#addSources(1, 'rescue')
    return this.choices.length > before
  }

  /** For a peer with `left=0` that may lack the content: seeds, which cost nothing if it is complete. */
  addSeeds(count: number): void {
    const { table, site } = this.#context
    const seeds = site.listsOf('seed').toSorted((a, b) => this.#distance(a) - this.#distance(b))
    // Not recorded as introductions: two complete peers exchange nothing.
    for (const row of take(table.rows, seeds, count, (seed) => this.#isEligible(seed)))
      this.choices.push({ row, locality: this.#locality(row), reason: 'seed' })
  }

  /** Sources with a free slot; as a last resort or a rescue also those without. */
  #addSources(count: number, reason: 'source' | 'last-resort' | 'rescue' | 'ahead'): void {
    if (count <= 0) return
    const before = this.choices.length
    this.#addSeeds(count, reason)
    const isFree = (row: number) => this.#isFree(row, reason)
    for (const { row } of this.#context.site.gateways) {
      if (this.choices.length - before >= count) return
      if (this.#isEligible(row) && isFree(row)) this.#choose(row, reason)
    }
  }

  #addSeeds(count: number, reason: 'source' | 'last-resort' | 'rescue' | 'ahead'): void {
    this.#add('seed', count, reason, (row, links) => {
      if (!this.#isFree(row, reason) || this.#context.table.observed.isIncomplete(row)) return -1
      return this.#context.table.rows.has(row, flags.unverifiedSeed) ? links + 1000 : links
    })
  }

  #isFree(row: number, reason: 'source' | 'last-resort' | 'rescue' | 'ahead'): boolean {
    return reason !== 'source' || this.#links(row) < this.#slotsOf(row)
  }

  /** Number of local peers that this source is handed out to. */
  #slotsOf(row: number): number {
    const { policy } = this.#context
    return this.#isSlow(row) ? policy.slowSourceSlots : policy.sourceSlots
  }

  #isSlow(row: number): boolean {
    return row >= 0 && this.#context.table.rows.has(row, flags.slowToForward)
  }

  /**
   * Leechers of one locality with fewer than `linksMax` introductions, those without any first. In a large site those
   * with the fewest come first: of a thousand leechers, the few with one neighbour complete last.
   */
  #addNeighbours(locality: 'bubble' | 'site', count: number, linksMax: number): void {
    const isLarge = isLargeSite(this.#context.policy, this.#context.site)
    this.#add(
      'leecher',
      count,
      locality === 'bubble' ? 'same-bubble' : 'same-site',
      (row, links) => {
        if (links >= linksMax || this.#isGateway(row) || (links === 0 && this.#sparesReserve)) return -1
        return isLarge || links === 0 ? links : 1
      },
      locality,
    )
  }

  #add(role: Role, count: number, reason: Reason, rank: Rank, onlyLocality?: 'bubble' | 'site'): void {
    let missing = count
    for (const locality of LOCALITIES) {
      if (onlyLocality !== undefined && onlyLocality !== locality) continue
      const rows = this.#candidates.pick(role, locality, missing, rank, (row, host) =>
        this.#includesHost(row, host),
      )
      for (const row of rows) this.#choose(row, reason)
      missing -= rows.length
    }
  }

  #choose(row: number, reason: Reason): void {
    this.choices.push({ row, locality: this.#locality(row), reason })
    this.introductions.push(row)
  }

  /** True if this row may be chosen now. */
  #isEligible(row: number): boolean {
    return this.#candidates.isEligible(row) && !this.includes(row)
  }

  #known(kind: 'source' | 'leecher' | 'bubble' | 'site'): number {
    let known = 0
    for (const { row, locality } of this.choices) {
      const isSource = this.#context.table.rows.has(row, flags.seed | flags.gateway)
      if (kind === 'source' ? isSource : !isSource && (kind === 'leecher' || kind === locality)) known++
    }
    return known
  }

  #isGateway(row: number): boolean {
    return this.#context.table.rows.has(row, flags.gateway)
  }

  #links(row: number): number {
    return this.#context.table.introductions.count(row)
  }

  #distance(list: RowList): number {
    return list.place === this.#context.requester.place ? 0 : 1
  }

  #locality(row: number): 'bubble' | 'site' {
    return this.#context.table.rows.place(row) === this.#context.requester.place ? 'bubble' : 'site'
  }
}
