/** Observations of a run beside its hosts and links: late hosts, the link into a site, a rollout. Most runs have none of them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { LateHosts } from './late-hosts.ts'
import { LinkWatch } from './link-watch.ts'
import { requestNode } from './node-requests.ts'
import { siteName, siteNumbers } from './plan.ts'
import type { PreparedSwarm } from './prepare-swarm.ts'
import type { RunOptions, ScenarioResult } from './result.ts'
import { RolloutWatch } from './rollout-watch.ts'
import { siteswarmProgram } from './trackers/rewritten-torrent.ts'

interface WatchedRun {
  readonly swarm: PreparedSwarm
  readonly options: RunOptions
  readonly directory: string
  readonly clock: { readonly startMs: number; readonly seconds: () => number }
  readonly record: (text: string) => void
  readonly log: (line: string) => void
}

export class RunWatches {
  readonly lateHosts: LateHosts
  readonly #run: WatchedRun
  readonly #link: LinkWatch | undefined
  readonly #rollout: RolloutWatch | undefined
  #isLinkOpen: boolean

  private constructor(run: WatchedRun, rollout: RolloutWatch | undefined) {
    const { swarm, options, directory, clock, record } = run
    this.#run = run
    this.#rollout = rollout
    this.lateHosts = new LateHosts({ members: swarm.members, late: swarm.late, clock, record })
    this.#isLinkOpen = swarm.linksOpenAtMs === undefined
    const first = this.#isLinkOpen ? options.linkRate : 'closed'
    if (first !== undefined) this.#link = new LinkWatch(swarm.tracker.nodes ?? [], directory, first)
  }

  static async start(run: WatchedRun): Promise<RunWatches> {
    const { swarm, options, directory, log } = run
    const [content] = swarm.contents
    if (!options.comparesProgress || content === undefined) return new RunWatches(run, undefined)
    const rollout = await RolloutWatch.start({
      infoHash: content.infoHash.toString('hex'),
      nodes: swarm.tracker.nodes ?? [],
      members: swarm.members,
      late: swarm.late,
      program: siteswarmProgram(options.checkout),
      directory,
      log,
    })
    return new RunWatches(run, rollout)
  }

  async poll(): Promise<void> {
    await this.lateHosts.poll()
    const { swarm, clock, record } = this.#run
    if (this.#isLinkOpen || swarm.linksOpenAtMs === undefined || Date.now() < swarm.linksOpenAtMs) return
    this.#isLinkOpen = true
    record('the hours of the links begin')
    this.#link?.change('open', (swarm.linksOpenAtMs - clock.startMs) / 1000)
  }

  /** Of all links between sites, by the admin API of a node. */
  async setLinkRate(rate: string | null): Promise<void> {
    const { swarm, options, clock, record } = this.#run
    const [node] = swarm.tracker.nodes ?? []
    const sites = siteNumbers(options).map(siteName)
    for (const [index, a] of sites.entries())
      for (const b of sites.slice(index + 1)) {
        const response = node && (await requestNode(node, 'POST', `/api/v1/links/${a}/${b}`, { rate }))
        record(`rate of ${a}–${b}: ${rate ?? 'that of the topology'}, status ${response?.status ?? 'none'}`)
      }
    this.#link?.change(rate ?? 'topology', clock.seconds())
  }

  /** Lines of the report. */
  async end(samples: ScenarioResult['samples']): Promise<string[]> {
    const { clock } = this.#run
    const link = this.#link?.end(clock.startMs, this.#run.options.sizeBytes, samples) ?? []
    const rollout = (await this.#rollout?.end(clock.startMs, (ms) => sleep(ms))) ?? []
    return [...link, ...rollout]
  }
}
