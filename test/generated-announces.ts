/**
 * A world of clients that announce in any order, from a seed: many sites and bubbles, torrents of all sizes, every known
 * kind of client, both families of addresses, progress, completions, stops, lost clients and observations. The same seed
 * gives the same announces, so that two versions of the tracker can be compared.
 */
import { ManualClock } from '../src/core/clock.ts'
import { Address } from '../src/core/address.ts'
import type { AnnounceEvent, AnnounceReply } from '../src/core/announce.ts'
import { Refusal } from '../src/core/errors.ts'
import { SeededRandom } from '../src/core/random.ts'
import { INSIDE_SITE, type Place, type Site, type Topology } from '../src/topology/topology.ts'
import { aTracker } from './a-tracker.ts'

export interface WorldShape {
  readonly seed: number
  readonly sites: number
  /** Bubbles of the site with this index. */
  readonly bubbles: (site: number) => number
  readonly torrents: number
  readonly hosts: number
  readonly gateways: 'auto' | number
}

const CLIENTS = ['-LT2080-', '-TR3000-', '-lt0D98-', 'A2-1-36-', '-qB4650-', '-XX0000-', 'M7-11-0-']
/** 1 GiB, and a torrent below the size from which a site has a standby. */
const SIZES = [1 << 30, 1 << 24]

interface Peer {
  readonly torrent: number
  readonly address: Address
  readonly port: number
  readonly peerId: Buffer
  left: number
  downloaded: number
}

/** The responses to `count` announces, one line each; deferred ones where they are answered. */
export async function* responsesOf(shape: WorldShape, count: number): AsyncGenerator<string> {
  const random = new SeededRandom(shape.seed)
  const clock = new ManualClock()
  const world = aTracker({ topology: aWideTopology(shape), clock, seed: shape.seed })
  const peers = makePeers(shape, random)
  const late: string[] = []
  let active = Math.min(40, peers.length)
  for (let index = 0; index < count; index++) {
    // Hosts come in crowds: the number of those that have ever announced grows in steps.
    if (random.below(400) === 0) active = Math.min(peers.length, active + 1 + random.below(shape.hosts))
    const peer = peers[random.below(active)] as Peer
    const event = advance(peer, random)
    clock.advanceMs(random.below(2_000) === 0 ? random.below(900_000) : random.below(800))
    const from = peer.address
    const infoHash = Buffer.alloc(20, `torrent ${peer.torrent} `)
    if (random.below(12) === 0) observe(world, peer, infoHash, random)
    const protocol = random.below(2) === 0 ? 'http' : 'udp'
    const wanted = [undefined, undefined, 0, 1, 4, 200][random.below(6)]
    let line: string
    try {
      const reply = world.tracker.announce(
        {
          infoHash,
          peerId: peer.peerId,
          port: peer.port,
          downloadedBytes: peer.downloaded,
          uploadedBytes: 0,
          leftBytes: random.below(50) === 0 ? undefined : peer.left,
          event,
          peersWanted: wanted,
          key: Buffer.from('key'),
        },
        from,
        protocol,
      )
      if (reply instanceof Promise) {
        reply.then(
          (given) => late.push(`${index} later ${textOf(given)}`),
          (error: unknown) => late.push(`${index} later ${refusalOf(error)}`),
        )
        line = `${index} deferred`
      } else line = `${index} ${textOf(reply)}`
    } catch (error) {
      line = `${index} ${refusalOf(error)}`
    }
    if (index % 16 === 0) {
      world.tracker.tick()
      world.table.sweep(clock.nowMs(), 200)
      await new Promise(setImmediate)
    }
    const explained = index % 25 === 0 ? world.tracker.explain(infoHash, from, peer.port) : undefined
    const reasons = explained?.decision.choices.map(({ reason, locality }) => `${reason}/${locality}`) ?? []
    yield [line, ...reasons, ...late.splice(0)].join(' ')
  }
  world.tracker.close()
}

function makePeers({ torrents, hosts, sites, seed }: WorldShape, random: SeededRandom): Peer[] {
  const peers: Peer[] = []
  for (let host = 0; host < hosts * sites; host++) {
    const site = random.below(sites)
    const bubble = random.below(16)
    const isV6 = random.below(8) === 0
    const isLoopback = random.below(60) === 0
    const bits = isLoopback
      ? 0x7f000000 + (site << 16) + (bubble << 8) + (host & 255)
      : 0x0a000000 + (site << 16) + (bubble << 8) + (host & 255)
    const address = isV6 ? new Address(0xfd000000, 0, (site << 16) + bubble, host) : Address.v4(bits)
    const client = CLIENTS[random.below(CLIENTS.length)] as string
    // A few clients with both families, and a few without a listener.
    const name = random.below(10) === 0 ? host - 1 : host
    // The first torrents are the largest swarms.
    const torrent = Math.floor((random.below(torrents) * random.below(torrents)) / torrents)
    const left = random.below(7) === 0 ? 0 : (SIZES[torrent % 2] as number)
    peers.push({
      torrent,
      address,
      port: random.below(40) === 0 ? 1 : 6881 + (host % 3),
      peerId: Buffer.from(`${client}${seed}-${name}`.padEnd(20, '.').slice(0, 20)),
      left,
      downloaded: 0,
    })
  }
  return peers
}

function advance(peer: Peer, random: SeededRandom): AnnounceEvent {
  const size = SIZES[peer.torrent % 2] as number
  const chance = random.below(100)
  if (chance < 3) {
    peer.left = size
    peer.downloaded = 0
    return 'stopped'
  }
  if (chance < 6) return 'paused'
  if (chance < 12) return 'started'
  if (peer.left > 0 && chance < 40) {
    const got = Math.min(peer.left, random.below(size / 2))
    peer.left -= got
    peer.downloaded += got
    return peer.left === 0 ? 'completed' : 'none'
  }
  if (peer.left > 0 && chance < 47) {
    peer.downloaded += peer.left
    peer.left = 0
    return 'completed'
  }
  return 'none'
}

function observe(
  { tracker, clock }: ReturnType<typeof aTracker>,
  peer: Peer,
  infoHash: Buffer,
  random: SeededRandom,
): void {
  const share = random.below(3) === 0 ? undefined : random.below(101) / 100
  tracker.observations.record({
    infoHash,
    address: peer.address,
    port: peer.port,
    reachability: random.below(3) === 0 ? 'unreachable' : 'reachable',
    share,
    isComplete: share === 1,
    isStalled: random.below(10) === 0,
    isGone: random.below(25) === 0,
    observedAtMs: clock.nowMs(),
    sharePerSecond: 0,
  })
}

function textOf({ peers4, peers6, ...counts }: AnnounceReply): string {
  const { complete, incomplete, downloaded, intervalSeconds, intervalSecondsMin } = counts
  const numbers = [complete, incomplete, downloaded, intervalSeconds, intervalSecondsMin].join(' ')
  return `${numbers} ${peers4.toString('hex')} ${peers6.toString('hex')}`
}

function refusalOf(error: unknown): string {
  if (error instanceof Refusal) return error.code
  throw error
}

/** Site and bubble are bytes of the address, as are those of `aTopology`. */
function aWideTopology({ sites: count, bubbles, gateways }: WorldShape): Topology {
  const places: Place[] = []
  const sites = Array.from({ length: count }, (_, index): Site => {
    const ofSite: Place[] = []
    const site: Site = {
      index,
      name: `site-${index}`,
      region: undefined,
      trackers: [],
      federation: [],
      gateways,
      places: ofSite,
    }
    for (let bubble = 0; bubble < bubbles(index); bubble++)
      ofSite.push({ index: places.length + bubble, site, bubble: `${bubble}`, trackers: [] })
    places.push(...ofSite)
    return site
  })
  const placeOf = (siteIndex: number, bubble: number) => {
    const ofSite = sites[siteIndex]?.places ?? []
    return ofSite[bubble % ofSite.length]?.index ?? -1
  }
  return {
    sites,
    places,
    unmapped: 'refuse',
    prefixes: [],
    hash: '',
    fallbackTrackers: () => [],
    locate: (address) =>
      address.isV4
        ? placeOf((address.word3 >>> 16) & 255, (address.word3 >>> 8) & 255)
        : placeOf(address.word2 >>> 16, address.word2 & 255),
    match: () => undefined,
    cost: (a, b) => (a === b ? 0 : 10 + ((a * 7 + b * 7) % 5) * 20),
    linkOf: () => INSIDE_SITE,
    carryOf: () => 'nodes',
    siteNamed: (name) => sites.find((site) => site.name === name),
  }
}
