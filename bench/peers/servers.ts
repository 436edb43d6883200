/**
 * Trackers as processes on a core of their own: siteswarm as `serve` starts it, opentracker, bittorrent-tracker, and any
 * process that already runs.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export interface Server {
  readonly name: string
  readonly pid: number
  readonly udpPort: number | undefined
  readonly httpPort: number | undefined
  /** False if it closes each connection after one response. */
  readonly keepsConnections: boolean
  stop(): Promise<void>
}

export interface ServerOptions {
  readonly core: number
  /** As hexadecimal digits: opentracker of Debian serves only listed torrents. */
  readonly infoHashes: readonly string[]
  /** Directory of the package bittorrent-tracker, where it is installed. */
  readonly bittorrentTracker: string | undefined
}

/** As `npm run build` leaves it. */
const PROGRAM = fileURLToPath(new URL('../../../dist/main.js', import.meta.url))

/** Observation is off: no client listens behind the ports of the load, and each dial would cost a connection. */
export async function startSiteswarm({ core }: ServerOptions): Promise<Server> {
  const home = mkdtempSync(join(tmpdir(), 'siteswarm-peers-'))
  const child = pinned(core, process.execPath, [PROGRAM, 'serve', '--json'], {
    SITESWARM_LISTEN_HTTP: '127.0.0.1:0',
    SITESWARM_LISTEN_UDP: '127.0.0.1:0',
    SITESWARM_LISTEN_ADMIN: '127.0.0.1:0',
    SITESWARM_OBSERVE_CONNECTIONS: '0',
    SITESWARM_DATA_DIRECTORY: home,
    SITESWARM_LOG_LEVEL: 'error',
  })
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  const addresses = JSON.parse(line.toString()) as { readonly http: string; readonly udp: string }
  return aServer('siteswarm', child, {
    udpPort: Number(new URL(addresses.udp).port),
    httpPort: Number(new URL(addresses.http).port),
    home,
  })
}

/** undefined where it is not installed. */
export async function startOpentracker({ core, infoHashes }: ServerOptions): Promise<Server | undefined> {
  if (spawnSync('opentracker', ['-h']).error !== undefined) return undefined
  const home = mkdtempSync(join(tmpdir(), 'opentracker-peers-'))
  // It reads the list as another user.
  chmodSync(home, 0o755)
  writeFileSync(join(home, 'whitelist'), `${infoHashes.join('\n')}\n`)
  const port = await freePort()
  const flags = ['-i', '127.0.0.1', '-p', `${port}`, '-P', `${port}`, '-d', home, '-w', 'whitelist']
  const child = pinned(core, 'opentracker', flags)
  await listening(port)
  return aServer('opentracker', child, { udpPort: port, httpPort: port, home })
}

/** undefined without its directory. */
export async function startBittorrentTracker({
  core,
  bittorrentTracker,
}: ServerOptions): Promise<Server | undefined> {
  if (bittorrentTracker === undefined) return undefined
  const program = join(bittorrentTracker, 'bin/cmd.js')
  if (!existsSync(program)) throw new Error(`${program} does not exist`)
  const port = await freePort()
  const flags = [program, '-p', `${port}`, '--http', '--udp', '--quiet', '--http-hostname', '127.0.0.1']
  const child = pinned(core, process.execPath, [...flags, '--udp-hostname', '127.0.0.1'])
  await listening(port)
  return aServer('bittorrent-tracker', child, { udpPort: port, httpPort: port, home: undefined })
}

/**
 * `chihaya,pid=123,udp=6969,http=6969`: a tracker that runs already, on the core of the servers. With `closes=`, it keeps
 * no connections.
 */
export function runningServer(text: string, core: number): Server {
  const [name = '', ...fields] = text.split(',')
  const values = new Map(fields.map((field) => field.split('=') as [string, string]))
  const port = (key: string) => (values.has(key) ? Number(values.get(key)) : undefined)
  const pid = Number(values.get('pid'))
  if (!Number.isInteger(pid) || pid <= 0) throw new Error(`--running ${text}: pid= is missing`)
  spawnSync('taskset', ['-acp', `${core}`, `${pid}`])
  const ports = { udpPort: port('udp'), httpPort: port('http') }
  return { name, pid, ...ports, keepsConnections: !values.has('closes'), stop: async () => {} }
}

export const cpuMicroseconds = ({ pid }: Server): number => cpuOfProcess(pid)

/** User and system time of all threads, from the kernel, in its ticks of 10 ms. */
export function cpuOfProcess(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

export function memoryBytes({ pid }: Server): number {
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib) * 1024
}

function pinned(
  core: number,
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ChildProcess {
  return spawn('taskset', ['-c', `${core}`, program, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

function aServer(
  name: string,
  child: ChildProcess,
  {
    home,
    ...ports
  }: { readonly udpPort: number; readonly httpPort: number; readonly home: string | undefined },
): Server {
  child.stdout?.resume()
  return {
    name,
    // taskset replaces itself by the program, so the process is the same.
    pid: child.pid as number,
    ...ports,
    keepsConnections: name !== 'opentracker',
    stop: async () => {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
      if (home !== undefined) rmSync(home, { recursive: true })
    },
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (isOpen) return
    await pause(50)
  }
  throw new Error(`nothing listens at port ${port}`)
}
