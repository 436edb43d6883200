/**
 * The longest stop of the event loop by work beside the announces: the slices of a snapshot, of a start from a snapshot and
 * from the site log, of the expiry, of a scrape, of a clock that was set, of a completion in a swarm of unverified seeds, and of
 * new topologies, one of which gives every place another number and one of which moves every peer to another site. The figures
 * are CPU time of the main thread, from the kernel: other work on the machine only adds to the time on the clock, and threads
 * that collect garbage or compile stop no event loop.
 *
 * Half of the peers are in one swarm, and the others in swarms of 100.
 *
 * Usage: pauses [peers in millions, default 1]
 */
import { readFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { Address } from '../src/core/address.ts'
import { assert } from '../src/core/assert.ts'
import { elapsedMs, ManualClock } from '../src/core/clock.ts'
import { SeededRandom } from '../src/core/random.ts'
import { noMetrics } from '../src/core/tracker-metrics.ts'
import { readTableGauges } from '../src/daemon/node-status.ts'
import { SLICE_ROWS } from '../src/daemon/replace-topology.ts'
import { Counters } from '../src/observe/counters.ts'
import { Metrics } from '../src/observe/metrics.ts'
import { metricsTable } from '../src/observe/metrics-table.ts'
import { SwarmReplica } from '../src/replication/swarm-replica.ts'
import type { PeerState } from '../src/swarm/peer-state.ts'
import { SwarmTable } from '../src/swarm/swarm-table.ts'
import { CurrentTopology } from '../src/topology/current-topology.ts'
import { SiteAuthority } from '../src/topology/site-authority.ts'
import { NO_BUBBLE, type Place, type Topology } from '../src/topology/topology.ts'
import { Tracker } from '../src/tracker/tracker.ts'
import { uniformTopology } from '../src/simulation/uniform-topology.ts'

const PEERS = Math.round(Number(process.argv[2] ?? '1') * 1_000_000)
const SMALL_SWARM = 100
/** As the sweeper of a node. */
const SWEEP_ROWS = 50
const EXPIRED_MAX = 100
/** A page is rendered in one turn. */
const SCRAPES = 20
/** As the sweeper of a node, where nothing expires. */
const SWEEP_SLICE_ROWS = 2_000
const CLOCK_STEP_MS = 3_600_000
/** As the reader of the log. */
const REPLAY_SLICE_MS = 2

const base = uniformTopology(10)
const locate = (address: Address) => (address.word3 >>> 8) % base.places.length
const topology = new CurrentTopology({ ...base, locate })
const clock = new ManualClock()
const random = new SeededRandom(1)
const authority = new SiteAuthority()
const table = aTable()
const replica = aReplica(table, false)
const tracker = new Tracker({
  topology,
  authority,
  table,
  clock,
  random,
  metrics: noMetrics,
  admission: { admits: () => true },
  interval: { secondsMin: 60, secondsMax: 1800 },
  replica,
})

const peerId = Buffer.from('-LT2080-000000000000')
const infoHash = Buffer.alloc(20)
for (let index = 0; index < PEERS; index++) {
  infoHash.writeUInt32BE(index % 2 === 0 ? 0 : 1 + Math.floor(index / 2 / SMALL_SWARM), 0)
  peerId.writeUInt32BE(index, 8)
  void tracker.announce(
    {
      infoHash,
      peerId,
      port: 6881,
      downloadedBytes: 0,
      uploadedBytes: 0,
      leftBytes: index % 8 === 0 ? 0 : 1 << 30,
      event: 'none',
      peersWanted: 50,
      key: peerId.subarray(8, 16),
    },
    Address.v4(0x0a000000 + index),
    'udp',
  )
}
console.log(`${PEERS} peers in ${table.swarmCount} swarms`)

const snapshot = replica.snapshotRecords('all')[Symbol.iterator]()
const blocks: Buffer[] = []
let bytes = 0
measureSlices('snapshot', () => {
  const next = snapshot.next()
  if (next.done === true) return false
  bytes += next.value.length
  crc32(next.value)
  blocks.push(next.value)
  return true
})
console.log(`  ${(bytes / PEERS).toFixed(1)} bytes a peer`)
measureStart('load', false, 0)
measureStart('replay', true, REPLAY_SLICE_MS)
measureSlices('log lost', () => {
  replica.forgetLogged()
  return false
})
await measureScrapes()
measureSlices('renumbered', () => {
  topology.replace(inReverse(topology.value))
  return false
})
measureSlices('moves', () => table.relocation.step(SLICE_ROWS))
clock.advanceMs(CLOCK_STEP_MS)
measureSlices('clock set', () => {
  replica.shiftTime(CLOCK_STEP_MS)
  return false
})
measureSwarms()
measureVerification()
const before = topology.value
const shifted = { ...before, locate: (at: Address) => (before.locate(at) + 1) % base.places.length }
measureSlices('topology', () => {
  topology.replace(shifted)
  return false
})
measureSlices('moves', () => table.relocation.step(SLICE_ROWS))
clock.advanceMs(3 * 3_600_000)
measureSlices('expiry', () => {
  for (let expired = 0; expired < EXPIRED_MAX && table.rows.live > 0;)
    expired += table.sweep(clock.nowMs(), SWEEP_ROWS)
  return table.rows.live > 0
})

/** The same sites with other numbers; each address stays in its site. */
function inReverse(of: Topology): Topology {
  const last = of.sites.length - 1
  const sites = of.sites.toReversed().map((site, index) => ({ ...site, index, places: [] as Place[] }))
  for (const site of sites) site.places.push({ index: site.index, site, bubble: NO_BUBBLE, trackers: [] })
  return {
    ...of,
    sites,
    places: sites.flatMap(({ places }) => places),
    locate: (at) => last - of.locate(at),
    siteNamed: (name) => sites.find((site) => site.name === name),
  }
}

/** What the turns of a new topology and of a clock that was set leave to the next use of each swarm: all of it, in one turn a swarm. */
function measureSwarms(): void {
  const swarms = table.swarms()
  measureSlices('first uses', () => {
    const next = swarms.next()
    if (next.done !== true) next.value.catchUp()
    return next.done !== true
  })
}

/** A swarm of seeds that announced as clients without content do, and the first completion of its torrent. */
function measureVerification(): void {
  const of = aTable()
  const torrent = Buffer.alloc(20, 1)
  for (let index = 0; index < PEERS; index++)
    of.put(unverifiedSeed(torrent, index), index % base.places.length)
  const unverified = () => of.swarm(torrent)?.sites.reduce((sum, site) => sum + site.unverifiedSeeds, 0)
  assert(unverified() === PEERS, 'each seed is unverified')
  measureSlices('completion', () => {
    of.complete(torrent, { count: 1, lastAtMs: clock.nowMs() + 1 })
    return false
  })
  measureSlices('verified', () => {
    of.sweep(clock.nowMs(), SWEEP_SLICE_ROWS)
    return unverified() !== 0
  })
}

function unverifiedSeed(torrent: Buffer, index: number): PeerState {
  return {
    infoHash: torrent,
    address: Address.v4(0x0a000000 + index),
    port: 6881,
    identity: index,
    role: 'seed',
    leftKib: 0,
    downloadedKib: 0,
    lastSeenMs: clock.nowMs(),
    lifetimeSeconds: 3_600,
    stalls: 0,
    isUnverifiedSeed: true,
    isVerifiedSeed: false,
    isUnreachable: false,
    isSlowToForward: false,
    clientCode: undefined,
  }
}

function aTable(): SwarmTable {
  return new SwarmTable(base.places.map((place) => place.site.index))
}

function aReplica(of: SwarmTable, isShared: boolean): SwarmReplica {
  return new SwarmReplica({
    table: of,
    log: { isShared, append: () => {} },
    completions: { add: () => {} },
    clock,
    random,
    topology,
    authority,
  })
}

/** The start of a node from the blocks of a snapshot, or from the entries of a log: as many in a slice as `sliceMs` allows. */
function measureStart(name: string, isShared: boolean, sliceMs: number): void {
  const started = aTable()
  const starting = aReplica(started, isShared)
  let next = 0
  measureSlices(name, () => {
    const sinceMs = elapsedMs()
    do starting.apply(blocks[next++] as Buffer)
    while (next < blocks.length && elapsedMs() - sinceMs < sliceMs)
    return next < blocks.length
  })
  assert(started.rows.live === table.rows.live, 'a start restores every peer')
}

async function measureScrapes(): Promise<void> {
  const sites = topology.value.sites.map(({ name }) => name)
  const metrics = new Metrics(metricsTable, {
    version: 'bench',
    counters: new Counters(sites),
    readGauges: () => ({
      ...readTableGauges(topology.value, table, authority, { heldIn: () => 0 }),
      store: {
        isUp: true,
        lagSeconds: 0,
        backlogBytes: 0,
        droppedBatches: 0,
        refusedBatches: 0,
        invalidValues: 0,
      },
      isReady: true,
      workersReplaced: 0,
      federation: { remotes: [], receivedBytes: 0, sentBytes: 0, refusals: [] },
      topologyHash: topology.value.hash,
      observers: { sites: [], site: sites[0] ?? '', results: [] },
      carriers: {
        sites: [],
        relayed: [],
        links: [],
        cachedBytes: 0,
        faults: [],
        piecesInvalid: 0,
        liars: 0,
        exits: 0,
      },
      wrongAdminTokens: 0,
      logLinesDropped: 0,
      udpDrops: { unreadable: 0, unproven: 0, limited: 0, unsent: 0 },
    }),
  })
  const spent: number[] = []
  for (let scrapes = 0; scrapes < SCRAPES; scrapes++) {
    const beforeMs = mainThreadMs()
    await metrics.render()
    spent.push(mainThreadMs() - beforeMs)
  }
  report('scrape', spent)
}

function measureSlices(name: string, slice: () => boolean): void {
  const spent: number[] = []
  for (let isMore = true; isMore;) {
    const beforeMs = mainThreadMs()
    isMore = slice()
    spent.push(mainThreadMs() - beforeMs)
  }
  report(name, spent)
}

function report(name: string, spent: number[]): void {
  spent.sort((a, b) => a - b)
  const at = (share: number) => (spent[Math.floor((spent.length - 1) * share)] as number).toFixed(1)
  const totalMs = spent.reduce((sum, ms) => sum + ms, 0)
  console.log(
    `${name.padEnd(10)} ${spent.length} slices, p50 ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)} ms, all ${totalMs.toFixed(0)} ms`,
  )
}

function mainThreadMs(): number {
  // The kernel adds the time since its last tick, up to 4 ms, when a thread asks for the usage of its own process.
  process.cpuUsage()
  const [onCpuNs] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')
  return Number(onCpuNs) / 1e6
}
