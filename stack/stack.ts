/**
 * A whole installation on this machine without Docker: the parts of docker-compose.yml as processes on loopback, for
 * experiments (`npm run stack`) and for tests that need more than one node.
 *
 * All files are in one directory. All processes have ended when the stack has stopped, in any order of exits.
 */
import { accessSync, constants, existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Part } from './part.ts'
import {
  fixedPlan,
  freePlan,
  nodeFile,
  type NodePlan,
  type StackPlan,
  targetsFile,
  topologyFile,
} from './plan.ts'

/** A busy machine takes seconds to start five nodes. */
const READY_DEADLINE_MS = 60_000
const POLL_INTERVAL_MS = 100

export interface StackSettings {
  /** `fixed`: the ports of docker-compose.yml. `free`: any free ones, for several stacks at a time. */
  readonly ports: 'fixed' | 'free'
  readonly prometheus: boolean
  /** Additional lines in the configuration of every node. */
  readonly more?: string
  /** Additional arguments for `serve`. */
  readonly serve?: readonly string[]
}

export interface StackNode {
  readonly name: string
  readonly site: string
  readonly announceUrl: string
  readonly udpAnnounceUrl: string
  readonly adminUrl: string
  readonly logPath: string
  readonly pid: number | undefined
  /** Drains the node and resolves with its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
  /** Resolves when the node is ready. */
  start(): Promise<void>
}

export interface StackRedis {
  readonly site: string
  readonly url: string
  readonly part: Part
}

export interface RunningStack {
  readonly directory: string
  readonly topologyPath: string
  readonly nodes: readonly StackNode[]
  readonly redis: readonly StackRedis[]
  /** undefined if not requested or not installed. */
  readonly prometheusUrl: string | undefined
  /** Rejects when a part exits unexpectedly. */
  readonly ended: Promise<never>
  /** Stops everything, in the reverse order, and removes the directory. */
  stop(): Promise<void>
  /** The same without waiting. */
  kill(): void
}

/** Resolves when every node is ready. */
export async function startStack(settings: StackSettings): Promise<RunningStack> {
  const plan = settings.ports === 'fixed' ? fixedPlan : await freePlan()
  const directory = await mkdtemp(join(tmpdir(), 'siteswarm-stack-'))
  const parts: Part[] = []
  let onExit: (error: Error) => void = () => undefined
  const ended = new Promise<never>((_resolve, reject) => (onExit = reject))
  // A caller that does not await it must not end with an unhandled rejection.
  ended.catch(() => undefined)
  const add = async (name: string, command: readonly [string, ...string[]]) => {
    const home = join(directory, name)
    await mkdir(home, { recursive: true })
    const logPath = join(home, 'log')
    const part = new Part({ name, command, directory: home, logPath, onExit: (error) => onExit(error) })
    parts.push(part)
    return part
  }
  const stop = async () => {
    // Nodes before Redis, because they write their state to it; parts of one kind in parallel.
    for (const kind of ['prometheus', 'node', 'redis'])
      await Promise.all(parts.filter((part) => kindOf(part) === kind).map((part) => part.stop()))
    await rm(directory, { recursive: true, force: true })
  }

  try {
    const topologyPath = join(directory, 'topology.yaml')
    await writeFile(topologyPath, topologyFile(plan))
    const redis: StackRedis[] = []
    for (const { site, port } of plan.redis) {
      const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', '.']
      const configuration = repositoryPath('deploy/redis/single.conf')
      const part = await add(`${site}-redis`, [find('redis-server'), configuration, ...options])
      part.start()
      redis.push({ site, url: `redis://127.0.0.1:${port}`, part })
    }
    const nodes: StackNode[] = []
    for (const node of plan.nodes) nodes.push(await addNode(node, plan, settings, add, ended))
    await Promise.all(nodes.map((node) => node.start()))
    const prometheusUrl = settings.prometheus ? await startPrometheus(plan, add) : undefined
    return {
      directory,
      topologyPath,
      nodes,
      redis,
      prometheusUrl,
      ended,
      stop,
      kill: () => parts.forEach((part) => part.kill()),
    }
  } catch (error) {
    await stop()
    throw error
  }
}

type Add = (name: string, command: readonly [string, ...string[]]) => Promise<Part>

const kindOf = ({ name }: Part) =>
  name === 'prometheus' ? 'prometheus' : name.endsWith('-redis') ? 'redis' : 'node'

async function addNode(
  node: NodePlan,
  plan: StackPlan,
  { more = '', serve = [] }: StackSettings,
  add: Add,
  ended: Promise<never>,
): Promise<StackNode> {
  const program = repositoryPath('dist/main.js')
  const part = await add(node.name, [
    process.execPath,
    program,
    'serve',
    '--config',
    'siteswarm.yaml',
    ...serve,
  ])
  await writeFile(join(dirname(part.logPath), 'siteswarm.yaml'), nodeFile(node, plan, more))
  const adminUrl = `http://127.0.0.1:${node.adminPort}`
  return {
    name: node.name,
    site: node.site,
    announceUrl: `http://127.0.0.1:${node.port}/announce`,
    udpAnnounceUrl: `udp://127.0.0.1:${node.port}/announce`,
    adminUrl,
    logPath: part.logPath,
    get pid() {
      return part.pid
    },
    stop: (signal) => part.stop(signal),
    start: async () => {
      part.start()
      await Promise.race([ready(node.name, adminUrl), ended])
    },
  }
}

async function ready(name: string, adminUrl: string): Promise<void> {
  const deadline = AbortSignal.timeout(READY_DEADLINE_MS)
  while (!deadline.aborted) {
    const response = await fetch(`${adminUrl}/readyz`).catch(() => undefined)
    await response?.body?.cancel()
    if (response?.ok === true) return
    await pause(POLL_INTERVAL_MS)
  }
  throw new Error(
    `${name} was not ready within ${READY_DEADLINE_MS / 1000} s; see ${adminUrl}/readyz?verbose`,
  )
}

/** Uses the configuration of deploy/prometheus with the targets of this stack. */
async function startPrometheus(plan: StackPlan, add: Add): Promise<string | undefined> {
  const program = find('prometheus')
  if (!existsSync(program)) return undefined
  const url = `127.0.0.1:${plan.prometheusPort}`
  const part = await add('prometheus', [
    program,
    '--config.file=prometheus.yml',
    '--storage.tsdb.path=data',
    `--web.listen-address=${url}`,
  ])
  const home = dirname(part.logPath)
  for (const file of ['prometheus.yml', 'alerts.yaml'])
    await copyFile(repositoryPath(`deploy/prometheus/${file}`), join(home, file))
  await writeFile(join(home, 'targets.yaml'), targetsFile(plan))
  part.start()
  return `http://${url}`
}

/** Path of a program; its bare name if it is not found, so that the start fails with that name. */
function find(program: string): string {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/bin']
  const isThere = (path: string) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  }
  return directories.map((directory) => join(directory, program)).find(isThere) ?? program
}

/** Resolves from the source and from its compiled copy in dist-stack/. */
function repositoryPath(relative: string): string {
  let directory = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(directory, 'package.json'))) directory = dirname(directory)
  return join(directory, relative)
}
