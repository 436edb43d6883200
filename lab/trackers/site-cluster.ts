/** The nodes of one site and their Redis: each node in a namespace of its own, the Redis in that of the first node. */
import type { ChildProcess } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { addSiteTrackerNamespace } from '../namespaces.ts'
import { siteName, siteTrackerAddress } from '../plan.ts'
import { endProgram, isRunning, startProgram } from '../processes.ts'
import { ADMIN_TOKEN, type TrackerJob, type TrackerNode } from './tracker.ts'

interface SiteNode extends TrackerNode {
  readonly start: () => void
}

export class SiteCluster {
  readonly nodes: readonly TrackerNode[]
  readonly logPaths: readonly string[]
  readonly #nodes: readonly SiteNode[]
  readonly #directory: string
  #store: ChildProcess | undefined

  private constructor(directory: string, nodes: readonly SiteNode[], logPaths: readonly string[]) {
    this.#directory = directory
    this.#nodes = this.nodes = nodes
    this.logPaths = logPaths
  }

  static async prepare(home: string, site: number, job: TrackerJob): Promise<SiteCluster> {
    const directory = join(home, siteName(site))
    await mkdir(directory)
    const nodes: SiteNode[] = []
    const logPaths: string[] = []
    for (let number = 1; number <= job.shape.nodes; number++) {
      const name = `${siteName(site)}-n${number}`
      const address = siteTrackerAddress(site, number)
      await addSiteTrackerNamespace(`tracker-${name}`, site, address, job.shape.nodeBitsPerSecond)
      const [configuration, log] = [join(directory, `${name}.yaml`), join(directory, `${name}.log`)]
      await writeFile(configuration, configurationOf(site, name))
      logPaths.push(log)
      const serve = [process.execPath, job.program, 'serve', '--config', configuration]
      let child: ChildProcess | undefined
      nodes.push({
        name,
        site,
        namespace: `tracker-${name}`,
        process: () => child,
        start: () => {
          const place = { directory, log, environment: job.environment(site) }
          child = startProgram(`tracker-${name}`, serve, place)
        },
      })
    }
    return new SiteCluster(directory, nodes, logPaths)
  }

  get isRunning(): boolean {
    const children = [this.#store, ...this.#nodes.map((node) => node.process())]
    return children.every((child) => child !== undefined && isRunning(child))
  }

  start(): void {
    if (this.#store === undefined || !isRunning(this.#store)) this.startStore()
    for (const node of this.#nodes) node.start()
  }

  /** Stops the nodes alone, as in an upgrade; the site's state stays in its Redis. */
  async stop(): Promise<void> {
    await Promise.all(
      this.#nodes.map(async (node) => {
        const child = node.process()
        if (child !== undefined) await endProgram(child, 'SIGTERM')
      }),
    )
  }

  startStore(): void {
    const directory = this.#directory
    const lasting = ['--save', '', '--appendonly', 'no', '--protected-mode', 'no']
    const redis = ['redis-server', '--port', '6379', ...lasting, '--dir', directory]
    const namespace = this.#nodes[0]?.namespace ?? ''
    this.#store = startProgram(namespace, redis, { directory, log: join(directory, 'redis.log') })
  }

  killStore(): void {
    this.#store?.kill('SIGKILL')
  }

  kill(): void {
    for (const node of this.#nodes) node.process()?.kill('SIGKILL')
    this.killStore()
  }
}

function configurationOf(site: number, name: string): string {
  return [
    `site: ${siteName(site)}`,
    'topology: ../topology.yaml',
    'listen: { http: "0.0.0.0:6969", udp: "0.0.0.0:6969", admin: "0.0.0.0:6970" }',
    `store: redis://${siteTrackerAddress(site)}:6379`,
    `dataDirectory: ./data-${name}`,
    `admin: { token: ${ADMIN_TOKEN} }`,
    'federation: { token: between-the-sites }',
    '',
  ].join('\n')
}
