/**
 * Several nodes of one site, as the built program, that share a Redis; clients that announce to all of them without pause;
 * and a comparison of the state that the nodes report.
 */
import { expect, onTestFinished } from 'vitest'
import { announceFrom, aNode, type RunningNode } from './a-node.ts'
import { until } from './a-redis.ts'

const SOON_MS = 60_000

export const HASH = 'ab'.repeat(20)

export async function aSiteCluster(redisUrl: string, count: number): Promise<RunningNode[]> {
  return Promise.all(Array.from({ length: count }, () => aClusterNode(redisUrl)))
}

export const aClusterNode = (redisUrl: string): Promise<RunningNode> =>
  aNode({ more: `store: ${redisUrl}\n` })

/** The addresses of clients in two rows of fra, and of some at another site. */
const CLIENTS: readonly string[] = [
  ...Array.from({ length: 6 }, (_, index) => `127.1.1.${index + 1}`),
  ...Array.from({ length: 6 }, (_, index) => `127.1.2.${index + 1}`),
  ...Array.from({ length: 4 }, (_, index) => `127.2.1.${index + 1}`),
]

export interface AnnouncingClients {
  readonly failures: readonly string[]
  readonly answered: number
  /** Resolves after this many further answered announces. */
  more(announces: number): Promise<void>
  stop(): Promise<void>
}

/** All clients announce, each to one node after the other, until `stop`; the first of them is a seed. */
export function clientsAnnounce(nodes: () => readonly RunningNode[]): AnnouncingClients {
  const failures: string[] = []
  let answered = 0
  const stopping = new AbortController()
  const run = async (address: string, first: number) => {
    for (let turn = first; !stopping.signal.aborted; turn++) {
      const choice = nodes()
      const node = choice[turn % choice.length] as RunningNode
      const left = address === CLIENTS[0] ? 0 : 1000
      const body = await announceFrom(node, address, { left }).catch((error: unknown) => String(error))
      if (body.startsWith('d8:complete')) answered++
      else failures.push(`${address}: ${body}`)
    }
  }
  const running = CLIENTS.map((address, index) => run(address, index))
  const stop = async () => {
    stopping.abort()
    await Promise.all(running)
  }
  onTestFinished(stop)
  return {
    failures,
    get answered() {
      return answered
    },
    more: (announces) => {
      const goal = answered + announces
      return until(SOON_MS, `${announces} more announces are answered`, () => answered >= goal)
    },
    stop,
  }
}

export interface ClusterSwarm {
  readonly leechers: number
  readonly sites: readonly {
    readonly site: string
    readonly gatewayHostsEver: number
    readonly gateways: readonly { readonly address: string }[]
  }[]
}

/** What a node reports of the torrent, with the sites in a defined order. */
export async function swarmOf(node: RunningNode): Promise<ClusterSwarm> {
  const swarm = (await (await node.admin(`/api/v1/swarms/${HASH}`)).json()) as ClusterSwarm
  return { ...swarm, sites: swarm.sites.toSorted((a, b) => a.site.localeCompare(b.site)) }
}

/** The state of a node: counts and gateways of the torrent, and each client. */
async function pictureOf(node: RunningNode): Promise<unknown> {
  const answer = await node.admin(`/api/v1/swarms/${HASH}`)
  const swarm = (await answer.json()) as { readonly sites: readonly { readonly site: string }[] }
  const clients = CLIENTS.map(async (address) => {
    const answer = await node.admin(`/api/v1/explain?info_hash=${HASH}&ip=${address}&port=6881`)
    const { isKnown, role, isGateway } = (await answer.json()) as Record<string, unknown>
    return { address, isKnown, role, isGateway }
  })
  // The node lists sites in the order of their first announce.
  const sites = swarm.sites.toSorted((a, b) => a.site.localeCompare(b.site))
  return { swarm: { ...swarm, sites }, clients: await Promise.all(clients) }
}

/** Waits until all nodes have all clients in the same state. */
export async function expectAgreement(nodes: readonly RunningNode[]): Promise<void> {
  let pictures: unknown[] = []
  const agree = async () => {
    pictures = await Promise.all(nodes.map(pictureOf))
    const [first, ...others] = pictures.map((picture) => JSON.stringify(picture))
    return first?.includes('"isKnown":false') === false && others.every((other) => other === first)
  }
  await until(SOON_MS, 'the nodes agree', agree).catch(() => undefined)
  const [first, ...others] = pictures
  for (const other of others) expect(other).toEqual(first)
  expect(first).toMatchObject({ clients: CLIENTS.map((address) => ({ address, isKnown: true })) })
}

export async function storeIsUp(node: RunningNode, expected: boolean): Promise<void> {
  await until(SOON_MS, `a node reports its store as ${expected ? 'up' : 'down'}`, async () => {
    const metrics = await (await node.admin('/metrics')).text()
    return metrics.includes(`siteswarm_store_up ${expected ? 1 : 0}\n`)
  })
}
