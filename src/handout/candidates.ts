/**
 * The peers of a site that may be handed out to one requester. A decision chooses several times, each time by another
 * rule; the rows of a list are read from the table once, at the first choice, and kept for the others. A read costs up to
 * three cache misses a row, and a first announce used to read a row up to ten times.
 *
 * Threat: one host that announces on 500 ports would be most of the peers of its site. A host is one candidate, with the
 * introductions of all its ports; only its own ports are several to it, so that clients behind one address find each
 * other.
 */
import type { Random } from '../core/random.ts'
import { flags } from '../swarm/peer-rows.ts'
import type { Role } from '../swarm/peer-state.ts'
import type { RowList } from '../swarm/row-list.ts'
import type { HandoutContext } from './decision.ts'
import { HostTable } from './host-table.ts'
import { BestRows, SCANNED_MAX, SCANNED_TOTAL_MAX, WALKED_MAX } from './pick.ts'

/**
 * Rows that were read, all lists behind each other, one for each host; -1: not eligible. `links`: introductions of the
 * host.
 */
interface RowsRead {
  rows: Int32Array
  links: Uint8Array
  /** Unsigned, like `addressHash`. */
  hosts: Uint32Array
  length: number
}

interface ListRead {
  readonly list: RowList
  /** Index of its first row in `RowsRead`; -1 before it is read. */
  start: number
  /** Rows of it that were read. */
  length: number
}

interface RoleLists {
  /** In the bubble of the requester. */
  readonly bubble: readonly ListRead[]
  readonly site: readonly ListRead[]
}

/** `row`: eligible. Returns an integer from 0, the lowest first, or -1 for a row that is not to be chosen. */
export type Rank = (row: number, links: number) => number

/** Reused, because decisions follow each other: the candidates of one are void once the next begins. */
const read: RowsRead = {
  rows: new Int32Array(1_024),
  links: new Uint8Array(1_024),
  hosts: new Uint32Array(1_024),
  length: 0,
}
const hostTable = new HostTable()
const LINKS_MAX = 255

export class Candidates {
  readonly #context: HandoutContext
  readonly #random: Random
  /** Of the requester; undefined if it is not known. */
  readonly #ownHost: number | undefined
  /** Peers to which the requester was introduced before. */
  readonly #introduced: readonly number[]
  readonly #roles = new Map<Role, RoleLists>()

  constructor(context: HandoutContext, random: Random) {
    this.#context = context
    this.#random = random
    this.#ownHost =
      context.requester.row < 0 ? undefined : context.table.rows.addressHash(context.requester.row)
    this.#introduced = introducedTo(context)
    read.length = 0
  }

  /** Up to `count` rows of different hosts with the lowest rank, equals in random order; without those of `isChosen`. */
  pick(
    role: Role,
    locality: 'bubble' | 'site',
    count: number,
    rank: Rank,
    isChosen: (row: number, host: number) => boolean,
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
      const end = each.start + Math.min(each.length, total)
      total -= end - each.start
      for (let at = each.start; at < end; at++) {
        const row = read.rows[at] as number
        if (row < 0) continue
        const whole = rank(row, read.links[at] as number)
        if (whole >= 0 && !isChosen(row, read.hosts[at] as number)) best.consider(row, whole)
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
      if (list.role === role)
        (list.place === requester.place ? bubble : others).push({ list, start: -1, length: 0 })
    const lists = { bubble, site: others }
    this.#roles.set(role, lists)
    return lists
  }

  /** Rows of hosts that were met before count only as introductions of their host. */
  #read(each: ListRead): void {
    const { rows, introductions } = this.#context.table
    if (read.length + SCANNED_MAX > read.rows.length) grow()
    each.start = read.length
    hostTable.begin()
    let row = each.list.head
    const walked = Math.min(each.list.length, WALKED_MAX)
    for (let left = walked; left > 0 && read.length < each.start + SCANNED_MAX; left--) {
      const host = rows.addressHash(row)
      const links = introductions.count(row)
      const at = host === this.#ownHost ? read.length : hostTable.numberOf(host, read.length)
      if (at === read.length) {
        read.rows[at] = this.isEligible(row) ? row : -1
        read.links[at] = links
        read.hosts[at] = host
        read.length++
      } else {
        read.links[at] = Math.min(LINKS_MAX, (read.links[at] as number) + links)
        if (read.rows[at] === -1 && this.isEligible(row)) read.rows[at] = row
      }
      row = rows.next(row)
    }
    each.length = read.length - each.start
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
  const { rows, links, hosts } = read
  read.rows = new Int32Array(rows.length * 2)
  read.rows.set(rows)
  read.links = new Uint8Array(links.length * 2)
  read.links.set(links)
  read.hosts = new Uint32Array(hosts.length * 2)
  read.hosts.set(hosts)
}

const NONE: readonly number[] = []
