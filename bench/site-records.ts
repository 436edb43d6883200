/**
 * Replay of a whole site by a new node: the batches of the site log, written and applied by the real codec and swarm table,
 * beside the same peers as lines of JSON inserted into a `Map` of objects in the same process.
 *
 * Usage: site-records [peers in millions, default 1]
 */
import { SiteAuthority } from '../src/topology/site-authority.ts'
import { CurrentTopology } from '../src/topology/current-topology.ts'
import { Address } from '../src/core/address.ts'
import { ManualClock } from '../src/core/clock.ts'
import { SeededRandom } from '../src/core/random.ts'
import type { PeerState } from '../src/swarm/peer-state.ts'
import { SwarmTable } from '../src/swarm/swarm-table.ts'
import { BatchWriter } from '../src/replication/record-codec.ts'
import { SwarmReplica } from '../src/replication/swarm-replica.ts'
import { aTopology } from '../test/a-topology.ts'

const PEERS = Math.round(Number(process.argv[2] ?? '1') * 1_000_000)
const PEERS_PER_SWARM = 1_000
/** Peers in one batch: the announces of one turn of the event loop on a busy node. */
const PEERS_PER_BATCH = 50

const SITES = 10
const topology = aTopology({ siteNames: Array.from({ length: SITES }, (_, index) => `site-${index}`) })
const clock = new ManualClock()

function aReplica(table: SwarmTable): SwarmReplica {
  return new SwarmReplica({
    table,
    log: { isShared: true, append: () => {} },
    completions: { add: () => {} },
    clock,
    random: new SeededRandom(1),
    topology: new CurrentTopology(topology),
    authority: new SiteAuthority(),
  })
}

const hashes = Array.from({ length: Math.ceil(PEERS / PEERS_PER_SWARM) }, (_, index) => {
  const hash = Buffer.alloc(20)
  hash.writeUInt32BE((index * 2_654_435_761) % 2 ** 32, 0)
  hash.writeUInt32BE(index, 16)
  return hash
})

/** In announce order: each peer is in another swarm than the one before. */
function peer(index: number): PeerState {
  const host = Math.floor(index / SITES)
  return {
    infoHash: hashes[index % hashes.length] as Buffer,
    address: Address.v4(0x7f01_0000 + ((index % SITES) << 16) + (host & 0xffff)),
    port: 6881 + (host >>> 16),
    identity: Math.imul(index, 0x9e3779b1) >>> 0,
    role: index % 10 === 0 ? 'leecher' : 'seed',
    leftKib: index % 10 === 0 ? 1_000 : 0,
    downloadedKib: index,
    lastSeenMs: clock.nowMs() - (index % 60_000),
    lifetimeSeconds: 3_630,
    stalls: 0,
    isUnverifiedSeed: false,
    isVerifiedSeed: false,
    isUnreachable: false,
    isSlowToForward: false,
    clientCode: undefined,
  }
}

const perSecond = (count: number, ms: number) => ((count / ms) * 1000).toFixed(0)

const lines: string[] = []
for (let index = 0; index < PEERS; index++) {
  const { infoHash, address, ...rest } = peer(index)
  lines.push(JSON.stringify({ infoHash: infoHash.toString('hex'), ip: address.toString(), ...rest }))
}
let started = performance.now()
const reference = new Map<string, Map<string, object>>()
for (const line of lines) {
  const parsed = JSON.parse(line) as { infoHash: string; ip: string; port: number; lastSeenMs: number }
  let swarm = reference.get(parsed.infoHash)
  if (swarm === undefined) reference.set(parsed.infoHash, (swarm = new Map()))
  swarm.set(`${parsed.ip}:${parsed.port}`, parsed)
}
const referenceMs = performance.now() - started
const referenceBytes = lines.reduce((sum, line) => sum + line.length, 0)
const referenceSwarms = reference.size
reference.clear()
lines.length = 0

const states = Array.from({ length: PEERS }, (_, index) => peer(index))
const batches: Buffer[] = []
const writer = new BatchWriter(Buffer.alloc(8, 1))
started = performance.now()
for (const [index, state] of states.entries()) {
  writer.peer(state)
  if (index % PEERS_PER_BATCH === PEERS_PER_BATCH - 1) batches.push(writer.take(clock.nowMs()))
}
const writtenMs = performance.now() - started
const bytes = batches.reduce((sum, batch) => sum + batch.length, 0)
states.length = 0

const table = new SwarmTable(topology.places.map((place) => place.site.index))
const replica = aReplica(table)
const apply = () => {
  const at = performance.now()
  for (const batch of batches) replica.apply(batch)
  return performance.now() - at
}
const firstMs = apply()
const live = table.rows.live
const againMs = apply()

// Records that were just read are in the log and would be skipped; a full resync follows the loss of the log.
replica.forgetLogged()
started = performance.now()
const snapshotBatches: Buffer[] = []
let longestMs = 0
for (let at = performance.now(), snapshot = replica.snapshotRecords('all')[Symbol.iterator](); ;) {
  const { value, done } = snapshot.next()
  longestMs = Math.max(longestMs, performance.now() - at)
  at = performance.now()
  if (done === true) break
  snapshotBatches.push(value)
}
const snapshotMs = performance.now() - started
const snapshotBytes = snapshotBatches.reduce((sum, batch) => sum + batch.length, 0)
const other = new SwarmTable(topology.places.map((place) => place.site.index))
const otherReplica = aReplica(other)
started = performance.now()
for (const batch of snapshotBatches) otherReplica.apply(batch)
const restoredMs = performance.now() - started

console.log(
  `${live} peers in ${hashes.length} swarms, as announces come, ${PEERS_PER_BATCH} a batch; ${referenceSwarms} in the reference`,
)
console.log(
  `bytes             ${(bytes / PEERS).toFixed(1)} a peer, ${(bytes / referenceBytes).toFixed(2)} x JSON (${(referenceBytes / PEERS).toFixed(0)} bytes)`,
)
console.log(`written           ${perSecond(PEERS, writtenMs)} peers a second`)
console.log(
  `applied           ${perSecond(PEERS, firstMs)} peers a second: all in ${(firstMs / 1000).toFixed(2)} s, ${(referenceMs / firstMs).toFixed(2)} x JSON into a Map (${(referenceMs / 1000).toFixed(2)} s)`,
)
console.log(`applied again     ${perSecond(PEERS, againMs)} peers a second`)
console.log(
  `snapshot          ${perSecond(live, snapshotMs)} peers a second, ${(snapshotBytes / live).toFixed(1)} bytes each; the longest wait for a batch ${longestMs.toFixed(1)} ms`,
)
console.log(
  `restored          ${perSecond(other.rows.live, restoredMs)} peers a second: ${other.rows.live} in ${(restoredMs / 1000).toFixed(2)} s`,
)
