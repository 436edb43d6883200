/** One host of a running swarm: its client, the contents it downloads, completion time, and connections to other sites. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type ClientKind,
  type RunningClient,
  connectedAddresses,
  makeHostDirectories,
} from './clients/client.ts'
import type { Content } from './content.ts'
import { type LabHost, siteOfAddress } from './plan.ts'
import { endProgram, isRunning } from './processes.ts'
import type { RunOptions } from './result.ts'
import type { WatchTarget } from './watcher.ts'

interface MemberJob {
  readonly host: LabHost
  readonly kind: ClientKind
  readonly wanted: readonly Content[]
  readonly torrentFiles: readonly string[]
  readonly directory: string
  readonly isSource: boolean
  readonly options: RunOptions
}

export class LabMember {
  readonly host: LabHost
  readonly kind: ClientKind
  readonly wanted: readonly Content[]
  readonly isSource: boolean
  readonly remotePeers = new Set<string>()
  startedAtMs: number | undefined
  doneAtMs: number | undefined
  /** Removed by the scenario before it completed. */
  isLost = false
  /** Connections to other sites at the last poll. */
  remoteConnections = 0
  readonly #job: MemberJob
  #client: RunningClient | undefined

  constructor(job: MemberJob) {
    this.#job = job
    this.host = job.host
    this.kind = job.kind
    this.wanted = job.wanted
    this.isSource = job.isSource
  }

  get isDone(): boolean {
    return this.doneAtMs !== undefined
  }

  get isRunning(): boolean {
    const child = this.#client?.process()
    return child !== undefined && isRunning(child)
  }

  get logPath(): string {
    return join(this.#job.directory, 'client.log')
  }

  /** Target for `watch-targets.py`. */
  get progressTarget(): WatchTarget {
    return { name: this.host.name, namespace: this.host.name, ...this.kind.progress(this.#job.directory) }
  }

  dataPath(content: Content): string {
    return join(this.#job.directory, 'data', content.name)
  }

  async prepare(): Promise<void> {
    const { host, torrentFiles, isSource, directory, options } = this.#job
    const { data, done } = await makeHostDirectories(directory)
    this.#client = await this.kind.prepare({
      host,
      torrentFiles,
      isSource,
      settings: options.settings,
      directory,
      data,
      done,
      isWatched: options.comparesProgress,
    })
  }

  async start(): Promise<void> {
    this.startedAtMs = Date.now()
    await this.#client?.start()
  }

  /** Updates completion and the connections to other sites. */
  async poll(): Promise<void> {
    const child = this.#client?.process()
    if (child?.pid !== undefined && isRunning(child)) {
      const addresses = await connectedAddresses(child.pid)
      this.remoteConnections = 0
      for (const address of addresses) {
        const site = siteOfAddress(address)
        if (site === 0 || site === this.host.site) continue
        this.remotePeers.add(address)
        this.remoteConnections++
      }
    }
    if (!this.isDone && !this.isSource) this.doneAtMs = await this.#lastMarkMs()
  }

  /** Stops the client as a shutdown of its machine does; it announces `stopped`. */
  async stop(): Promise<void> {
    const child = this.#client?.process()
    if (child !== undefined) await endProgram(child, 'SIGTERM')
  }

  kill(): void {
    this.#client?.process()?.kill('SIGKILL')
  }

  /** Completion time of the last torrent; undefined until all are complete. */
  async #lastMarkMs(): Promise<number | undefined> {
    let lastMs = 0
    for (const content of this.wanted) {
      const mark = await stat(join(this.#job.directory, 'done', content.name)).catch(() => undefined)
      if (mark === undefined) return undefined
      lastMs = Math.max(lastMs, mark.mtimeMs)
    }
    return lastMs
  }
}
