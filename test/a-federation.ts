/**
 * Several sites, each with nodes of its own: the built program, one process a node, with loopback addresses for the
 * clients (127.<site>.x.y, sites from 1). Each remote site reaches a node through a relay that can be disconnected.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { onTestFinished } from 'vitest'
import { isKnownKey, knownLines } from './attacked-checkout.ts'
import { aDirectory, announceFrom, fetchOnce, freePort, peersOf, PROGRAM } from './a-node.ts'

export const FEDERATION_TOKEN = 'the-token-of-all-sites'

export interface FederatedSite {
  readonly name: string
  readonly announceUrl: string
  /** The address of the node itself; remote sites use relays. */
  readonly adminUrl: string
  log(): string
  admin(path: string, init?: RequestInit): Promise<Response>
  metric(name: string): Promise<number>
  kill(): Promise<void>
  /** As an operator stops it: it writes its state first. */
  stop(): Promise<void>
  start(): Promise<void>
}

export interface TestFederation {
  readonly sites: readonly FederatedSite[]
  /** The first node of a site, or the one with this index. */
  site(name: string, node?: number): FederatedSite
  /** Closes the relays between two sites. */
  disconnect(a: string, b: string): void
  reconnect(a: string, b: string): void
  /** Resolves when every site is connected to every other one. */
  connected(): Promise<void>
}

export interface FederationSettings {
  readonly names?: readonly string[]
  /** More lines of each configuration. */
  readonly more?: string
  /** More lines of each topology. */
  readonly topology?: string
  /** More lines of the configurations of one site. */
  readonly moreAt?: Readonly<Record<string, string>>
  /** A server that takes the place of the nodes of this site. */
  readonly imposter?: { readonly site: string; readonly url: string }
  /** The URL of the shared Redis, by site. */
  readonly stores?: Readonly<Record<string, string>>
  /** Number of nodes of each site; one unless they share a Redis. */
  readonly nodes?: number
  /** The certificate of the relays, as of an operator's proxies. */
  readonly tls?: { readonly key: string; readonly certificate: string }
  readonly environment?: NodeJS.ProcessEnv
}

interface Relay {
  readonly port: number
  isDisconnected: boolean
  readonly sockets: Set<Socket>
}

export async function aFederation(settings: FederationSettings = {}): Promise<TestFederation> {
  const names = settings.names ?? ['fra', 'ams', 'nyc']
  const directory = await aDirectory()
  const { nodes = 1, stores = {}, tls, imposter } = settings
  const ports = await Promise.all(
    names.map(() =>
      Promise.all(
        Array.from({ length: nodes }, async () => ({ http: await freePort(), admin: await freePort() })),
      ),
    ),
  )
  const relays = new Map<string, readonly Relay[]>()
  for (const from of names)
    for (const [to, name] of names.entries())
      if (from !== name)
        relays.set(
          `${from} ${name}`,
          await Promise.all((ports[to] ?? []).map(({ admin }) => aRelay(admin, tls))),
        )
  const topologyFor = (reader: string) =>
    [
      'sites:',
      ...names.map((name, index) => {
        const own = ports[index] ?? []
        const between = relays.get(`${reader} ${name}`)
        const scheme = between === undefined || tls === undefined ? 'http' : 'https'
        const urls =
          imposter?.site === name
            ? [imposter.url]
            : own.map(({ admin }, node) => `${scheme}://127.0.0.1:${between?.[node]?.port ?? admin}`)
        const trackers = own.map(({ http }) => `http://127.0.0.1:${http}/announce`)
        return `  ${name}: ${JSON.stringify({ cidrs: [`127.${index + 1}.0.0/16`], trackers, federation: urls })}`
      }),
      settings.topology ?? '',
      '',
    ].join('\n')

  const sites = await Promise.all(
    names
      .filter((name) => name !== imposter?.site)
      .flatMap((name) =>
        (ports[names.indexOf(name)] ?? []).map((port, node) =>
          aSite({
            name,
            directory: join(directory, `${name}-${node + 1}`),
            port,
            topology: topologyFor(name),
            more: [
              settings.more ?? '',
              settings.moreAt?.[name] ?? '',
              name in stores ? `store: "${stores[name]}"` : '',
            ].join('\n'),
            environment: settings.environment ?? {},
          }),
        ),
      ),
  )
  const between = (a: string, b: string) => [
    ...(relays.get(`${a} ${b}`) ?? []),
    ...(relays.get(`${b} ${a}`) ?? []),
  ]
  return {
    sites,
    site: (name, node = 0) => sites.filter((site) => site.name === name)[node] as FederatedSite,
    disconnect(a, b) {
      for (const relay of between(a, b)) {
        relay.isDisconnected = true
        for (const socket of relay.sockets) socket.destroy()
      }
    },
    reconnect(a, b) {
      for (const relay of between(a, b)) relay.isDisconnected = false
    },
    connected: () =>
      until('all sites are connected', async () => {
        for (const site of sites) {
          const { sites: seen } = (await (await site.admin('/api/v1/sites')).json()) as {
            sites: { isOwn: boolean; state: string }[]
          }
          if (seen.some(({ isOwn, state }) => !isOwn && state !== 'up')) return false
        }
        return true
      }),
  }
}

async function aSite(parts: {
  readonly name: string
  readonly directory: string
  readonly port: { readonly http: number; readonly admin: number }
  readonly topology: string
  readonly more: string
  readonly environment: NodeJS.ProcessEnv
}): Promise<FederatedSite> {
  const { name, directory, port } = parts
  await mkdir(directory)
  await writeFile(join(directory, 'topology.yaml'), parts.topology)
  await writeFile(
    join(directory, 'siteswarm.yaml'),
    [
      `site: ${name}`,
      'topology: ./topology.yaml',
      `listen: { http: "127.0.0.1:${port.http}", udp: "127.0.0.1:0", admin: "127.0.0.1:${port.admin}" }`,
      'dataDirectory: ./data',
      `federation: { token: "${FEDERATION_TOKEN}" }`,
      knownLines(parts.more),
      '',
    ].join('\n'),
  )
  let log = ''
  let child: ChildProcess | undefined
  const adminUrl = `http://127.0.0.1:${port.admin}`
  const end = async (signal: NodeJS.Signals) => {
    const exited = new Promise((resolve) => child?.once('exit', resolve))
    child?.kill(signal)
    await exited
  }
  const site: FederatedSite = {
    name,
    announceUrl: `http://127.0.0.1:${port.http}/announce`,
    adminUrl,
    log: () => log,
    admin: (path, init) => fetchOnce(`${adminUrl}${path}`, init),
    metric: async (metric) => {
      const page = await (await fetchOnce(`${adminUrl}/metrics`)).text()
      const line = page.split('\n').find((each) => each.startsWith(`${metric} `))
      if (line === undefined) throw new Error(`no metric ${metric}`)
      return Number(line.slice(metric.length + 1))
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    async start() {
      const started = spawn(
        process.execPath,
        [PROGRAM, 'serve', '--config', join(directory, 'siteswarm.yaml'), '--json'],
        {
          stdio: ['ignore', 'pipe', 'pipe'],
          env: {
            ...process.env,
            ...(isKnownKey('observe') ? { SITESWARM_OBSERVE_CONNECTIONS: '0', ...parts.environment } : {}),
          },
        },
      )
      child = started
      started.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
      await new Promise<void>((resolve, reject) => {
        started.stdout.once('data', () => resolve())
        started.once('close', (code) => reject(new Error(`the node of ${name} ended with ${code}:\n${log}`)))
      })
    },
  }
  onTestFinished(() => void child?.kill('SIGKILL'))
  await site.start()
  return site
}

async function aRelay(to: number, tls: FederationSettings['tls']): Promise<Relay> {
  const sockets = new Set<Socket>()
  const take = (socket: Socket) => {
    if (relay.isDisconnected) {
      socket.destroy()
      return
    }
    const onward = connect(to, '127.0.0.1')
    for (const [from, into] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      sockets.add(from)
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        into.destroy()
      })
      from.pipe(into)
    }
  }
  const server: Server =
    tls === undefined ? createServer(take) : createTlsServer({ key: tls.key, cert: tls.certificate }, take)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const relay: Relay = {
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    isDisconnected: false,
    sockets,
  }
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return relay
}

/** Polls until the condition holds. After the deadline the test fails. */
export async function until(condition: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + 120_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within 120 s: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

/** The peers in the response to an announce. */
export async function handoutOf(
  site: FederatedSite,
  from: string,
  parameters: Readonly<Record<string, string | number>> = {},
): Promise<string[]> {
  return peersOf(await announceFrom(site, from, parameters))
}
