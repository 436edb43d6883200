/** The figures of a node's carriers for `/metrics`. Totals continue where a process ended. */
import { clientFaults } from '../../carriers/carrier-counters.ts'
import type { CarrierProcess } from '../../carriers/process/carrier-process.ts'
import type { CarrierReading } from '../../carriers/process/messages.ts'
import type { CarrierGauges } from '../../observe/metric-row.ts'
import type { Site, Topology } from '../../topology/topology.ts'

/** Each two sites have a counter from the start; in a larger topology, from their first byte on. */
const PAIRS_SITES_MAX = 30

type Totals = Pick<CarrierReading, 'faults' | 'observations' | 'piecesInvalid' | 'liars'>

const NOTHING: Totals = { faults: {}, observations: {}, piecesInvalid: 0, liars: 0 }

export class CarrierTotals {
  readonly #process: CarrierProcess
  /** Of processes that ended, and of the present one at the last look. */
  #before = NOTHING
  #last = NOTHING

  constructor(process: CarrierProcess) {
    this.#process = process
  }

  /** Called every second: what the process counted after the last look is lost with it. */
  note(): void {
    this.#last = this.#process.reading ?? this.#last
  }

  processEnded(): void {
    this.#before = sum(this.#before, this.#last)
    this.#last = NOTHING
  }

  /** Outcomes of dials and connections to clients. */
  get observations(): Readonly<Record<string, number>> {
    return sum(this.#before, this.#process.reading ?? this.#last).observations
  }

  /** `remotes`: sites whose nodes this one is connected to. `carried`: sites whose clients this node carries for. */
  read(topology: Topology, remotes: readonly Site[], carried: readonly Site[]): CarrierGauges {
    const { reading, exits } = this.#process
    const relays = new Map(reading?.relays)
    const totals = sum(this.#before, reading ?? this.#last)
    return {
      sites: topology.sites.map(({ name }) => ({ site: name, relays: relays.get(name) ?? 0 })),
      relayed: pairs(topology, carried, reading).map(([site, from]) => ({
        site,
        from,
        bytes: this.#process.relayedBytes(site, from),
      })),
      links: remotes.map(({ name: remote }) => ({
        remote,
        isUp: reading?.linkedSites.includes(remote) === true,
      })),
      cachedBytes: reading?.cachedBytes ?? 0,
      faults: clientFaults.map((fault) => ({ fault, count: totals.faults[fault] ?? 0 })),
      piecesInvalid: totals.piecesInvalid,
      liars: totals.liars,
      exits,
    }
  }
}

/** Of a node without carriers. */
export function noCarrierGauges(topology: Topology): CarrierGauges {
  return {
    sites: topology.sites.map(({ name }) => ({ site: name, relays: 0 })),
    relayed: [],
    links: [],
    cachedBytes: 0,
    faults: clientFaults.map((fault) => ({ fault, count: 0 })),
    piecesInvalid: 0,
    liars: 0,
    exits: 0,
  }
}

function pairs(
  { sites }: Topology,
  carried: readonly Site[],
  reading: CarrierReading | undefined,
): (readonly [string, string])[] {
  if (sites.length > PAIRS_SITES_MAX) return (reading?.relayed ?? []).map(([to, from]) => [to, from] as const)
  return carried.flatMap((to) =>
    sites.flatMap(({ name }) => (name === to.name ? [] : [[to.name, name] as const])),
  )
}

function sum(a: Totals, b: Totals): Totals {
  return {
    faults: sumByName(a.faults, b.faults),
    observations: sumByName(a.observations, b.observations),
    piecesInvalid: a.piecesInvalid + b.piecesInvalid,
    liars: a.liars + b.liars,
  }
}

function sumByName(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>) {
  const total: Record<string, number> = { ...a }
  for (const [name, count] of Object.entries(b)) total[name] = (total[name] ?? 0) + count
  return total
}
