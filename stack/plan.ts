/**
 * The parts of the stack, the same as in docker-compose.yml: two sites of two nodes and a Redis each, and a third site with
 * one node and no Redis, which is the fallback of all. Sites are loopback prefixes: a client that binds 127.2.1.5 is a host
 * in Amsterdam.
 */
import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'

export interface NodePlan {
  readonly name: string
  readonly site: string
  /** The same for HTTP and UDP. */
  readonly port: number
  readonly adminPort: number
}

export interface RedisPlan {
  readonly site: string
  readonly port: number
}

export interface StackPlan {
  readonly nodes: readonly NodePlan[]
  readonly redis: readonly RedisPlan[]
  readonly prometheusPort: number
}

/** The ports that docker-compose.yml publishes; the Redis ports exist only here. */
export const fixedPlan: StackPlan = {
  nodes: [
    { name: 'fra-1', site: 'fra', port: 6911, adminPort: 6912 },
    { name: 'fra-2', site: 'fra', port: 6921, adminPort: 6922 },
    { name: 'ams-1', site: 'ams', port: 6931, adminPort: 6932 },
    { name: 'ams-2', site: 'ams', port: 6941, adminPort: 6942 },
    { name: 'nyc-1', site: 'nyc', port: 6951, adminPort: 6952 },
  ],
  redis: [
    { site: 'fra', port: 6917 },
    { site: 'ams', port: 6937 },
  ],
  prometheusPort: 9090,
}

/** The same on ports that are free now, for several stacks at a time. */
export async function freePlan(): Promise<StackPlan> {
  const ports = await freePorts(2 * fixedPlan.nodes.length + fixedPlan.redis.length + 1)
  const next = () => ports.shift() ?? 0
  return {
    nodes: fixedPlan.nodes.map(({ name, site }) => ({ name, site, port: next(), adminPort: next() })),
    redis: fixedPlan.redis.map(({ site }) => ({ site, port: next() })),
    prometheusPort: next(),
  }
}

/**
 * All ports are held until all are chosen, so that none is chosen twice. The range excludes ephemeral ports: a restarted
 * node could otherwise find its port taken by an outgoing connection.
 */
export async function freePorts(count: number): Promise<number[]> {
  const held = new Map<number, Server>()
  while (held.size < count) {
    const port = randomInt(10_000, 30_000)
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
    })
    if (isFree) held.set(port, server)
  }
  await Promise.all([...held.values()].map((server) => new Promise((resolve) => server.close(resolve))))
  return [...held.keys()]
}

const NUMBERS: Readonly<Record<string, number>> = { fra: 1, ams: 2, nyc: 3 }

export function topologyFile({ nodes }: StackPlan): string {
  const trackers = (site: string) =>
    nodes.filter((node) => node.site === site).map(({ port }) => `http://127.0.0.1:${port}/announce`)
  const federation = (site: string) =>
    nodes.filter((node) => node.site === site).map(({ adminPort }) => `http://127.0.0.1:${adminPort}`)
  const sites = Object.entries(NUMBERS).map(([site, number]) => {
    // As in config/topology.yaml, a client without a bound address is in Frankfurt.
    const cidrs = site === 'fra' ? ['127.0.0.0/16', '127.1.0.0/16'] : [`127.${number}.0.0/16`]
    return (
      `  ${site}:\n    region: ${site === 'nyc' ? 'us' : 'eu'}\n    cidrs: [${cidrs.join(', ')}]\n` +
      `    trackers: [${trackers(site).join(', ')}]\n    federation: [${federation(site).join(', ')}]\n    bubbles:\n` +
      `      row-a: { cidrs: [127.${number}.1.0/24] }\n      row-b: { cidrs: [127.${number}.2.0/24] }\n`
    )
  })
  return [
    'sites:\n',
    ...sites,
    'links:\n  - { between: [fra, nyc], cost: 80 }\n',
    `fallback:\n  trackers: [${trackers('nyc').join(', ')}]\nunmapped: refuse\n`,
  ].join('')
}

export interface NodeFileSettings {
  readonly federationToken: string
  /** Additional lines. */
  readonly more: string
}

export function nodeFile(node: NodePlan, { redis }: StackPlan, settings: NodeFileSettings): string {
  const store = redis.find(({ site }) => site === node.site)
  return [
    `site: ${node.site}`,
    'topology: ../topology.yaml',
    `listen: { http: "0.0.0.0:${node.port}", udp: "0.0.0.0:${node.port}", admin: "127.0.0.1:${node.adminPort}" }`,
    `store: ${store === undefined ? 'memory' : `redis://127.0.0.1:${store.port}`}`,
    'dataDirectory: ./data',
    `federation: { token: ${settings.federationToken} }`,
    settings.more,
  ].join('\n')
}

export function targetsFile({ nodes }: StackPlan): string {
  return nodes
    .map(
      ({ site, adminPort }) => `- { labels: { node_site: ${site} }, targets: ['127.0.0.1:${adminPort}'] }\n`,
    )
    .join('')
}
