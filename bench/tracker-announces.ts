/**
 * CPU time of an announce in the tracker alone, without a wire protocol: table, policy and counts, for swarms of one size.
 * One peer in eight is a seed; the others announce for the first time, then again with progress, then without.
 *
 * Usage: tracker-announces [peers, default 200000] [peers in a swarm, default 128]
 */
import { Address } from '../src/core/address.ts'
import { ManualClock } from '../src/core/clock.ts'
import { SeededRandom } from '../src/core/random.ts'
import { noMetrics } from '../src/core/tracker-metrics.ts'
import { uniformTopology } from '../src/simulation/uniform-topology.ts'
import { SwarmTable } from '../src/swarm/swarm-table.ts'
import { CurrentTopology } from '../src/topology/current-topology.ts'
import { SiteAuthority } from '../src/topology/site-authority.ts'
import type { Place, Topology } from '../src/topology/topology.ts'
import { Tracker } from '../src/tracker/tracker.ts'

const PEERS = Number(process.argv[2] ?? '200000')
const PEERS_PER_SWARM = Number(process.argv[3] ?? '128')
const SITES = 3
const BUBBLES = 3
const SIZE = 1_000_000_000

const topology = withBubbles(uniformTopology(SITES))
const clock = new ManualClock()
const tracker = new Tracker({
  topology: new CurrentTopology(topology),
  authority: new SiteAuthority(),
  table: new SwarmTable(topology.places.map((place) => place.site.index)),
  clock,
  random: new SeededRandom(1),
  metrics: noMetrics,
  admission: { admits: () => true },
  interval: { secondsMin: 60, secondsMax: 1800 },
})

const hashes = Array.from({ length: Math.ceil(PEERS / PEERS_PER_SWARM) }, (_, index) => {
  const hash = Buffer.alloc(20)
  hash.writeUInt32BE((index * 2_654_435_761) % 2 ** 32, 0)
  return hash
})
const peerId = Buffer.from('-LT2080-000000000000')

console.log(`${PEERS} peers in ${hashes.length} swarms, ${SITES} sites of ${BUBBLES} bubbles`)
measure('first', SIZE)
measure('again, with progress', SIZE * 0.9)
measure('again, with progress', SIZE * 0.8)
measure('again, without', SIZE * 0.8)

function measure(name: string, left: number): void {
  let handedOut = 0
  const before = process.cpuUsage()
  for (let index = 0; index < PEERS; index++) {
    // Fifty announces a millisecond, so that no lifetime ends.
    if (index % 1_000 === 0) clock.advanceMs(20)
    const isSeed = Math.floor(index / hashes.length) % 8 === 0
    peerId.writeUInt32BE(index, 8)
    const reply = tracker.announce(
      {
        infoHash: hashes[index % hashes.length] as Buffer,
        peerId,
        port: 6881,
        downloadedBytes: SIZE - left,
        uploadedBytes: 0,
        leftBytes: isSeed ? 0 : left,
        event: 'none',
        peersWanted: 50,
        key: peerId.subarray(8, 16),
      },
      Address.v4(0x0a000000 + Math.imul(index, 7)),
      'udp',
    )
    if (!(reply instanceof Promise)) handedOut += reply.peers4.length / 6
  }
  const { user, system } = process.cpuUsage(before)
  const each = (user + system) / PEERS
  console.log(
    `${name.padEnd(22)} ${each.toFixed(1).padStart(5)} µs, ${(handedOut / PEERS).toFixed(1)} peers a response`,
  )
}

/** Addresses are spread over all bubbles of all sites. */
function withBubbles({ sites, ...base }: Topology): Topology {
  const places: Place[] = []
  const divided = sites.map((site) => {
    const ofSite: Place[] = []
    const whole = { ...site, places: ofSite }
    for (let bubble = 0; bubble < BUBBLES; bubble++)
      ofSite.push({ index: places.length + bubble, site: whole, bubble: `${bubble}`, trackers: [] })
    places.push(...ofSite)
    return whole
  })
  return { ...base, sites: divided, places, locate: (address) => (address.word3 >>> 8) % places.length }
}
