/**
 * Running nodes that carry content between sites, with unmodified clients on loopback addresses of their own. No client is
 * handed a peer of another site, so what crosses is what the nodes carried.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { aCountingSeed } from '../a-counting-seed.ts'
import { aDirectory, aNode, freePort, type RunningNode } from '../a-node.ts'
import { aFederation, type FederatedSite } from '../a-federation.ts'
import { aRedis, until } from '../a-redis.ts'
import {
  aSmallTorrent,
  aTorrentFor,
  startAria2,
  startLibtorrent,
  startTransmission,
  type SmallTorrent,
} from '../observed-clients.ts'
import { needs } from '../setup/needs.ts'

const CONTENT_BYTES = 15_990_000
const COPIES_MAX = 1.02
const SOON_MS = 150_000
const PATIENCE = { timeout: 240_000 }

const kinds = { libtorrent: startLibtorrent, aria2: startAria2, transmission: startTransmission }

interface Leecher {
  readonly address: string
  readonly directory: string
}

async function startLeechers(
  torrent: SmallTorrent,
  directory: string,
  hosts: Readonly<Record<string, keyof typeof kinds>>,
): Promise<Leecher[]> {
  return Promise.all(
    Object.entries(hosts).map(async ([address, kind]) => {
      const leecher = { address, directory: join(directory, address) }
      await kinds[kind]({ torrent: torrent.path, ...leecher })
      return leecher
    }),
  )
}

async function complete(torrent: SmallTorrent, leechers: readonly Leecher[]): Promise<void> {
  const content = await readFile(join(torrent.source, 'content.bin'))
  await until(SOON_MS, 'all clients are complete', async () => {
    for (const { directory } of leechers)
      if (!(await readFile(join(directory, 'content.bin')).catch(() => Buffer.alloc(0))).equals(content))
        return false
    return true
  })
}

async function metricsOf(node: Pick<RunningNode, 'admin'>): Promise<Map<string, number>> {
  const page = await (await node.admin('/metrics')).text()
  return new Map(
    page
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

const relayed = (site: string, from: string) => `siteswarm_relayed_bytes_total{site="${site}",from="${from}"}`

async function seedIsKnown(node: Pick<RunningNode, 'admin'>): Promise<void> {
  await until(SOON_MS, 'the seed has announced', async () => {
    const { swarms } = (await (await node.admin('/api/v1/swarms')).json()) as {
      swarms: { seeds: number }[]
    }
    return swarms.some(({ seeds }) => seeds === 1)
  })
}

describe.skipIf(needs('libtorrent', 'aria2c', 'transmission-daemon'))('one node of all sites', () => {
  test(
    'carries each block to the clients of both other sites once, and the source sends one copy',
    PATIENCE,
    async () => {
      const httpPort = await freePort()
      const node = await aNode({ httpPort, carries: true })
      const directory = await aDirectory()
      const torrent = await aSmallTorrent(directory, CONTENT_BYTES, node.announceUrl)
      const uploaded = await aCountingSeed({
        torrent: torrent.path,
        directory: torrent.source,
        address: '127.1.1.1',
      })
      await seedIsKnown(node)
      const leechers = await startLeechers(torrent, directory, {
        '127.1.1.2': 'libtorrent',
        '127.1.2.3': 'aria2',
        '127.2.1.1': 'libtorrent',
        '127.2.1.2': 'aria2',
        '127.2.2.3': 'transmission',
        '127.3.1.1': 'libtorrent',
        '127.3.2.2': 'libtorrent',
      })
      await complete(torrent, leechers)
      expect((await uploaded()) / CONTENT_BYTES).toBeLessThanOrEqual(COPIES_MAX)
      await until(SOON_MS, 'the metrics have all bytes', async () => {
        const metrics = await metricsOf(node)
        const into = (site: string) =>
          ['fra', 'ams', 'nyc'].reduce((sum, from) => sum + (metrics.get(relayed(site, from)) ?? 0), 0)
        return into('ams') >= CONTENT_BYTES && into('nyc') >= CONTENT_BYTES
      })
      const metrics = await metricsOf(node)
      expect(metrics.get(relayed('fra', 'ams'))).toBe(0)
      expect(metrics.get('siteswarm_gateway_elections_total{site="ams",cause="first"}')).toBe(0)
      expect(metrics.get('siteswarm_relays{site="ams"}')).toBe(1)
    },
  )
})

describe.skipIf(needs('libtorrent', 'redis-server'))('sites with nodes of their own', () => {
  async function rollOut(
    settings: Parameters<typeof aFederation>[0],
    { bytesPerSecond = 0 }: { readonly bytesPerSecond?: number } = {},
  ) {
    const federation = await aFederation({
      names: ['fra', 'ams'],
      environment: { SITESWARM_OBSERVE_CONNECTIONS: '4096' },
      ...settings,
    })
    await federation.connected()
    const directory = await aDirectory()
    const inFra = await aSmallTorrent(directory, CONTENT_BYTES, federation.site('fra').announceUrl)
    const inAms = await aTorrentFor(inFra, directory, federation.site('ams').announceUrl)
    const uploaded = await aCountingSeed({
      torrent: inFra.path,
      directory: inFra.source,
      address: '127.1.1.1',
      bytesPerSecond,
    })
    await seedIsKnown(federation.site('fra'))
    await seedIsKnown(federation.site('ams'))
    const leechers = [
      ...(await startLeechers(inFra, directory, { '127.1.1.2': 'libtorrent', '127.1.1.3': 'libtorrent' })),
      ...(await startLeechers(inAms, directory, {
        '127.2.1.1': 'libtorrent',
        '127.2.1.2': 'libtorrent',
        '127.2.1.3': 'libtorrent',
      })),
    ]
    return {
      federation,
      torrent: inFra,
      leechers,
      copiesSent: async () => (await uploaded()) / CONTENT_BYTES,
    }
  }

  const into = async (sites: readonly FederatedSite[], site: string, from: string) => {
    let sum = 0
    for (const each of sites) sum += (await metricsOf(each)).get(relayed(site, from)) ?? 0
    return sum / CONTENT_BYTES
  }

  test('pass each block on once, and no client is connected to another site', PATIENCE, async () => {
    const { federation, torrent, leechers, copiesSent } = await rollOut({})
    await complete(torrent, leechers)
    expect(await copiesSent()).toBeLessThanOrEqual(COPIES_MAX)
    await until(
      SOON_MS,
      'the metrics have all bytes',
      async () => (await into(federation.sites, 'ams', 'fra')) >= 1,
    )
    expect(await into(federation.sites, 'ams', 'fra')).toBeLessThanOrEqual(COPIES_MAX)
    expect(await into(federation.sites, 'fra', 'ams')).toBe(0)
    const metrics = await metricsOf(federation.site('ams'))
    expect(metrics.get('siteswarm_gateway_elections_total{site="ams",cause="first"}')).toBe(0)
    expect(metrics.get('siteswarm_carrier_links{remote="fra"}')).toBe(1)
  })

  test(
    'replace a killed carrier by the other node of its site, which fetches only what is missing',
    PATIENCE,
    async () => {
      const redis = await aRedis()
      const { federation, torrent, leechers, copiesSent } = await rollOut(
        { nodes: 2, stores: { ams: redis.url, fra: (await aRedis()).url } },
        { bytesPerSecond: 2_500_000 },
      )
      const nodes = [federation.site('ams', 0), federation.site('ams', 1)]
      const carries = async (node: FederatedSite) =>
        (await metricsOf(node).catch(() => new Map<string, number>())).get('siteswarm_relays{site="ams"}') ===
        1
      await until(
        SOON_MS,
        'half of the content is in the other site',
        async () => (await into(nodes, 'ams', 'fra')) > 0.4,
      )
      const owners = await Promise.all(nodes.map(carries))
      expect(owners.filter(Boolean).length).toBe(1)
      const [owner, other] = owners[0] === true ? nodes : nodes.toReversed()
      const before = (await metricsOf(owner!)).get(relayed('ams', 'fra')) ?? 0
      await owner!.kill()
      await until(SOON_MS, 'the other node carries', () => carries(other!))
      await complete(torrent, leechers)
      const after = (await metricsOf(other!)).get(relayed('ams', 'fra')) ?? 0
      expect((before + after) / CONTENT_BYTES).toBeLessThanOrEqual(1.1)
      expect(await copiesSent()).toBeLessThanOrEqual(1.1)
    },
  )

  test('are explained: the node that carries, and the site that it fetches from', PATIENCE, async () => {
    const { federation, leechers, torrent } = await rollOut({}, { bytesPerSecond: 2_000_000 })
    const hash = torrent.infoHash.toString('hex')
    const explained = async () => {
      const answer = await federation
        .site('ams')
        .admin(`/api/v1/explain?info_hash=${hash}&ip=127.2.1.1&port=6881`)
      return ((await answer.json()) as { carrier: Record<string, unknown> | null }).carrier
    }
    await until(
      SOON_MS,
      'the carrier has an upstream',
      async () => (await explained())?.['upstreamSite'] === 'fra',
    )
    expect(await explained()).toMatchObject({ isHere: true, transport: 'carried' })
    const readiness = await (await federation.site('ams').admin('/readyz?verbose')).text()
    expect(readiness).toContain('1 torrent carried; connected to 1 sites')
    await complete(torrent, leechers)
  })
})
