/**
 * Cost of federation: the full state of 100,000 active torrents in five sites, bytes of a link at 1,000 changes a second,
 * memory, the initial state of a node that starts later, and the delay from a seed's announce in one site until the
 * gateway of another site receives it. All over real sockets, one process for each site; the same bytes through a bare TCP
 * connection are measured beside it in the same run.
 *
 * Usage: federation [--torrents 100000] [--sites 5] [--changes 1000] [--seconds 20]
 */
import { type ChildProcess, fork } from 'node:child_process'
import { createServer, connect, type AddressInfo } from 'node:net'
import { createServer as createHttpServer } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Address } from '../src/core/address.ts'
import { elapsedMs, systemClock } from '../src/core/clock.ts'
import { SeededRandom } from '../src/core/random.ts'
import { Federation } from '../src/federation/federation.ts'
import { NO_REPORTS } from '../src/federation/site-reports.ts'
import { CONVERGENCE_DELAY_MS } from '../src/handout/tree-rank.ts'
import { SwarmTable } from '../src/swarm/swarm-table.ts'
import { CurrentTopology } from '../src/topology/current-topology.ts'
import { SiteAuthority } from '../src/topology/site-authority.ts'
import { Overrides } from '../src/replication/overrides.ts'
import { INSIDE_SITE, type Place, type Site, type Topology } from '../src/topology/topology.ts'
import { aFederatedTracker } from '../test/a-site-among-others.ts'

const number = (name: string, otherwise: number) => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? otherwise : Number(process.argv[at + 1])
}
const TORRENTS = number('torrents', 100_000)
const SITES = number('sites', 5)
const CHANGES = number('changes', 1_000)
const SECONDS = number('seconds', 20)
const LATENCIES = 100

type Order =
  | { readonly do: 'follow'; readonly urls: readonly string[] }
  | { readonly do: 'change'; readonly perSecond: number }
  | { readonly do: 'seed'; readonly torrent: number }
  | { readonly do: 'fetch'; readonly torrent: number }
  | { readonly do: 'report' }

interface Report {
  readonly url?: string
  readonly fullStateSeconds?: number
  readonly torrents?: number
  readonly sentBytes?: number
  readonly receivedBytes?: number
  readonly rssBytes?: number
  readonly cpuSeconds?: number
  readonly seeded?: number
  readonly found?: number
}

const siteArgument = process.argv.indexOf('--site')
if (siteArgument >= 0) runSite(Number(process.argv[siteArgument + 1]))
else await main()

async function main(): Promise<void> {
  const sites = Array.from({ length: SITES }, (_, index) => startSite(index))
  const urls = await Promise.all(sites.map(async (site) => (await site.said('url')).url as string))
  console.log(`${SITES} sites, ${TORRENTS} torrents active in each of them, a seed and a leecher each`)

  const startedMs = elapsedMs()
  for (const site of sites) site.tell({ do: 'follow', urls })
  const states = await Promise.all(sites.map((site) => site.said('fullStateSeconds')))
  const fullSeconds = (elapsedMs() - startedMs) / 1000
  const before = await reports(sites)
  const link = sum(before, 'sentBytes') / (SITES * (SITES - 1))
  console.log(
    `full state, all ${SITES * (SITES - 1)} links at once: ${fullSeconds.toFixed(2)} s, ` +
      `${(link / 1e6).toFixed(2)} MB a link; to reach: 5 s (the slowest site: ${Math.max(...states.map(({ fullStateSeconds: seconds }) => seconds ?? 0)).toFixed(2)} s)`,
  )
  console.log(
    `the same bytes over bare TCP: ${(await bareTcpSeconds(link * (SITES - 1))).toFixed(3)} s a site`,
  )
  console.log(
    `memory of a site: ${(sum(before, 'rssBytes') / SITES / 1e6).toFixed(0)} MB, ${before[0]?.torrents} torrents of remote sites`,
  )

  const late = startSite(SITES)
  await late.said('url')
  late.tell({ do: 'follow', urls })
  const lateSeconds = (await late.said('fullStateSeconds')).fullStateSeconds ?? 0
  const [ofLate] = await reports([late])
  console.log(
    `a node that starts later receives ${ofLate?.torrents} torrents of ${SITES} sites in ${lateSeconds.toFixed(2)} s, ${(ofLate?.cpuSeconds ?? 0).toFixed(2)} s of CPU; its memory then: ${((ofLate?.rssBytes ?? 0) / 1e6).toFixed(0)} MB`,
  )
  late.child.disconnect()

  for (const site of sites) site.tell({ do: 'change', perSecond: CHANGES })
  await delay(2_000)
  const begin = await reports(sites)
  await delay(SECONDS * 1000)
  const end = await reports(sites)
  const perLink = (sum(end, 'sentBytes') - sum(begin, 'sentBytes')) / (SITES * (SITES - 1)) / SECONDS
  const cpu = (sum(end, 'cpuSeconds') - sum(begin, 'cpuSeconds')) / SITES / SECONDS
  console.log(
    `${CHANGES} changes a second in each site: ${(perLink / 1000).toFixed(1)} kB/s a link, ${(cpu * 100).toFixed(0)} % of a core a site; to reach: 100 kB/s`,
  )

  const [from, to] = sites as [SiteProcess, SiteProcess]
  const waits: number[] = []
  for (let index = 0; index < LATENCIES; index++) {
    const torrent = TORRENTS * 10 + index
    to.tell({ do: 'fetch', torrent })
    // At this point it is a gateway without an upstream.
    await delay(CONVERGENCE_DELAY_MS + 150)
    from.tell({ do: 'seed', torrent })
    const seeded = (await from.said('seeded')).seeded as number
    const found = (await to.said('found')).found as number
    waits.push(found - seeded)
  }
  waits.sort((a, b) => a - b)
  const at = (share: number) => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? 0
  console.log(
    `from a seed's announce to the gateway's response in another site, meanwhile: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms; to reach: 1 s`,
  )
  for (const { child } of sites) child.disconnect()
}

interface SiteProcess {
  readonly child: ChildProcess
  tell(order: Order): void
  said(what: keyof Report): Promise<Report>
}

function startSite(index: number): SiteProcess {
  const child = fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), '--site', String(index)])
  const waiting: { readonly what: keyof Report; readonly take: (report: Report) => void }[] = []
  child.on('message', (report: Report) => {
    const at = waiting.findIndex(({ what }) => report[what] !== undefined)
    if (at >= 0) waiting.splice(at, 1)[0]?.take(report)
  })
  return {
    child,
    tell: (order) => void child.send(order),
    said: (what) => new Promise((take) => waiting.push({ what, take })),
  }
}

async function reports(sites: readonly SiteProcess[]): Promise<Report[]> {
  return Promise.all(
    sites.map((site) => {
      const report = site.said('rssBytes')
      site.tell({ do: 'report' })
      return report
    }),
  )
}

function sum(all: readonly Report[], what: keyof Report): number {
  return all.reduce((total, report) => total + ((report[what] as number | undefined) ?? 0), 0)
}

async function bareTcpSeconds(bytes: number): Promise<number> {
  const piece = Buffer.alloc(65_536, 7)
  const server = createServer((socket) => {
    let left = bytes
    const push = () => {
      while (left > 0) {
        left -= piece.length
        if (socket.write(piece)) continue
        socket.once('drain', push)
        return
      }
      socket.end()
    }
    push()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const startedMs = elapsedMs()
  await new Promise<void>((resolve) => {
    connect((server.address() as AddressInfo).port, '127.0.0.1')
      .on('data', () => {})
      .on('close', () => resolve())
  })
  server.close()
  return (elapsedMs() - startedMs) / 1000
}

/** One site in a process of its own: the tracker, the table and federation, without the sockets for clients. */
function runSite(own: number): void {
  const report = (said: Report) => void process.send?.(said)
  const random = new SeededRandom(own + 1)
  const clock = systemClock
  const nothing = () => {}
  const current = new CurrentTopology(siteTopology())
  const authority = new SiteAuthority()
  const table = new SwarmTable(current.value.places.map((place) => place.site.index))
  const federation = new Federation({
    site: `s${own}`,
    credentials: { token: 'token', pair: undefined },
    table,
    topology: current,
    authority,
    replica: { applyPending: nothing, recordLease: nothing },
    torrents: {
      has: () => false,
      find: () => undefined,
      list: () => [],
      read: async () => undefined,
      put: async () => {},
      remove: async () => false,
      removals: () => new Map(),
      onChange: nothing,
    },
    overrides: { current: new Overrides(), put: async () => 'shared', onChange: nothing },
    describe: () => {
      throw new Error('no site registers a torrent here')
    },
    reports: NO_REPORTS,
    clock,
    random,
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  })
  const tracker = aFederatedTracker({
    topology: current,
    authority,
    table,
    clock,
    random,
    remote: federation.remoteSites,
    wait: (forMs) => delay(forMs),
  })
  const announce = (torrent: number, host: number, leftBytes: number, port = 6881) =>
    tracker.announce(
      {
        infoHash: infoHashOf(torrent),
        peerId: Buffer.from(`-XX0000-${own}.${host}.${port}`.padEnd(20, '.')),
        port,
        downloadedBytes: 0,
        uploadedBytes: 0,
        leftBytes,
        event: 'none',
        peersWanted: 50,
        key: Buffer.alloc(0),
      },
      Address.v4((((10 << 24) | (own << 16)) >>> 0) + (host & 0xffff)),
      'udp',
    )
  for (let torrent = 0; torrent < (own < SITES ? TORRENTS : 0); torrent++) {
    void announce(torrent, torrent % 60_000, 0)
    void announce(torrent, (torrent * 7 + 1) % 60_000, 1_000_000, 6882)
  }
  const server = createHttpServer((request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' })
    response.flushHeaders()
    request.socket.setNoDelay(true)
    federation.serve(new URL(request.url ?? '', 'http://x').searchParams.get('site') ?? '', response, '')
  })
  server.listen(0, '127.0.0.1', () => {
    // The full state is advertised once before the other sites connect.
    setTimeout(() => report({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }), 500)
  })

  process.on('disconnect', () => process.exit())
  process.on('message', (order: Order) => {
    if (order.do === 'follow') follow(order.urls)
    else if (order.do === 'change') change(order.perSecond)
    else if (order.do === 'seed') {
      void announce(order.torrent, 1, 0)
      report({ seeded: clock.nowMs() })
    } else if (order.do === 'fetch') void fetchUntilFound(order.torrent)
    else {
      const { user, system } = process.cpuUsage()
      const { sentBytes, receivedBytes } = federation.counters
      report({
        sentBytes,
        receivedBytes,
        rssBytes: process.memoryUsage().rss,
        cpuSeconds: (user + system) / 1e6,
        torrents: federation.remotes().reduce((total, { torrents }) => total + torrents, 0),
      })
    }
  })

  function follow(urls: readonly string[]): void {
    current.replace(siteTopology(urls))
    const startedMs = elapsedMs()
    federation.start()
    const look = setInterval(() => {
      if (federation.remotes().some(({ state }) => state !== 'up')) return
      clearInterval(look)
      report({ fullStateSeconds: (elapsedMs() - startedMs) / 1000 })
    }, 10)
  }

  /** Each call changes the advertised state: one leecher more, or one less. */
  function change(perSecond: number): void {
    let changes = 0
    const startedMs = elapsedMs()
    setInterval(() => {
      const due = ((elapsedMs() - startedMs) / 1000) * perSecond
      for (; changes < due; changes++)
        void announce(changes % TORRENTS, 61_000 + (changes % 4_000), 1_000_000, 7_000)
    }, 20)
  }

  async function fetchUntilFound(torrent: number): Promise<void> {
    for (;;) {
      const reply = await announce(torrent, 2, 1_000_000)
      if (reply.peers4.length > 0) return report({ found: clock.nowMs() })
      await delay(5)
    }
  }
}

function infoHashOf(torrent: number): Buffer {
  const random = new SeededRandom(torrent)
  return Buffer.from(Array.from({ length: 20 }, () => random.below(256)))
}

/** `urls`: where each site's node can be followed, by site; none before the nodes listen. */
function siteTopology(urls: readonly string[] = []): Topology {
  const places: Place[] = []
  // One more for the node that starts later.
  const sites = Array.from({ length: SITES + 1 }, (_, index): Site => {
    const ofSite: Place[] = []
    const site: Site = {
      index,
      name: `s${index}`,
      region: undefined,
      trackers: [],
      federation: urls[index] === undefined ? [] : [urls[index]],
      gateways: 'auto',
      places: ofSite,
    }
    ofSite.push({ index, site, bubble: '-', trackers: [] })
    places.push(...ofSite)
    return site
  })
  const locate = (address: Address) => {
    const site = (address.word3 >>> 16) & 255
    return address.isV4 && site <= SITES ? site : -1
  }
  return {
    sites,
    places,
    unmapped: 'refuse',
    prefixes: [],
    hash: '',
    fallbackTrackers: () => [],
    locate,
    match: () => undefined,
    cost: (a, b) => (a === b ? 0 : 10),
    linkOf: () => INSIDE_SITE,
    carryOf: () => 'nodes',
    siteNamed: (name) => sites.find((site) => site.name === name),
  }
}
