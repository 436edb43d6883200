/**
 * Client counts of a swarm by role. A client counts once, with any number of addresses: a dual-stack client
 * announces from each of them (BEP 7), and counts that are twice too large are a known complaint.
 *
 * The address of order 0 is the counted one. The others are queued, so that the client is still counted when that
 * address stops or expires, as after a new DHCP lease.
 */
import { indexHash } from './index-hash.ts'
import { CLIENT_ORDER_MAX, type PeerRows } from './peer-rows.ts'
import { RowIndex } from './row-index.ts'
import type { Role } from './peer-state.ts'
import type { Swarm } from './swarm.ts'

/** More addresses than clients have. Others are not indexed: a flood of one identity must not make long chains. */
const UNLISTED = CLIENT_ORDER_MAX

export class ClientCounts {
  readonly #rows: PeerRows
  readonly #roleOf: (row: number) => Role
  readonly #byClient: RowIndex

  constructor(rows: PeerRows, roleOf: (row: number) => Role) {
    this.#rows = rows
    this.#roleOf = roleOf
    this.#byClient = new RowIndex((row) =>
      indexHash.client(rows.swarm(row), rows.identity(row), rows.clientOrder(row)),
    )
  }

  get bytes(): number {
    return this.#byClient.bytes
  }

  add(swarm: Swarm, row: number, role: Role): void {
    const identity = this.#rows.identity(row)
    let order = 0
    let hash = indexHash.client(swarm.index, identity, order)
    while (order < UNLISTED && this.#find(hash, swarm, identity, order) >= 0)
      hash = indexHash.client(swarm.index, identity, ++order)
    this.#rows.setClientOrder(row, order)
    if (order < UNLISTED) this.#byClient.add(hash, row)
    if (order === 0) count(swarm, role, 1)
  }

  remove(swarm: Swarm, row: number, role: Role): void {
    const identity = this.#rows.identity(row)
    const order = this.#rows.clientOrder(row)
    if (order === UNLISTED) return
    this.#byClient.remove(indexHash.client(swarm.index, identity, order), row)
    if (order > 0) return
    const hasOnlyFirstAddresses =
      swarm.rows === swarm.seedClients + swarm.partialClients + swarm.leecherClients
    count(swarm, role, -1)
    if (!hasOnlyFirstAddresses) this.#countNext(swarm, identity)
  }

  /**
   * Counts a row, or stops counting it because its own site counts its clients. A row that is not counted is not
   * queued either.
   */
  setCounted(swarm: Swarm, row: number, role: Role, isCounted: boolean): void {
    if (isCounted) {
      if (this.#rows.clientOrder(row) === UNLISTED) this.add(swarm, row, role)
    } else {
      this.remove(swarm, row, role)
      this.leaveOut(row)
    }
  }

  /** For a new row that is not counted. */
  leaveOut(row: number): void {
    this.#rows.setClientOrder(row, UNLISTED)
  }

  isCounted(row: number): boolean {
    return this.#rows.clientOrder(row) !== UNLISTED
  }

  changeRole(swarm: Swarm, row: number, before: Role, after: Role): void {
    if (this.#rows.clientOrder(row) > 0) return
    count(swarm, before, -1)
    count(swarm, after, 1)
  }

  /** Makes the next address of a client the counted one. */
  #countNext(swarm: Swarm, identity: number): void {
    for (let order = 1; order < UNLISTED; order++) {
      const hash = indexHash.client(swarm.index, identity, order)
      const row = this.#find(hash, swarm, identity, order)
      if (row < 0) continue
      this.#byClient.remove(hash, row)
      this.#rows.setClientOrder(row, 0)
      this.#byClient.add(indexHash.client(swarm.index, identity, 0), row)
      return count(swarm, this.#roleOf(row), 1)
    }
  }

  /** `hash`: that of the other arguments. */
  #find(hash: number, swarm: Swarm, identity: number, order: number): number {
    const rows = this.#rows
    return this.#byClient.find(
      hash,
      (row) =>
        rows.identity(row) === identity && rows.clientOrder(row) === order && rows.swarm(row) === swarm.index,
    )
  }
}

function count(swarm: Swarm, role: Role, by: number): void {
  if (role === 'seed') swarm.seedClients += by
  else if (role === 'partial') swarm.partialClients += by
  else swarm.leecherClients += by
}
