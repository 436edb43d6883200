/**
 * One run of the demonstration: publishes the file, starts the seed and the hosts, waits for all of them, compares the files,
 * and reads the copies from the metrics of the nodes.
 */
import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { InputError } from '../src/core/errors.ts'
import { sha256, writeRandomFile } from './demo-file.ts'
import { DemoHost } from './demo-host.ts'
import type { DemoTracker, SiteBytes } from './demo-tracker.ts'
import { freePorts } from './plan.ts'
import { repositoryPath } from './repository-path.ts'

const execute = promisify(execFile)

const FILE_NAME = 'image.bin'
const SEED = { name: 'nyc-seed', site: 'nyc', address: '127.3.1.5' } as const
/** Two hosts in one row of a site and one in the other. */
const HOSTS = [
  { name: 'fra-host-1', site: 'fra', address: '127.1.1.5' },
  { name: 'fra-host-2', site: 'fra', address: '127.1.1.6' },
  { name: 'fra-host-3', site: 'fra', address: '127.1.2.7' },
  { name: 'ams-host-1', site: 'ams', address: '127.2.1.5' },
  { name: 'ams-host-2', site: 'ams', address: '127.2.1.6' },
  { name: 'ams-host-3', site: 'ams', address: '127.2.2.7' },
] as const
const SITES = ['fra', 'ams'] as const

const POLL_INTERVAL_MS = 250
const PROGRESS_INTERVAL_MS = 2_000
/** A busy machine copies and hashes the default 700 MB in a minute; larger files get more. */
const TIMEOUT_MS = 180_000
const TIMEOUT_PER_MEGABYTE_MS = 500
/** aria2 announces its completion at once. */
const LAST_ANNOUNCE_TIMEOUT_MS = 10_000

export interface DemoResult {
  readonly infoHash: string
  readonly sizeBytes: number
  readonly sites: readonly {
    readonly site: string
    readonly hosts: number
    readonly lastSeconds: number
    readonly copies: number
  }[]
  readonly hosts: readonly {
    readonly name: string
    readonly address: string
    readonly completeSeconds: number
  }[]
}

export interface DemoRunSettings {
  readonly tracker: DemoTracker
  /** For the files and logs of the hosts. */
  readonly directory: string
  readonly sizeBytes: number
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

/** Stops its hosts in the end, also after a failure. */
export class DemoRun {
  readonly #settings: DemoRunSettings
  readonly #running: DemoHost[] = []
  #failure: Error | undefined

  constructor(settings: DemoRunSettings) {
    this.#settings = settings
  }

  async run(): Promise<DemoResult> {
    try {
      return await this.#distribute()
    } finally {
      await Promise.all(this.#running.map((host) => host.stop()))
    }
  }

  async #distribute(): Promise<DemoResult> {
    const megabytes = this.#settings.sizeBytes / 1e6
    const seedDirectory = join(this.#settings.directory, SEED.name)
    await mkdir(seedDirectory)
    const source = join(seedDirectory, FILE_NAME)
    await writeRandomFile(source, this.#settings.sizeBytes)
    const admin = this.#settings.tracker.nodeOf(SEED.site).admin
    this.#settings.log(
      `Publishing ${megabytes} MB in ${SEED.site}: siteswarm publish ${source} --url ${admin}`,
    )
    const published = await publish(source, admin)
    const torrents = new Map<string, string>()
    for (const { site, torrentUrl } of published.sites) {
      this.#settings.log(`  ${torrentUrl}`)
      const path = join(this.#settings.directory, `${site}.torrent`)
      await writeFile(path, await this.#settings.tracker.torrentFrom(torrentUrl, site))
      torrents.set(site, path)
    }

    const [seedPort = 0, ...ports] = await freePorts(HOSTS.length + 1)
    const infoHash = published.infoHashV1
    const dashboard = this.#settings.tracker.nodeOf(SITES[0]).admin
    this.#settings.log(`Watch it in a browser: ${dashboard}/#/rollouts/${infoHash}`)
    this.#settings.log(`Starting aria2 at ${SEED.address} as the seed`)
    await this.#start({ ...SEED, port: seedPort, isSeed: true }, torrents)
    for (const site of SITES) await this.#settings.tracker.waitForSeed(site, infoHash)

    const before = new Map<string, SiteBytes>()
    for (const site of SITES) before.set(site, await this.#settings.tracker.downloadedBytes(site))
    this.#settings.log(
      `Starting aria2 on ${HOSTS.length / SITES.length} hosts in each of ${SITES.join(' and ')}`,
    )
    const hosts: DemoHost[] = []
    for (const [index, host] of HOSTS.entries())
      hosts.push(await this.#start({ ...host, port: ports[index] ?? 0, isSeed: false }, torrents))
    await this.#waitForAll(hosts)
    this.#settings.log('Comparing the files of the hosts with the original')
    await this.#compare(hosts, source)

    const seconds = new Map<DemoHost, number>()
    for (const host of hosts) seconds.set(host, await host.completeSeconds())
    const sites: DemoResult['sites'][number][] = []
    for (const site of SITES) {
      const own = hosts.filter((host) => host.site === site)
      sites.push({
        site,
        hosts: own.length,
        lastSeconds: Math.max(...own.map((host) => seconds.get(host) ?? 0)),
        copies: await this.#copiesInto(site, own.length, before.get(site)),
      })
    }
    return {
      infoHash,
      sizeBytes: this.#settings.sizeBytes,
      sites,
      hosts: hosts.map((host) => ({
        name: host.name,
        address: host.address,
        completeSeconds: seconds.get(host) ?? 0,
      })),
    }
  }

  async #start(
    host: { name: string; site: string; address: string; port: number; isSeed: boolean },
    torrents: ReadonlyMap<string, string>,
  ): Promise<DemoHost> {
    const started = new DemoHost({
      ...host,
      torrentPath: torrents.get(host.site) ?? '',
      directory: this.#settings.directory,
      onExit: (error) => (this.#failure ??= error),
    })
    this.#running.push(started)
    await started.start()
    return started
  }

  async #waitForAll(hosts: readonly DemoHost[]): Promise<void> {
    const startMs = Date.now()
    const deadlineMs = startMs + TIMEOUT_MS + (this.#settings.sizeBytes / 1e6) * TIMEOUT_PER_MEGABYTE_MS
    let reportedMs = startMs
    while (!hosts.every((host) => host.isComplete)) {
      if (this.#failure !== undefined) throw new InputError(this.#failure.message)
      if (Date.now() > deadlineMs) {
        const late = hosts.filter((host) => !host.isComplete)
        const log = (await readFile(late[0]?.logPath ?? '', 'utf8')).trim().split('\n').slice(-8)
        throw new InputError(
          `not complete in time: ${late.map(({ name }) => name).join(', ')}; last lines of the first one:\n${log.join('\n')}`,
        )
      }
      await pause(POLL_INTERVAL_MS, undefined, { signal: this.#settings.signal })
      if (Date.now() - reportedMs < PROGRESS_INTERVAL_MS) continue
      reportedMs = Date.now()
      const counts = SITES.map((site) => {
        const own = hosts.filter((host) => host.site === site)
        return `${site} ${own.filter((host) => host.isComplete).length} of ${own.length}`
      })
      this.#settings.log(`  ${((Date.now() - startMs) / 1000).toFixed(0)} s: ${counts.join(', ')} complete`)
    }
  }

  async #compare(hosts: readonly DemoHost[], source: string): Promise<void> {
    const expected = await sha256(source)
    for (const host of hosts)
      if ((await sha256(join(host.dataDirectory, FILE_NAME))) !== expected)
        throw new InputError(`the file of ${host.name} differs from the original`)
  }

  /** Waits for the announces of all hosts: completion precedes the announce that reports it. */
  async #copiesInto(site: string, hosts: number, before: SiteBytes | undefined): Promise<number> {
    const deadlineMs = Date.now() + LAST_ANNOUNCE_TIMEOUT_MS
    for (;;) {
      const now = await this.#settings.tracker.downloadedBytes(site)
      const { sizeBytes, signal } = this.#settings
      if (now.all - (before?.all ?? 0) >= hosts * sizeBytes)
        return (now.entered - (before?.entered ?? 0)) / sizeBytes
      if (Date.now() > deadlineMs)
        throw new InputError(`the nodes of ${site} did not receive the last announces of its hosts`)
      await pause(POLL_INTERVAL_MS, undefined, { signal })
    }
  }
}

interface Published {
  readonly infoHashV1: string
  readonly sites: readonly { readonly site: string; readonly torrentUrl: string }[]
}

async function publish(source: string, adminUrl: string): Promise<Published> {
  const args = [repositoryPath('dist/main.js'), 'publish', source, '--url', adminUrl, '--json']
  try {
    return JSON.parse((await execute(process.execPath, args)).stdout) as Published
  } catch (error) {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    throw new InputError(`publish failed: ${output === '' ? String(error) : output}`)
  }
}
