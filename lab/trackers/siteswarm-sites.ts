/**
 * siteswarm in several sites: each site has a node and a Redis of its own on the site's network, joined by federation over
 * the shaped links, so that federation traffic is counted. The other sites' trackers are the fallback, which is the default
 * of a topology file.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeTorrent } from '../content.ts'
import { addSiteTrackerNamespace } from '../namespaces.ts'
import { type LabShape, siteCidr, siteName, siteNumbers, siteTrackerAddress } from '../plan.ts'
import { endProgram, isRunning, startProgram } from '../processes.ts'
import { bubbleLines, linkLines, rewrittenTorrent } from './rewritten-torrent.ts'
import { siteswarm } from './siteswarm.ts'
import { type TrackerKind, announceUrl } from './tracker.ts'

export const siteswarmSites: TrackerKind = {
  name: 'siteswarm-sites',
  summary: 'one node and one Redis in each site, joined by federation',
  isSiteswarm: true,
  requires: (program) => [
    ...siteswarm.requires(program),
    { program: 'redis-server', install: 'apt-get install redis-server' },
  ],
  open: async (job) => {
    const home = join(job.directory, 'siteswarm')
    await mkdir(home)
    const topology = join(home, 'topology.yaml')
    await writeFile(topology, topologyFile(job.shape))
    for (const content of job.contents)
      await writeTorrent(join(home, `${content.name}.torrent`), content, [announceUrl(siteTrackerAddress(1))])
    const sites: SiteProcesses[] = []
    for (const site of siteNumbers(job.shape)) {
      await addSiteTrackerNamespace(trackerNamespace(site), site)
      sites.push(await SiteProcesses.prepare(home, site, job.program))
    }
    return {
      logPath: sites[0]?.logPath ?? '',
      observedAt: siteTrackerAddress(1),
      get isRunning() {
        return sites.every((site) => site.isRunning)
      },
      start: async () => {
        for (const site of sites) await site.start()
      },
      stop: async () => {
        await Promise.all(sites.map((site) => site.stop()))
      },
      killSite: (site) => sites[site - 1]?.kill(),
      torrentFor: (host, content) =>
        rewrittenTorrent({ program: job.program, home, topology }, host, content),
    }
  },
}

const trackerNamespace = (site: number) => `tracker-${siteName(site)}`

/** The node and the Redis of one site. */
class SiteProcesses {
  readonly logPath: string
  readonly #namespace: string
  readonly #directory: string
  readonly #configuration: string
  readonly #program: string
  #redis: ChildProcess | undefined
  #node: ChildProcess | undefined

  private constructor(directory: string, site: number, program: string) {
    this.#program = program
    this.#directory = directory
    this.#namespace = trackerNamespace(site)
    this.#configuration = join(directory, 'siteswarm.yaml')
    this.logPath = join(directory, 'node.log')
  }

  static async prepare(home: string, site: number, program: string): Promise<SiteProcesses> {
    const processes = new SiteProcesses(join(home, siteName(site)), site, program)
    await mkdir(processes.#directory)
    await writeFile(
      processes.#configuration,
      [
        `site: ${siteName(site)}`,
        'topology: ../topology.yaml',
        'listen: { http: "0.0.0.0:6969", udp: "0.0.0.0:6969", admin: "0.0.0.0:6970" }',
        'store: redis://127.0.0.1:6379',
        'admin: { token: of-the-laboratory }',
        'federation: { token: between-the-sites }',
        '',
      ].join('\n'),
    )
    return processes
  }

  get isRunning(): boolean {
    return [this.#redis, this.#node].every((child) => child !== undefined && isRunning(child))
  }

  start(): Promise<void> {
    const directory = this.#directory
    const redis = ['redis-server', '--port', '6379', '--save', '', '--appendonly', 'no', '--dir', directory]
    const serve = [process.execPath, this.#program, 'serve', '--config', this.#configuration]
    if (this.#redis === undefined || !isRunning(this.#redis))
      this.#redis = startProgram(this.#namespace, redis, { directory, log: join(directory, 'redis.log') })
    this.#node = startProgram(this.#namespace, serve, { directory, log: this.logPath })
    return Promise.resolve()
  }

  /** Stops the node alone, as in an upgrade; the site's state stays in its Redis. */
  async stop(): Promise<void> {
    if (this.#node !== undefined) await endProgram(this.#node, 'SIGTERM')
  }

  kill(): void {
    this.#node?.kill('SIGKILL')
    this.#redis?.kill('SIGKILL')
  }
}

function topologyFile(shape: LabShape): string {
  const sites = siteNumbers(shape).flatMap((site) => [
    `  ${siteName(site)}:`,
    `    cidrs: [${siteCidr(site)}]`,
    `    trackers: [${announceUrl(siteTrackerAddress(site))}]`,
    `    federation: [http://${siteTrackerAddress(site)}:6970]`,
    ...bubbleLines(shape, site),
  ])
  return ['sites:', ...sites, ...linkLines(shape), 'unmapped: refuse', ''].join('\n')
}
