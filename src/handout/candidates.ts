/**
 * The peers of a site that may be handed out to one requester. A decision chooses several times, each time by another
 * rule; the rows of a list are read from the table once, at the first choice, and kept for the others. A read costs up to
 * three cache misses a row, and a first announce used to read a row up to ten times.
 */
import type { Random } from '../core/random.ts'
import { flags } from '../swarm/peer-rows.ts'
import type { Role } from '../swarm/peer-state.ts'
import type { RowList } from '../swarm/row-list.ts'
import type { HandoutContext } from './decision.ts'
import { BestRows, SCANNED_MAX, SCANNED_TOTAL_MAX } from './pick.ts'

/** Rows that were read, all lists behind each other, and the number of their introductions; -1: not eligible. */
interface RowsRead {
  rows: Int32Array
  links: Uint8Array
  length: number
}

interface ListRead {
  readonly list: RowList
  /** Index of its first row in `RowsRead`; -1 before it is read. */
  start: number
}

interface RoleLists {
  /** In the bubble of the requester. */
  readonly bubble: readonly ListRead[]
  readonly site: readonly ListRead[]
}

/** `row`: eligible. Returns an integer from 0, the lowest first, or -1 for a row that is not to be chosen. */
export type Rank = (row: number, links: number) => number

/** Reused, because decisions follow each other: the candidates of one are void once the next begins. */
const read: RowsRead = { rows: new Int32Array(1_024), links: new Uint8Array(1_024), length: 0 }

export class Candidates {
  readonly #context: HandoutContext
  readonly #random: Random
  /** Peers to which the requester was introduced before. */
  readonly #introduced: readonly number[]
  readonly #roles = new Map<Role, RoleLists>()

  constructor(context: HandoutContext, random: Random) {
    this.#context = context
    this.#random = random
    this.#introduced = introducedTo(context)
    read.length = 0
  }

  /** Up to `count` rows with the lowest rank, equals in random order; without the rows that `isChosen` names. */
  pick(
    role: Role,
    locality: 'bubble' | 'site',
    count: number,
    rank: Rank,
    isChosen: (row: number) => boolean,
  ): readonly number[] {
    const lists = this.#listsOf(role)[locality]
    if (count <= 0 || lists.length === 0) return NONE
    const random = this.#random
    const best = new BestRows(count, random)
    const first = lists.length * SCANNED_MAX > SCANNED_TOTAL_MAX ? random.below(lists.length) : 0
    let total = SCANNED_TOTAL_MAX
    for (let index = 0; index < lists.length && total > 0; index++) {
      const each = lists[(first + index) % lists.length] as ListRead
      if (each.start < 0) this.#read(each)
      const end = each.start + Math.min(each.list.length, SCANNED_MAX, total)
      total -= end - each.start
      for (let at = each.start; at < end; at++) {
        const row = read.rows[at] as number
        if (row < 0) continue
        const whole = rank(row, read.links[at] as number)
        if (whole >= 0 && !isChosen(row)) best.consider(row, whole)
      }
    }
    return best.rows
  }

  /** True if this row may be handed out to the requester at all. */
  isEligible(row: number): boolean {
    const { table, requester, loopback, nowMs } = this.#context
    const { rows } = table
    if (row === requester.row || rows.has(row, flags.unreachable) || rows.isExpired(row, nowMs)) return false
    if (loopback.withholds(row)) return false
    if (requester.row < 0) return true
    // A dual-stack client is not introduced to itself.
    const isSameClient =
      rows.identity(row) === rows.identity(requester.row) && rows.isV6(row) !== rows.isV6(requester.row)
    return !isSameClient && !this.#introduced.includes(row)
  }

  #listsOf(role: Role): RoleLists {
    const known = this.#roles.get(role)
    if (known !== undefined) return known
    const { site, requester } = this.#context
    const bubble: ListRead[] = []
    const others: ListRead[] = []
    for (const list of site.lists)
      if (list.role === role) (list.place === requester.place ? bubble : others).push({ list, start: -1 })
    const lists = { bubble, site: others }
    this.#roles.set(role, lists)
    return lists
  }

  #read(each: ListRead): void {
    const { table } = this.#context
    const { rows, introductions } = table
    const length = Math.min(each.list.length, SCANNED_MAX)
    if (read.length + length > read.rows.length) grow()
    each.start = read.length
    read.length += length
    let row = each.list.head
    for (let at = each.start; at < read.length; at++) {
      const isEligible = this.isEligible(row)
      read.rows[at] = isEligible ? row : -1
      if (isEligible) read.links[at] = introductions.count(row)
      row = rows.next(row)
    }
  }
}

function introducedTo({ table, requester }: HandoutContext): number[] {
  const introduced: number[] = []
  if (requester.row < 0) return introduced
  const { introductions } = table
  for (let index = introductions.count(requester.row) - 1; index >= 0; index--)
    introduced.push(introductions.at(requester.row, index))
  return introduced
}

function grow(): void {
  const { rows, links } = read
  read.rows = new Int32Array(rows.length * 2)
  read.rows.set(rows)
  read.links = new Uint8Array(links.length * 2)
  read.links.set(links)
}

const NONE: readonly number[] = []
