/**
 * The built program as an operator runs it: a process with a configuration, a topology and a data directory of its
 * own, on free ports of loopback. Killed at the end of the test.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { ApiDocument } from './api-document.ts'
import { attackedProgram, isKnownKey, knownLines } from './attacked-checkout.ts'

export const PROGRAM = attackedProgram ?? fileURLToPath(new URL('../dist/main.js', import.meta.url))

/** Three sites of two bubbles, as in a-topology.ts; the node is the only tracker. */
export function topologyText(httpPort: number, carry: 'nodes' | 'direct' = 'nodes'): string {
  const url = `http://127.0.0.1:${httpPort}/announce`
  const site = (name: string, number: number) =>
    `  ${name}: { cidrs: [127.${number}.0.0/16], trackers: ["${url}"], bubbles: ` +
    `{ row-a: { cidrs: [127.${number}.1.0/24] }, row-b: { cidrs: [127.${number}.2.0/24] } } }\n`
  const links = ['[fra, ams]', '[fra, nyc]', '[ams, nyc]'].map(
    (pair) => `  - { between: ${pair}, carry: direct }\n`,
  )
  return (
    `sites:\n${site('fra', 1)}${site('ams', 2)}${site('nyc', 3)}` +
    (carry === 'direct' ? `links:\n${links.join('')}` : '')
  )
}

export interface RunningNode {
  readonly directory: string
  readonly topologyPath: string
  readonly announceUrl: string
  readonly udpAnnounceUrl: string
  readonly adminUrl: string
  readonly process: ChildProcess
  /** Lines of the log so far. */
  log(): string
  /** Resolves when the log contains this text. */
  logged(text: string): Promise<void>
  admin(path: string, init?: RequestInit): Promise<Response>
  /** The exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

export interface NodeSettings {
  readonly directory?: string
  readonly httpPort?: number
  /** More lines of the configuration file. */
  readonly more?: string
  /** More arguments of `serve`. */
  readonly serve?: readonly string[]
  /** The node connects to its clients; off unless they are real. It carries content only with `carries`. */
  readonly isObserving?: boolean
  /** The node observes its clients, and carries content to them. */
  readonly carries?: boolean
  /** More variables of its environment. */
  readonly environment?: Readonly<Record<string, string>>
}

export async function aDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'siteswarm-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export async function aNode(settings: NodeSettings = {}): Promise<RunningNode> {
  const directory = settings.directory ?? (await aDirectory())
  const httpPort = settings.httpPort ?? (await freePort())
  const topologyPath = join(directory, 'topology.yaml')
  const configPath = join(directory, 'siteswarm.yaml')
  const { isObserving = false, carries = false } = settings
  await writeFile(topologyPath, topologyText(httpPort, isObserving ? 'direct' : 'nodes'))
  await writeFile(
    configPath,
    `site: fra\ntopology: ./topology.yaml\nlisten: { http: "127.0.0.1:${httpPort}", udp: "127.0.0.1:0", admin: "127.0.0.1:0" }\n` +
      `dataDirectory: ./data\n${knownLines(settings.more ?? '')}`,
  )
  const { serve = [], environment = {} } = settings
  const child = spawn(process.execPath, [PROGRAM, 'serve', '--config', configPath, '--json', ...serve], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      // Most tests announce clients that do not exist, which a node that observes would find unreachable.
      ...(isKnownKey('observe')
        ? { SITESWARM_OBSERVE_CONNECTIONS: isObserving || carries ? '4096' : '0' }
        : {}),
      ...environment,
    },
  })
  // `close` rather than `exit`: then the last line of the log has been read too.
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
  onTestFinished(() => void child.kill('SIGKILL'))
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const logged = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const check = () => log.includes(text) && resolve()
      child.stderr.on('data', check)
      void exited.then(() => reject(new Error(`the node ended before it logged ${text}:\n${log}`)))
      check()
    })
  const { admin, udp } = await new Promise<{ admin: string; udp: string }>((resolve, reject) => {
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
      if (out.includes('\n')) resolve(JSON.parse(out) as { admin: string; udp: string })
    })
    void exited.then((code) => reject(new Error(`the node ended with ${code}:\n${log}`)))
  })
  return {
    directory,
    topologyPath,
    announceUrl: `http://127.0.0.1:${httpPort}/announce`,
    udpAnnounceUrl: `${udp}/announce`,
    adminUrl: admin,
    process: child,
    log: () => log,
    logged,
    admin: async (path, init) => checked(admin, path, init, await fetchOnce(`${admin}${path}`, init)),
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal)
      return exited
    },
  }
}

/** The document of the program is the same for all nodes, so that it is read once. */
let apiDocument: Promise<ApiDocument> | undefined

/** Answers under /api are as the document of the node states. */
async function checked(
  adminUrl: string,
  path: string,
  init: RequestInit | undefined,
  response: Response,
): Promise<Response> {
  const method = init?.method ?? 'GET'
  if (!path.startsWith('/api/') || method === 'HEAD' || attackedProgram !== undefined) return response
  const contentType = response.headers.get('content-type') ?? ''
  const text = await response.clone().text()
  apiDocument ??= ApiDocument.of(adminUrl)
  ;(await apiDocument).check({ method, path, status: response.status, contentType, text })
  return response
}

/**
 * `fetch` on a connection of its own. A kept connection would send the next request to the process that accepted it, also
 * after the test has stopped, killed or replaced that process.
 */
export function fetchOnce(url: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  headers.set('connection', 'close')
  return fetch(url, { ...init, headers })
}

/** Announces from a loopback address; resolves with the body of the response, byte for byte as Latin-1. */
export function announceFrom(
  node: Pick<RunningNode, 'announceUrl'>,
  from: string,
  parameters: Readonly<Record<string, string | number>> = {},
): Promise<string> {
  const all = { peer_id: `-XX0000-${from}`.padEnd(20, '.'), port: 6881, left: 1000, ...parameters }
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(all)) query.set(name, String(value))
  const url = `${node.announceUrl}?info_hash=${'%ab'.repeat(20)}&${query.toString()}`
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { localAddress: from, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve(Buffer.concat(chunks).toString('latin1')))
    })
    outgoing.on('error', reject).end()
  })
}

/** The compact IPv4 peers of a response, as `address:port`. */
export function peersOf(body: string): string[] {
  const found = /5:peers(\d+):/.exec(body)
  if (found === null) throw new Error(`no peers in ${JSON.stringify(body)}`)
  const start = found.index + found[0].length
  const bytes = Buffer.from(body.slice(start, start + Number(found[1])), 'latin1')
  return Array.from({ length: bytes.length / 6 }, (_, index) => {
    const peer = bytes.subarray(index * 6, index * 6 + 6)
    return `${peer.subarray(0, 4).join('.')}:${peer.readUInt16BE(4)}`
  })
}

/** Each worker of a run chooses from its own ports, and each of them once. */
const PORTS = 2_500
const firstPort = 10_000 + PORTS * (Number(process.env['VITEST_POOL_ID'] ?? 0) % 8)
const chosenPorts = new Set<number>()

/**
 * A port without a listener, below the ephemeral range: the kernel could give an ephemeral port to a client of another
 * test before it is used.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = firstPort + randomInt(PORTS)
    if (chosenPorts.has(port)) continue
    chosenPorts.add(port)
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, () => resolve(true))
    })
    if (!isFree) continue
    await new Promise((resolve) => server.close(resolve))
    return port
  }
}
