/**
 * How many clients of each role a swarm has, each counted once however many addresses it announces from: a
 * dual-stack client announces from each of them (BEP 7), and statistics twice too large are a known complaint.
 *
 * The first address of a client is counted; further ones carry `flags.secondary`.
 */
import { hashClient } from './peer-hash.ts'
import { flags, type PeerRows } from './peer-rows.ts'
import { RowIndex } from './row-index.ts'
import type { Role, Swarm } from './swarm.ts'

export class ClientCounts {
  readonly #rows: PeerRows
  readonly #byClient: RowIndex

  constructor(rows: PeerRows) {
    this.#rows = rows
    this.#byClient = new RowIndex((row) => hashClient(rows.swarm(row), rows.identity(row)))
  }

  get bytes(): number {
    return this.#byClient.bytes
  }

  add(swarm: Swarm, row: number, role: Role): void {
    const rows = this.#rows
    const hash = hashClient(swarm.index, rows.identity(row))
    const first = this.#byClient.find(
      hash,
      (other) => rows.identity(other) === rows.identity(row) && rows.swarm(other) === swarm.index,
    )
    rows.setFlag(row, flags.secondary, first >= 0)
    if (first >= 0) return
    this.#byClient.add(hash, row)
    count(swarm, role, 1)
  }

  remove(swarm: Swarm, row: number, role: Role): void {
    if (this.#rows.has(row, flags.secondary)) return
    this.#byClient.remove(hashClient(swarm.index, this.#rows.identity(row)), row)
    count(swarm, role, -1)
  }

  changeRole(swarm: Swarm, row: number, before: Role, after: Role): void {
    if (this.#rows.has(row, flags.secondary)) return
    count(swarm, before, -1)
    count(swarm, after, 1)
  }
}

function count(swarm: Swarm, role: Role, by: number): void {
  if (role === 'seed') swarm.seedClients += by
  else if (role === 'partial') swarm.partialClients += by
  else swarm.needyClients += by
}
