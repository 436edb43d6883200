/**
 * Watches a registered torrent during a run: the interfaces of all clients, `/swarms/INFOHASH/peers` and
 * `/rollouts/INFOHASH` of a node of each site once a second, webhooks, and the command `wait`.
 */
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { LateHost } from './late-hosts.ts'
import type { LabMember } from './member.ts'
import { adminUrl, requestNode } from './node-requests.ts'
import { siteName } from './plan.ts'
import { endProgram, isRunning, startProgram } from './processes.ts'
import { reportRollout } from './rollout-report.ts'
import { ADMIN_TOKEN, type TrackerNode } from './trackers/tracker.ts'
import { type WatchTarget, Watcher } from './watcher.ts'

export const WEBHOOK_PORT = 9000
export const WEBHOOK_SECRET = 'secret-of-the-laboratory'
/** Without a number of expected hosts `complete` is reported after 30 s; with one, at the next measurement. */
const SETTLE_SECONDS = 8

interface RolloutWatchJob {
  readonly infoHash: string
  readonly nodes: readonly TrackerNode[]
  readonly members: readonly LabMember[]
  readonly late: ReadonlyMap<string, LateHost['how']>
  readonly program: string
  readonly directory: string
  readonly log: (line: string) => void
}

export class RolloutWatch {
  readonly #job: RolloutWatchJob
  readonly #watcher: Watcher
  readonly #wait: ChildProcess
  #waitEndedAtMs: number | undefined

  private constructor(job: RolloutWatchJob, first: TrackerNode) {
    this.#job = job
    this.#watcher = new Watcher(targetsOf(job), join(job.directory, 'watcher.log'))
    const wait = [process.execPath, job.program, 'wait', job.infoHash, '--url', adminUrl('')]
    this.#wait = startProgram(first.namespace, wait, {
      directory: job.directory,
      log: join(job.directory, 'wait.log'),
      environment: { SITESWARM_ADMIN_TOKEN: ADMIN_TOKEN },
    })
    this.#wait.once('exit', () => (this.#waitEndedAtMs = Date.now()))
  }

  /** Before the leechers start. Every leecher is expected. */
  static async start(job: RolloutWatchJob): Promise<RolloutWatch> {
    const [first] = job.nodes
    if (first === undefined) throw new Error('only nodes of siteswarm have rollouts')
    const hosts: Record<string, number> = {}
    for (const { host, isSource } of job.members)
      if (!isSource) hosts[siteName(host.site)] = (hosts[siteName(host.site)] ?? 0) + 1
    const path = `/api/v1/rollouts/${job.infoHash}/expect`
    const response = await requestNode(first, 'PUT', path, { hosts })
    if (response?.status !== 200) throw new Error(`PUT ${path}: ${response?.status} ${response?.text}`)
    return new RolloutWatch(job, first)
  }

  /** Lines of the report. Waits a few seconds for the last events. */
  async end(startMs: number, sleep: (ms: number) => Promise<unknown>): Promise<string[]> {
    await sleep(SETTLE_SECONDS * 1000)
    const { members, late } = this.#job
    const leechers = members.filter(({ isSource }) => !isSource)
    const doneMs = Math.max(...leechers.map(({ doneAtMs }) => doneAtMs ?? Infinity))
    const waited =
      this.#waitEndedAtMs === undefined
        ? `wait has not returned ${SETTLE_SECONDS} s after the end`
        : `wait returned ${((this.#waitEndedAtMs - doneMs) / 1000).toFixed(1)} s after the last host, exit code ${this.#wait.exitCode}`
    if (isRunning(this.#wait)) await endProgram(this.#wait, 'SIGTERM')
    this.#watcher.stop()
    const hosts = leechers.map(({ host, doneAtMs }) => ({
      name: host.name,
      address: host.address,
      site: siteName(host.site),
      late: late.get(host.name),
      doneAt: doneAtMs === undefined ? undefined : doneAtMs / 1000,
    }))
    const run = { readings: this.#watcher.readings, hosts, startAt: startMs / 1000 }
    return [...reportRollout(run), waited]
  }
}

function targetsOf({ infoHash, nodes, members }: RolloutWatchJob): WatchTarget[] {
  const bySite = new Map<number, TrackerNode>()
  for (const node of nodes) if (!bySite.has(node.site)) bySite.set(node.site, node)
  const ofNodes = [...bySite].flatMap(([site, { namespace }]) => {
    const suffix = site === 0 ? '' : ` ${siteName(site)}`
    const peers = `/api/v1/swarms/${infoHash}/peers?limit=1000${site === 0 ? '' : `&site=${siteName(site)}`}`
    const target = { namespace, kind: 'node', token: ADMIN_TOKEN }
    return [
      { ...target, name: `peers${suffix}`, path: peers },
      { ...target, name: `rollout${suffix}`, path: `/api/v1/rollouts/${infoHash}` },
    ]
  })
  const receiver = { kind: 'webhooks', port: WEBHOOK_PORT, secret: WEBHOOK_SECRET }
  const [first] = nodes
  return [
    ...members.filter(({ isSource }) => !isSource).map((member) => member.progressTarget),
    ...ofNodes,
    ...(first === undefined ? [] : [{ name: 'webhooks', namespace: first.namespace, ...receiver }]),
  ]
}
