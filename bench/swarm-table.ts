/**
 * Memory of a peer, cost of its expiry, and cost of an announce without the wire protocol: the real swarm table and
 * handout policy, beside a plain `Map` of objects with the same content in the same process.
 *
 * Usage: swarm-table [peers in millions, default 1]
 */
import { SiteAuthority } from '../src/topology/site-authority.ts'
import { CurrentTopology } from '../src/topology/current-topology.ts'
import { Address } from '../src/core/address.ts'
import { ManualClock } from '../src/core/clock.ts'
import { SeededRandom } from '../src/core/random.ts'
import { noMetrics } from '../src/core/tracker-metrics.ts'
import { SwarmTable } from '../src/swarm/swarm-table.ts'
import { INSIDE_SITE, type Place, type Site, type Topology } from '../src/topology/topology.ts'
import { Tracker } from '../src/tracker/tracker.ts'

const PEERS = Math.round(Number(process.argv[2] ?? '1') * 1_000_000)
const PEERS_PER_SWARM = 1_000
const SITES = 10
const BUBBLES = 2

/** Of this process: other work on the machine does not count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`

function memoryBytes(): number {
  // Twice: the second collection frees objects that the first one finalises.
  for (let again = 0; again < 4; again++) (globalThis as { gc?: () => void }).gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

function topologyOf(): Topology {
  const places: Place[] = []
  const sites: Site[] = []
  for (let index = 0; index < SITES; index++) {
    const ofSite: Place[] = []
    const site: Site = {
      index,
      name: `site-${index}`,
      region: undefined,
      trackers: [],
      federation: [],
      gateways: 'auto',
      places: ofSite,
    }
    for (let bubble = 0; bubble < BUBBLES; bubble++)
      ofSite.push({ index: places.length + bubble, site, bubble: `${bubble}`, trackers: [] })
    places.push(...ofSite)
    sites.push(site)
  }
  return {
    sites,
    places,
    unmapped: 'refuse',
    prefixes: [],
    hash: '',
    fallbackTrackers: () => [],
    locate: (address) => (address.word3 >>> 8) % places.length,
    match: () => undefined,
    cost: (a, b) => (a === b ? 0 : 100),
    linkOf: () => INSIDE_SITE,
    carryOf: () => 'nodes',
    siteNamed: (name) => sites.find((site) => site.name === name),
  }
}

const topology = topologyOf()
const clock = new ManualClock()

function aTracker(table: SwarmTable): Tracker {
  return new Tracker({
    topology: new CurrentTopology(topology),
    authority: new SiteAuthority(),
    table,
    clock,
    random: new SeededRandom(1),
    metrics: noMetrics,
    admission: { admits: () => true },
    interval: { secondsMin: 60, secondsMax: 1800 },
  })
}

const hashes = Array.from({ length: Math.ceil(PEERS / PEERS_PER_SWARM) }, (_, index) => {
  const hash = Buffer.alloc(20)
  hash.writeUInt32BE((index * 2_654_435_761) % 2 ** 32, 0)
  hash.writeUInt32BE(index, 16)
  return hash
})
const peerId = Buffer.from('-LT2080-000000000000')

/** Host number `index` of the run. */
function announce(tracker: Tracker, index: number, leftBytes: number): void {
  peerId.writeUInt32BE(index, 8)
  void tracker.announce(
    {
      infoHash: hashes[index % hashes.length] as Buffer,
      peerId,
      port: 6881,
      downloadedBytes: 0,
      uploadedBytes: 0,
      leftBytes,
      event: 'none',
      peersWanted: 50,
      key: peerId.subarray(8, 16),
    },
    Address.v4(0x0a000000 + Math.imul(index, 7)),
    'http',
  )
}

/** One torrent in ten is a new rollout: only its first host is a seed. */
function leftLater(index: number): number {
  return (index % hashes.length) % 10 === 0 && index >= hashes.length ? 1_000_000 : 0
}

const AGAIN = Math.min(PEERS, 1_000_000)
const beforeReference = memoryBytes()
const reference = new Map<string, Map<string, object>>()
let started = cpuMs()
for (let index = 0; index < AGAIN; index++) {
  const hash = (hashes[index % hashes.length] as Buffer).toString('hex')
  let swarm = reference.get(hash)
  if (swarm === undefined) reference.set(hash, (swarm = new Map()))
  const ip = Address.v4(0x0a000000 + Math.imul(index, 7)).toString()
  swarm.set(`${ip}:6881`, {
    ip,
    port: 6881,
    left: 0,
    downloaded: 0,
    heardAt: clock.nowMs(),
    peerId: peerId.toString('hex'),
  })
}
const referenceMs = cpuMs() - started
const referenceBytes = memoryBytes() - beforeReference
const referenceSwarms = reference.size
reference.clear()

const before = memoryBytes()
const table = new SwarmTable(topology.places.map((place) => place.site.index))
const tracker = aTracker(table)
started = cpuMs()
for (let index = 0; index < PEERS; index++) announce(tracker, index, 0)
const firstMs = cpuMs() - started
const arrayBytes = table.bytes
const parts = {
  rows: table.rows.bytes,
  'index of endpoints': arrayBytes - table.rows.bytes - table.clients.bytes - table.introductions.bytes,
  'index of clients': table.clients.bytes,
  introductions: table.introductions.bytes,
}
const tableBytes = memoryBytes() - before

started = cpuMs()
for (let index = 0; index < AGAIN; index++) announce(tracker, index, leftLater(index))
const againMs = cpuMs() - started
const rolloutBytes = memoryBytes() - before

clock.advanceMs(3 * 3600_000)
const nowMs = clock.nowMs()
started = cpuMs()
let expired = 0
while (table.rows.live > 0) expired += table.sweep(nowMs, 2_000)
const expiryMs = cpuMs() - started

const perPeer = tableBytes / PEERS
const perPeerReference = referenceBytes / AGAIN

console.log(
  `${PEERS} peers in ${hashes.length} swarms, ${SITES} sites of ${BUBBLES} bubbles, ${referenceSwarms} in the reference`,
)
console.log(
  `memory at rest    ${perPeer.toFixed(1)} bytes a peer (${megabytes(tableBytes)}, of which ${megabytes(arrayBytes)} rows and indexes), ${(perPeer / perPeerReference).toFixed(2)} x a Map of objects (${perPeerReference.toFixed(0)} bytes)`,
)
for (const [part, bytes] of Object.entries(parts))
  console.log(`  ${part.padEnd(20)} ${(bytes / PEERS).toFixed(1)} bytes a peer`)
console.log(
  `memory, rollouts  ${(rolloutBytes / PEERS).toFixed(1)} bytes a peer while one torrent in ten is filling`,
)
console.log(
  `first announces   ${((PEERS / firstMs) * 1000).toFixed(0)} a second of CPU, ${((firstMs * 1000) / PEERS).toFixed(1)} µs each`,
)
console.log(
  `later announces   ${((AGAIN / againMs) * 1000).toFixed(0)} a second of CPU, ${((againMs * 1000) / AGAIN).toFixed(1)} µs each, ${(referenceMs / againMs).toFixed(2)} x inserting into the Map`,
)
console.log(`expiry            ${((expired / expiryMs) * 1000).toFixed(0)} peers a second of CPU`)
