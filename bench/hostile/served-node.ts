/** The built program with a configuration of its own on free ports of loopback, as the programs that attack it start it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Bencodable, writeBencode } from '../../src/bencode/writer.ts'

/** Compiled, this file is a folder deeper. */
const ROOT = import.meta.url.endsWith('.ts') ? '../../' : '../../../'
/** The unit of /proc/PID/stat. */
const TICKS_PER_SECOND = 100
const PROGRAM = fileURLToPath(new URL(`${ROOT}dist/main.js`, import.meta.url))

export interface ServedNode {
  readonly process: ChildProcess
  readonly topologyPath: string
  readonly http: { readonly port: number; readonly announce: string }
  readonly udpPort: number
  readonly admin: string
  stop(): Promise<void>
}

export interface NodeOptions {
  /** `observe.connections`. The default is 0. */
  readonly connections?: number
  /** Lines at the end of the topology. */
  readonly topology?: string
}

/** `more`: lines of the configuration. Sites fra and ams are 127.1.0.0/16 and 127.2.0.0/16. */
export async function serveNode(
  more: string,
  { connections = 0, topology = '' }: NodeOptions = {},
): Promise<ServedNode> {
  const directory = mkdtempSync(join(tmpdir(), 'siteswarm-bench-'))
  const port = await freePort()
  const topologyPath = join(directory, 'topology.yaml')
  const announce = `http://127.0.0.1:${port}/announce`
  const site = (name: string, number: number) =>
    `  ${name}: { cidrs: [127.${number}.0.0/16], trackers: ["${announce}"] }\n`
  writeFileSync(topologyPath, `sites:\n${site('fra', 1)}${site('ams', 2)}${topology}`)
  const config = join(directory, 'siteswarm.yaml')
  writeFileSync(
    config,
    `site: fra\ntopology: ./topology.yaml\ndataDirectory: ./data\nobserve: { connections: ${connections} }\n` +
      `listen: { http: "127.0.0.1:${port}", udp: "127.0.0.1:0", admin: "127.0.0.1:0" }\n${more}`,
  )
  const child = spawn(process.execPath, [PROGRAM, 'serve', '--config', config, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-20_000)))
  const ready = await new Promise<{ readonly admin: string; readonly udp: string }>((resolve, reject) => {
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
      if (out.includes('\n')) resolve(JSON.parse(out) as { admin: string; udp: string })
    })
    child.once('exit', () => reject(new Error(`the node ended:\n${log}`)))
  })
  return {
    process: child,
    topologyPath,
    http: { port, announce },
    udpPort: Number(new URL(ready.udp).port),
    admin: ready.admin,
    stop: async () => {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
      rmSync(directory, { recursive: true, force: true })
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

/** Processor seconds of the process. */
export function cpuSeconds({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Registers a torrent of zeros. Returns its infohash. */
export async function registerZeros(
  { admin }: ServedNode,
  { pieces, pieceBytes }: { readonly pieces: number; readonly pieceBytes: number },
): Promise<Buffer> {
  const hash = createHash('sha1').update(Buffer.alloc(pieceBytes)).digest()
  const info: ReadonlyMap<string, Bencodable> = new Map<string, Bencodable>([
    ['length', pieces * pieceBytes],
    ['name', 'zeros'],
    ['piece length', pieceBytes],
    ['pieces', Buffer.concat(Array.from({ length: pieces }, () => hash))],
    ['private', 1],
  ])
  const response = await fetch(`${admin}/api/v1/torrents`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-bittorrent' },
    body: writeBencode(new Map([['info', info]])),
  })
  const body = await response.text()
  if (!response.ok) throw new Error(`the torrent was not registered: ${body}`)
  return Buffer.from((JSON.parse(body) as { infoHashV1: string }).infoHashV1, 'hex')
}

/** A line of `/proc/PID/status`, in MiB: `VmRSS`, or `VmHWM` for the highest so far. */
export function memoryMiB({ pid }: ChildProcess, name: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024
}

/** The body of the response, over a connection of its own: one that stayed open may be closed by the node as it is used again. */
export async function fetched(url: string, method = 'GET'): Promise<string> {
  return (await fetch(url, { method, headers: { connection: 'close' } })).text()
}

/** The sum of all series of a metric whose line starts with this text. */
export async function metricOf({ admin }: ServedNode, start: string): Promise<number> {
  const page = await fetched(`${admin}/metrics`)
  return page
    .split('\n')
    .filter((line) => line.startsWith(start))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}
