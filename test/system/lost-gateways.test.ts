/**
 * Sites with gateways (`carry: direct`), and one node that observes all of them or a node in each, with unmodified libtorrent
 * clients, which announce every 300 s. When the gateway of a site is killed, its other hosts do not wait for that.
 */
import { type ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { aFederation } from '../a-federation.ts'
import { aDirectory, aNode, freePort, type RunningNode } from '../a-node.ts'
import { until } from '../a-redis.ts'
import {
  aSmallTorrent,
  aTorrentFor,
  startLibtorrent,
  startSeed,
  type SmallTorrent,
} from '../observed-clients.ts'
import { needs } from '../setup/needs.ts'

const CONTENT_BYTES = 15_990_000
/** The content takes 6.4 s. */
const SOURCE_BYTES_PER_SECOND = 2_500_000
const SOON_MS = 150_000
const PATIENCE = { timeout: 240_000 }

interface Gateway {
  readonly address: string
  readonly leftBytes: number
}

type Node = Pick<RunningNode, 'announceUrl' | 'admin' | 'log'>

/** The node of the source's site and that of the other one, which may be the same. */
interface Nodes {
  readonly fra: Node
  readonly ams: Node
}

async function oneNode(): Promise<Nodes> {
  const node = await aNode({ httpPort: await freePort(), isObserving: true })
  return { fra: node, ams: node }
}

async function aNodeInEachSite(): Promise<Nodes> {
  const federation = await aFederation({
    names: ['fra', 'ams'],
    topology: 'links:\n  - { between: [fra, ams], carry: direct }',
    environment: { SITESWARM_OBSERVE_CONNECTIONS: '4096' },
  })
  await federation.connected()
  return { fra: federation.site('fra'), ams: federation.site('ams') }
}

async function gatewayOf(node: Node, hash: string, site: string): Promise<Gateway | undefined> {
  const answer = await node.admin(`/api/v1/swarms/${hash}`)
  if (!answer.ok) return undefined
  const { sites } = (await answer.json()) as { sites: { site: string; gateways: Gateway[] }[] }
  return sites.find((each) => each.site === site)?.gateways[0]
}

async function isComplete(torrent: SmallTorrent, directory: string): Promise<boolean> {
  const content = await readFile(join(torrent.source, 'content.bin'))
  return (await readFile(join(directory, 'content.bin')).catch(() => Buffer.alloc(0))).equals(content)
}

/** No other test has clients at these addresses. */
async function rollOut(hosts: readonly string[], { fra, ams }: Nodes) {
  const directory = await aDirectory()
  const torrent = await aSmallTorrent(directory, CONTENT_BYTES, fra.announceUrl)
  const { path } = fra === ams ? torrent : await aTorrentFor(torrent, directory, ams.announceUrl)
  startSeed(
    { torrent: torrent.path, directory: torrent.source, address: '127.1.1.51' },
    SOURCE_BYTES_PER_SECOND,
  )
  const hash = torrent.infoHash.toString('hex')
  await until(SOON_MS, 'the seed has announced', async () => {
    const { swarms } = (await (await ams.admin('/api/v1/swarms')).json()) as { swarms: { seeds: number }[] }
    return swarms.some(({ seeds }) => seeds === 1)
  })
  const clients = new Map<string, ChildProcess>()
  for (const address of hosts)
    clients.set(
      address,
      await startLibtorrent({ torrent: path, directory: join(directory, address), address }),
    )
  await until(SOON_MS, 'the gateway has a third of the content', async () => {
    const gateway = await gatewayOf(ams, hash, 'ams')
    return gateway !== undefined && gateway.leftBytes < 0.67 * CONTENT_BYTES
  })
  const killed = (await gatewayOf(ams, hash, 'ams'))?.address ?? ''
  clients.get(killed)?.kill('SIGKILL')
  await until(SOON_MS, 'the loss is logged', () => ams.log().includes('"event":"gateway-lost"'))
  const others = hosts.filter((address) => address !== killed)
  await until(SOON_MS, 'all other hosts are complete', async () => {
    for (const address of others) if (!(await isComplete(torrent, join(directory, address)))) return false
    return true
  })
  const metrics = await (await ams.admin('/metrics')).text()
  const relayed = Number(/siteswarm_relayed_bytes_total\{site="ams",from="fra"\} (\d+)/.exec(metrics)?.[1])
  return relayed / CONTENT_BYTES
}

describe.skipIf(needs('libtorrent'))('a site whose gateway is killed', () => {
  test.each([
    ['the node', oneNode],
    ['its node and that of the source', aNodeInEachSite],
  ])('gets the rest through %s, until a host of it announces again', PATIENCE, async (_through, start) => {
    const hosts = ['127.2.1.51', '127.2.1.52', '127.2.1.53', '127.2.2.54', '127.2.2.55']
    const relayedCopies = await rollOut(hosts, await start())
    expect(relayedCopies).toBeGreaterThan(0.1)
    expect(relayedCopies).toBeLessThan(1)
  })

  test('has a new gateway at once where the response to its second host was deferred', PATIENCE, async () => {
    const relayedCopies = await rollOut(['127.2.1.51', '127.2.1.52'], await oneNode())
    expect(relayedCopies).toBeLessThan(0.1)
  })
})
