/**
 * Several nodes of one site whose log keeps no order: the test decides when a batch is delivered to a node, once or more
 * often.
 */
import type { ManualClock } from '../src/core/clock.ts'
import { SeededRandom } from '../src/core/random.ts'
import { flags } from '../src/swarm/peer-rows.ts'
import type { SwarmTable } from '../src/swarm/swarm-table.ts'
import { aTracker, type TestTracker, type TestTrackerOptions } from './a-tracker.ts'

export interface SiteOfNodes {
  readonly nodes: readonly TestTracker[]
  /** All batches so far, of all nodes. */
  readonly batches: readonly Buffer[]
  /** Delivers some of the missing batches to a node, in random order. */
  deliverSome(node: number): void
  /** Delivers every batch to every node; some of them twice. */
  deliverAll(): void
}

export function aSiteOfNodes(count: number, seed: number, options: TestTrackerOptions = {}): SiteOfNodes {
  const random = new SeededRandom(seed)
  const batches: Buffer[] = []
  const missing: Buffer[][] = []
  const log = {
    isShared: true,
    append: (batch: Buffer) => {
      batches.push(batch)
      for (const list of missing) list.push(batch)
    },
  }
  const nodes = Array.from({ length: count }, (_, index) => {
    missing.push([])
    const node = aTracker({ ...options, seed: seed + index, log })
    // Random numbers of two nodes would be equal in one of a hundred runs.
    node.table.leases.decideAs(index)
    return node
  })
  const deliverOne = (node: number) => {
    const list = missing[node] as Buffer[]
    const [batch] = list.splice(random.below(list.length), 1)
    const { replica } = nodes[node] as TestTracker
    for (let times = 1 + random.below(2); times > 0; times--) replica.apply(batch as Buffer)
    const earlier = batches[random.below(batches.length)]
    if (earlier !== undefined && !list.includes(earlier)) replica.apply(earlier)
    replica.flush()
  }
  const hasMissing = (node: number) => (missing[node] as Buffer[]).length > 0
  return {
    nodes,
    batches,
    deliverSome(node) {
      for (const { replica } of nodes) replica.flush()
      for (let left = random.below(4); left > 0 && hasMissing(node); left--) deliverOne(node)
    },
    deliverAll() {
      for (const { replica } of nodes) replica.flush()
      while (nodes.some((_, node) => hasMissing(node)))
        for (let node = 0; node < count; node++) if (hasMissing(node)) deliverOne(node)
    },
  }
}

/** The state that nodes must agree on, in a defined order. */
export function pictureOf(table: SwarmTable, clock: ManualClock) {
  const { rows, introductions } = table
  const nowMs = clock.nowMs()
  const name = (row: number) => `${rows.address(row).toString()}:${rows.port(row)}`
  const sorted = (lines: string[]) => lines.toSorted()
  return [...table.swarms()]
    .toSorted((a, b) => a.infoHash.compare(b.infoHash))
    .map((swarm) => {
      const here = Array.from({ length: rows.end }, (_, row) => row).filter(
        (row) => rows.isLive(row) && table.swarmOf(row) === swarm,
      )
      return {
        peers: sorted(
          here.map((row) => {
            const { address: _address, infoHash: _infoHash, ...state } = table.stateOf(row, nowMs)
            return `${name(row)} ${JSON.stringify(state)}`
          }),
        ),
        introductions: sorted(
          here.flatMap((row) =>
            Array.from({ length: introductions.count(row) }, (_, index) => {
              const announcedAtMs = introductions.announcedAtMs(row, index, nowMs)
              return `${name(row)} as of ${announcedAtMs} to ${name(introductions.at(row, index))}`
            }),
          ),
        ),
        leases: sorted(
          swarm.sites.flatMap(({ site, gateways }) =>
            gateways.map(({ row, sinceMs, version, upstreamRow }) => {
              const upstream = upstreamRow < 0 ? 'no upstream' : name(upstreamRow)
              return `${site}: ${name(row)} since ${sinceMs}, version ${version}, from ${upstream}`
            }),
          ),
        ),
        gatewayHosts: sorted(
          swarm.sites.flatMap(({ site, gatewayHosts }) =>
            [...gatewayHosts].map(([host, version]) => `${site}: ${host} version ${version}`),
          ),
        ),
        flagged: here.filter((row) => rows.has(row, flags.gateway)).length,
        counts: sorted(
          swarm.sites
            .filter(({ peers }) => peers > 0)
            .map(
              ({ site, leechers, seeds, partial, unverifiedSeeds }) =>
                `${site}: ${leechers} ${seeds} ${partial} ${unverifiedSeeds}`,
            ),
        ),
        clients: [swarm.seedClients, swarm.leecherClients, swarm.partialClients],
        completions: [swarm.downloaded, swarm.completedAtMs],
      }
    })
}
