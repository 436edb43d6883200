/** The built program with a configuration of its own on free ports of loopback, as the programs that attack it start it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Compiled, this file is a folder deeper. */
const ROOT = import.meta.url.endsWith('.ts') ? '../../' : '../../../'
const PROGRAM = fileURLToPath(new URL(`${ROOT}dist/main.js`, import.meta.url))

export interface ServedNode {
  readonly process: ChildProcess
  readonly topologyPath: string
  readonly http: { readonly port: number; readonly announce: string }
  readonly udpPort: number
  readonly admin: string
  stop(): Promise<void>
}

/** `more`: lines of the configuration. Sites fra and ams are 127.1.0.0/16 and 127.2.0.0/16. */
export async function serveNode(more: string): Promise<ServedNode> {
  const directory = mkdtempSync(join(tmpdir(), 'siteswarm-bench-'))
  const port = await freePort()
  const topologyPath = join(directory, 'topology.yaml')
  const announce = `http://127.0.0.1:${port}/announce`
  const site = (name: string, number: number) =>
    `  ${name}: { cidrs: [127.${number}.0.0/16], trackers: ["${announce}"] }\n`
  writeFileSync(topologyPath, `sites:\n${site('fra', 1)}${site('ams', 2)}`)
  const config = join(directory, 'siteswarm.yaml')
  writeFileSync(
    config,
    `site: fra\ntopology: ./topology.yaml\ndataDirectory: ./data\nobserve: { connections: 0 }\n` +
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

/** A line of `/proc/PID/status`, in MiB: `VmRSS`, or `VmHWM` for the highest so far. */
export function memoryMiB({ pid }: ChildProcess, name: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024
}

/** The sum of all series of a metric whose line starts with this text. */
export async function metricOf({ admin }: ServedNode, start: string): Promise<number> {
  const page = await (await fetch(`${admin}/metrics`)).text()
  return page
    .split('\n')
    .filter((line) => line.startsWith(start))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}
