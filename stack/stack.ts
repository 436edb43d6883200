/**
 * A whole installation on this machine without Docker: the parts of docker-compose.yml as processes on loopback, for
 * experiments (`npm run stack`) and for tests that need more than one node.
 *
 * All files are in one directory. All processes have ended when the stack has stopped, in any order of exits.
 */
import { randomBytes } from 'node:crypto'
import { accessSync, constants, existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { InputError } from '../src/core/errors.ts'
import { Exits } from './exits.ts'
import { Part } from './part.ts'
import {
  fixedPlan,
  freePlan,
  nodeFile,
  type NodeFileSettings,
  type NodePlan,
  type StackPlan,
  targetsFile,
  topologyFile,
} from './plan.ts'
import { repositoryPath } from './repository-path.ts'
import { adminUrl, announceUrl } from './stack-document.ts'

/** A busy machine takes seconds to start five nodes. */
const READY_DEADLINE_MS = 60_000
/** Name of a part's log in the part's directory. */
const LOG_NAME = 'log'
const POLL_INTERVAL_MS = 100

export interface StackSettings {
  /** `fixed`: the ports of docker-compose.yml. `free`: any free ones, for several stacks at a time. */
  readonly ports: 'fixed' | 'free'
  readonly prometheus: boolean
  /** `stop` removes everything but the logs. */
  readonly keepsLogs?: boolean
  /** Called when a part exits unexpectedly after the start. */
  readonly onExit?: (error: Error) => void
  /** Aborts the start. */
  readonly signal?: AbortSignal
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
  start(signal?: AbortSignal): Promise<void>
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
  /** Stops everything, in the reverse order, and removes the directory, or all of it but the logs. */
  stop(): Promise<void>
  /** The same without waiting. */
  kill(): void
}

/** Resolves when every node is ready. Rejects, with everything stopped, if a part exits before. */
export async function startStack(settings: StackSettings): Promise<RunningStack> {
  const plan = settings.ports === 'fixed' ? fixedPlan : await freePlan()
  const directory = await mkdtemp(join(tmpdir(), 'siteswarm-stack-'))
  const parts: Part[] = []
  const exits = new Exits()
  const add = async (name: string, command: readonly [string, ...string[]]) => {
    const home = join(directory, name)
    await mkdir(home, { recursive: true })
    const logPath = join(home, LOG_NAME)
    const part = new Part({ name, command, directory: home, logPath, onExit: (error) => exits.add(error) })
    parts.push(part)
    return part
  }
  const stop = async () => {
    // Nodes before Redis, because they write their state to it; parts of one kind in parallel.
    for (const kind of ['prometheus', 'node', 'redis'])
      await Promise.all(parts.filter((part) => kindOf(part) === kind).map((part) => part.stop()))
    if (settings.keepsLogs === true) await removeAllButLogs(directory)
    else await rm(directory, { recursive: true, force: true })
  }

  try {
    const topologyPath = join(directory, 'topology.yaml')
    await writeFile(topologyPath, topologyFile(plan))
    const redis = await startRedis(plan, add)
    const nodeFiles = { federationToken: randomBytes(16).toString('hex'), more: settings.more ?? '' }
    const nodes: StackNode[] = []
    for (const node of plan.nodes)
      nodes.push(await addNode(node, { plan, nodeFiles, serve: settings.serve ?? [], add, exits }))
    await Promise.all(nodes.map((node) => node.start(settings.signal)))
    const prometheusUrl = settings.prometheus ? await startPrometheus(plan, add) : undefined
    exits.report(settings.onExit ?? (() => undefined))
    return {
      directory,
      topologyPath,
      nodes,
      redis,
      prometheusUrl,
      stop,
      kill: () => parts.forEach((part) => part.kill()),
    }
  } catch (error) {
    await stop()
    settings.signal?.throwIfAborted()
    const logs = settings.keepsLogs === true ? `\nThe logs are in ${directory}` : ''
    throw new InputError(`${error instanceof Error ? error.message : String(error)}${logs}`)
  }
}

async function removeAllButLogs(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name)
    if (!existsSync(join(path, LOG_NAME))) await rm(path, { recursive: true, force: true })
    else
      for (const inside of await readdir(path))
        if (inside !== LOG_NAME) await rm(join(path, inside), { recursive: true, force: true })
  }
}

type Add = (name: string, command: readonly [string, ...string[]]) => Promise<Part>

const kindOf = ({ name }: Part) =>
  name === 'prometheus' ? 'prometheus' : name.endsWith('-redis') ? 'redis' : 'node'

async function startRedis(plan: StackPlan, add: Add): Promise<StackRedis[]> {
  const redis: StackRedis[] = []
  const program = find('redis-server')
  if (!existsSync(program)) throw new Error('redis-server is not installed: apt-get install redis-server')
  for (const { site, port } of plan.redis) {
    const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', '.']
    const configuration = repositoryPath('deploy/redis/single.conf')
    const part = await add(`${site}-redis`, [program, configuration, ...options])
    part.start()
    redis.push({ site, url: `redis://127.0.0.1:${port}`, part })
  }
  return redis
}

interface NodeSurroundings {
  readonly plan: StackPlan
  readonly nodeFiles: NodeFileSettings
  readonly serve: readonly string[]
  readonly add: Add
  readonly exits: Exits
}

async function addNode(
  node: NodePlan,
  { plan, nodeFiles, serve, add, exits }: NodeSurroundings,
): Promise<StackNode> {
  const program = repositoryPath('dist/main.js')
  const command = [process.execPath, program, 'serve', '--config', 'siteswarm.yaml', ...serve] as const
  const part = await add(node.name, command)
  await writeFile(join(dirname(part.logPath), 'siteswarm.yaml'), nodeFile(node, plan, nodeFiles))
  return {
    name: node.name,
    site: node.site,
    announceUrl: announceUrl(node),
    udpAnnounceUrl: `udp://127.0.0.1:${node.port}/announce`,
    adminUrl: adminUrl(node),
    logPath: part.logPath,
    get pid() {
      return part.pid
    },
    stop: (signal) => part.stop(signal),
    start: async (signal) => {
      part.start()
      await exits.during((exited) =>
        ready(node.name, adminUrl(node), AbortSignal.any(signal === undefined ? [exited] : [exited, signal])),
      )
    },
  }
}

async function ready(name: string, url: string, signal: AbortSignal): Promise<void> {
  const deadline = AbortSignal.timeout(READY_DEADLINE_MS)
  while (!deadline.aborted) {
    signal.throwIfAborted()
    const response = await fetch(`${url}/readyz`).catch(() => undefined)
    await response?.body?.cancel()
    if (response?.ok === true) return
    await pause(POLL_INTERVAL_MS)
  }
  throw new Error(`${name} was not ready within ${READY_DEADLINE_MS / 1000} s; see ${url}/readyz?verbose`)
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
