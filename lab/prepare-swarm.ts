/** The swarm of a run before its leechers start: network, content, tracker, and sources that have announced. */
import { link, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { clientsNamed } from './clients/kinds.ts'
import { closePort, drawClosedHosts } from './closed-ports.ts'
import { type Content, makeContent, writeTorrent } from './content.ts'
import { type Impostor, planImpostors } from './impostors.ts'
import { LabMember } from './member.ts'
import { addTrackerNamespace, buildNetwork, isolateSites } from './namespaces.ts'
import { type LateHost, SLOW_NIC_SHARE, namesOfLateHosts } from './late-hosts.ts'
import { hoursThatOpenAfter } from './link-hours.ts'
import { type LabHost, type LabShape, planHosts, trackerAddress } from './plan.ts'
import type { RunOptions } from './result.ts'
import { WEBHOOK_PORT, WEBHOOK_SECRET } from './rollout-watch.ts'
import type { Scenario } from './scenarios.ts'
import { trackerNamed } from './trackers/kinds.ts'
import { siteswarmProgram } from './trackers/rewritten-torrent.ts'
import { type RunningTracker, announceUrl, completePeers, isListening } from './trackers/tracker.ts'
import { WarmMemory } from './warm-memory.ts'

/** Checking 192 MiB and announcing takes a client seconds. */
const SOURCE_TIMEOUT_MS = 60_000
/** Starting Redis and a node takes seconds while all processors are busy. */
const TRACKER_TIMEOUT_MS = 60_000

export interface RunContext {
  /** On the memory disk; removed after the run. */
  readonly directory: string
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

export interface PreparedSwarm {
  /** Time at which the links open; undefined if they have no hours. */
  readonly linksOpenAtMs: number | undefined
  readonly late: ReadonlyMap<string, LateHost['how']>
  readonly contents: readonly Content[]
  readonly warm: WarmMemory
  readonly tracker: RunningTracker
  readonly members: readonly LabMember[]
  /** Members behind a host firewall. */
  readonly closed: readonly LabMember[]
  readonly impostors: readonly Impostor[]
}

export async function prepareSwarm(
  options: RunOptions,
  scenario: Scenario,
  context: RunContext,
): Promise<PreparedSwarm> {
  const hosts = planHosts(options)
  const impostors = planImpostors(scenario.impostors, context.directory)
  context.log(`building ${options.sites} sites with ${hosts.length} hosts`)
  const late = namesOfLateHosts(scenario.late, options)
  const slow = [...late].filter(([, how]) => how === 'slow').map(([name]) => name)
  const nicBitsPerSecondOfHost = new Map(
    slow.map((name) => [name, options.nicBitsPerSecond * SLOW_NIC_SHARE]),
  )
  const everyHost = [...hosts, ...impostors.map(({ host }) => host)]
  await buildNetwork(options, everyHost, { ...options, nicBitsPerSecondOfHost })
  if (options.isIsolated) await isolateSites()
  const contents = await makeContents(options, scenario, context.directory)
  const warm = await WarmMemory.fill(join(context.directory, 'warm'), bytesToWrite(hosts, contents))
  const hours =
    options.linkOpensAfterSeconds === undefined
      ? undefined
      : hoursThatOpenAfter(Date.now(), options.linkOpensAfterSeconds * 1000)
  const shape = hours === undefined ? options : { ...options, linkHours: hours.text }
  const tracker = await openTracker(options, shape, scenario, contents, context)
  const members = await prepareMembers(options, hosts, contents, tracker, context)
  const closed = await closePorts(members, options, late)
  const sources = members.filter((member) => member.isSource)
  for (const source of sources) await source.start()
  await waitForSources(contents, sources, tracker, context)
  await startImpostors(impostors, tracker, contents, context)
  return { contents, warm, tracker, members, closed, impostors, late, linksOpenAtMs: hours?.opensAtMs }
}

async function makeContents(options: RunOptions, scenario: Scenario, directory: string): Promise<Content[]> {
  const contents: Content[] = []
  for (let index = 0; index < scenario.torrents; index++) {
    const name = `content-${index + 1}`
    const { sizeBytes, seed } = options
    contents.push(
      await makeContent(join(directory, name), { name, sizeBytes, seed, isPrivate: scenario.isPrivate }),
    )
  }
  return contents
}

async function openTracker(
  options: RunOptions,
  shape: LabShape,
  scenario: Scenario,
  contents: readonly Content[],
  context: RunContext,
): Promise<RunningTracker> {
  const namespace = 'tracker'
  const addresses = Array.from({ length: scenario.tiers }, (_, index) => trackerAddress(index))
  await addTrackerNamespace(namespace, addresses)
  const { directory } = context
  const registered = options.comparesProgress ? await registerTorrents(directory, contents) : undefined
  const tracker = await trackerNamed(options.tracker).open({
    directory,
    namespace,
    addresses,
    program: siteswarmProgram(options.checkout),
    // An older checkout has no carriers, and does not know the key. Settings are compared with a checkout without them.
    shape: options.checkout === undefined ? shape : { ...shape, carry: 'nodes' },
    environment: (site) => ({
      ...(options.checkout === undefined ? options.nodeEnvironment : {}),
      ...(registered === undefined ? {} : registeredEnvironment(registered, site)),
    }),
    contents,
  })
  await tracker.start()
  await waitForTracker(tracker, contents, context)
  return tracker
}

/** Original torrents in a directory that the nodes of every site read. */
async function registerTorrents(directory: string, contents: readonly Content[]): Promise<string> {
  const registered = join(directory, 'registered')
  await mkdir(registered)
  for (const content of contents)
    await writeTorrent(join(registered, `${content.name}.torrent`), content, [announceUrl(trackerAddress(0))])
  return registered
}

/** The nodes of the first site send the events of all sites. */
function registeredEnvironment(registered: string, site: number): Record<string, string> {
  return {
    SITESWARM_TORRENTS_DIRECTORY: registered,
    ...(site === 1
      ? {
          SITESWARM_WEBHOOKS_URLS: `http://127.0.0.1:${WEBHOOK_PORT}/`,
          SITESWARM_WEBHOOKS_SECRET: WEBHOOK_SECRET,
        }
      : {}),
  }
}

async function waitForTracker(
  tracker: RunningTracker,
  contents: readonly Content[],
  context: RunContext,
): Promise<void> {
  const deadlineMs = Date.now() + TRACKER_TIMEOUT_MS
  const infoHash = contents[0]?.infoHash ?? Buffer.alloc(20)
  while (!(await isListening(tracker.observedAt, infoHash))) {
    context.signal.throwIfAborted()
    await sleep(100)
    if (tracker.isRunning && Date.now() < deadlineMs) continue
    throw new Error(`the tracker does not answer\n${lastLines(await logsOf(tracker.logPaths.slice(0, 1)))}`)
  }
}

/** The source of torrent n is the first host of site n; it joins that torrent alone. */
async function prepareMembers(
  options: RunOptions,
  hosts: readonly LabHost[],
  contents: readonly Content[],
  tracker: RunningTracker,
  context: RunContext,
): Promise<LabMember[]> {
  const kinds = clientsNamed(options.client)
  const members: LabMember[] = []
  for (const [index, host] of hosts.entries()) {
    const isFirstOfSite = hosts.findIndex((other) => other.site === host.site) === index
    const own = isFirstOfSite ? contents[host.site - 1] : undefined
    const kind = kinds[index % kinds.length]
    if (kind === undefined) continue
    const directory = join(context.directory, 'hosts', host.name)
    await mkdir(join(directory, 'data'), { recursive: true })
    if (own !== undefined) await link(own.path, join(directory, 'data', own.name))
    const wanted = own === undefined ? contents : [own]
    const torrentFiles: string[] = []
    for (const content of wanted) torrentFiles.push(await tracker.torrentFor(host, content))
    members.push(
      new LabMember({ host, kind, wanted, torrentFiles, directory, isSource: own !== undefined, options }),
    )
  }
  context.log(`starting ${members.length} clients`)
  await Promise.all(members.map((member) => member.prepare()))
  return members
}

/** The members behind a host firewall, which is active before the first of them starts. */
async function closePorts(
  members: readonly LabMember[],
  options: RunOptions,
  late: ReadonlyMap<string, LateHost['how']>,
): Promise<LabMember[]> {
  for (const { host, kind } of members)
    if (late.get(host.name) === 'closed') await closePort(host, kind.port, 'drop')
  if (options.closed === undefined) return []
  const sources = new Set(members.filter(({ isSource }) => isSource).map(({ host }) => host.name))
  const hosts = members.map(({ host }) => host)
  const names = new Set(drawClosedHosts(options.closed, hosts, sources, options.seed))
  const closed = members.filter(({ host }) => names.has(host.name))
  for (const { host, kind } of closed) await closePort(host, kind.port, options.closed.mode)
  return closed
}

async function startImpostors(
  impostors: readonly Impostor[],
  tracker: RunningTracker,
  contents: readonly Content[],
  context: RunContext,
): Promise<void> {
  const [content] = contents
  if (content === undefined) return
  for (const impostor of impostors) {
    await impostor.start(await tracker.torrentFor(impostor.host, content), content, context.signal)
    context.log(`${impostor.host.name} has announced as ${impostor.kind}`)
  }
}

async function waitForSources(
  contents: readonly Content[],
  sources: readonly LabMember[],
  tracker: RunningTracker,
  context: RunContext,
): Promise<void> {
  const deadlineMs = Date.now() + SOURCE_TIMEOUT_MS
  for (const content of contents) {
    while ((await completePeers(tracker.observedAt, content.infoHash)) === 0) {
      context.signal.throwIfAborted()
      await sleep(100)
      const stopped = [tracker, ...sources].find(({ isRunning }) => !isRunning)
      if (stopped === undefined && Date.now() < deadlineMs) continue
      const why =
        stopped === undefined
          ? 'no source announced to the tracker in time'
          : 'a program ended before the start'
      const logPaths = [...tracker.logPaths, ...sources.map(({ logPath }) => logPath)]
      throw new Error(`${why}\n${await logsOf(logPaths)}`)
    }
  }
}

async function logsOf(paths: readonly string[]): Promise<string> {
  return (await Promise.all(paths.map(async (path) => lastLines(await readFile(path, 'utf8'))))).join('\n')
}

const lastLines = (log: string) => log.trim().split('\n').slice(-8).join('\n')

/** Without the files of sources, which are hard links. */
const bytesToWrite = (hosts: readonly LabHost[], contents: readonly Content[]) =>
  (hosts.length - contents.length) * contentBytes(contents)

export const contentBytes = (contents: readonly Content[]) =>
  contents.reduce((sum, content) => sum + content.sizeBytes, 0)
