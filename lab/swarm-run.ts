/**
 * One run, from an empty network to a verified result: tracker, sources, leechers at their start times, faults at their
 * triggers, until all hosts have completed or the timeout. Runs inside the namespaces that `run-scenario.ts` created.
 */
import { link, mkdir, readFile } from 'node:fs/promises'
import { release } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandom } from '../src/core/random.ts'
import { clientsNamed } from './clients/kinds.ts'
import { closePort, drawClosedHosts } from './closed-ports.ts'
import { affectedHosts, collectHosts, keepLogs } from './collect-hosts.ts'
import { type Content, makeContent } from './content.ts'
import { FaultInjector } from './faults.ts'
import { type Impostor, planImpostors } from './impostors.ts'
import { LabMember } from './member.ts'
import { Meter, type Traffic } from './measure.ts'
import { addTrackerNamespace, buildNetwork, isolateSites } from './namespaces.ts'
import { NodeCpu } from './node-cpu.ts'
import { type LabHost, planHosts, siteName, siteNumbers, trackerAddress } from './plan.ts'
import type { RunOptions, ScenarioResult } from './result.ts'
import { boundSeconds, copiesInFloors, summarize } from './summary.ts'
import { type Scenario, type Start, scenarioNamed } from './scenarios.ts'
import { trackerNamed } from './trackers/kinds.ts'
import { siteswarmProgram } from './trackers/rewritten-torrent.ts'
import { type RunningTracker, completePeers, isListening } from './trackers/tracker.ts'
import { wanRate } from './wan-rate.ts'
import { WarmMemory } from './warm-memory.ts'

/** Polling costs processor time for each host; the chart does not show more than one sample a second. */
const TICK_MS = 1_000
/** Processors this busy may slow a swarm down … */
const CPU_FULL_SHARE = 0.9
/** … unless a link was full as well; headers and the last pieces account for the rest. */
const UPLINK_FULL_SHARE = 0.9
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

export async function runSwarm(options: RunOptions, context: RunContext): Promise<ScenarioResult> {
  const scenario = scenarioNamed(options.scenario)
  const startedAt = new Date().toISOString()
  const sites = siteNumbers(options)
  const hosts = planHosts(options)
  const impostors = planImpostors(scenario.impostors, context.directory)
  context.log(`building ${sites.length} sites with ${hosts.length} hosts`)
  await buildNetwork(options, [...hosts, ...impostors.map(({ host }) => host)], options)
  if (options.isIsolated) await isolateSites()
  const contents = await makeContents(options, scenario, context.directory)
  const warm = await WarmMemory.fill(join(context.directory, 'warm'), bytesToWrite(hosts, contents))
  const tracker = await openTracker(options, scenario, contents, context)
  const members = await prepareMembers(options, hosts, contents, tracker, context)

  const closed = await closePorts(members, options)

  const sources = members.filter((member) => member.isSource)
  for (const source of sources) await source.start()
  await waitForSources(contents, sources, tracker, context)
  await startImpostors(impostors, tracker, contents, context)

  const floor = copiesInFloors(scenario.torrents, sites)
  const bound = boundSeconds(options, scenario.torrents)
  const meter = await Meter.start(sites)
  const nodeCpu = await NodeCpu.start(tracker.nodes)
  const clock = new RunClock()
  const starts = startSeconds(scenario.start, members, bound, new SeededRandom(options.seed))
  const faults = new FaultInjector(scenario.faults, { members, tracker, options, clock, log: context.log })
  if (options.closed !== undefined)
    faults.record(
      `ports closed (${options.closed.mode}, draw of seed ${options.seed}): ${closed.map(({ host }) => host.name).join(' ')}`,
    )
  const outcome = await watch({ members, starts, meter, nodeCpu, faults, clock, options, context })

  const traffic = await meter.traffic()
  const cpu = await meter.cpu()
  const delivered = members.filter(({ isSource, isDone }) => !isSource && isDone)
  const nodeCpuUse = await nodeCpu?.end(delivered.length * contentBytes(contents))
  await faults.settle()
  await warm.end()
  for (const each of [...members, ...impostors]) each.kill()
  await tracker.stop()
  const hostResults = await collectHosts(members, contents, clock.startMs)
  const affected = await affectedHosts({
    hosts: hostResults,
    closed,
    impostors,
    removed: faults.removed,
    options,
  })
  await keepLogs([...members, ...impostors], hostResults, tracker.logPaths, options)
  const summaryContext = { sites, floor, boundSeconds: bound, contentBytes: contentBytes(contents) }
  const lastDone = Math.max(0, ...hostResults.map(({ doneSeconds }) => doneSeconds ?? 0))
  const busySeconds = [...traffic].map(
    ([site, { bytesIn, bytesOut }]) => (Math.max(bytesIn, bytesOut) * 8) / wanRate(options, site),
  )
  const uplinkShareMax = lastDone === 0 ? 0 : Math.max(...busySeconds) / lastDone
  return {
    options,
    startedAt,
    kernel: release(),
    outcome,
    boundSeconds: bound,
    ...summarize(hostResults, traffic, summaryContext),
    hosts: [...hostResults, ...impostors.map((impostor) => impostor.result())],
    cpu,
    nodeCpu: nodeCpuUse ?? null,
    uplinkShareMax,
    isSaturated: cpu.busyShareMean >= CPU_FULL_SHARE && uplinkShareMax < UPLINK_FULL_SHARE,
    samples: meter.samples,
    events: faults.events,
    affected,
  }
}

/** Time since the first leecher was started. */
export class RunClock {
  readonly startMs = Date.now()

  seconds(): number {
    return (Date.now() - this.startMs) / 1000
  }
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
  scenario: Scenario,
  contents: readonly Content[],
  context: RunContext,
): Promise<RunningTracker> {
  const namespace = 'tracker'
  const addresses = Array.from({ length: scenario.tiers }, (_, index) => trackerAddress(index))
  await addTrackerNamespace(namespace, addresses)
  const { directory } = context
  const tracker = await trackerNamed(options.tracker).open({
    directory,
    namespace,
    addresses,
    program: siteswarmProgram(options.checkout),
    // An older checkout has no carriers, and does not know the key. Settings are compared with a checkout without them.
    shape: options.checkout === undefined ? options : { ...options, carry: 'nodes' },
    environment: options.checkout === undefined ? options.nodeEnvironment : {},
    contents,
  })
  await tracker.start()
  await waitForTracker(tracker, contents, context)
  return tracker
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
async function closePorts(members: readonly LabMember[], options: RunOptions): Promise<LabMember[]> {
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

/** Start time of each leecher, in seconds. */
function startSeconds(
  start: Start,
  members: readonly LabMember[],
  bound: number,
  random: SeededRandom,
): Map<LabMember, number> {
  const starts = new Map<LabMember, number>()
  for (const member of members) {
    if (member.isSource) continue
    if (start.kind === 'staggered')
      starts.set(member, (random.below(1_000) / 1_000) * start.overBounds * bound)
    else if (start.kind === 'late-site' && member.host.site === start.site)
      starts.set(member, start.afterBounds * bound)
    else starts.set(member, 0)
  }
  return starts
}

interface RunningSwarm {
  readonly members: readonly LabMember[]
  readonly starts: ReadonlyMap<LabMember, number>
  readonly meter: Meter
  readonly nodeCpu: NodeCpu | undefined
  readonly faults: FaultInjector
  readonly clock: RunClock
  readonly options: RunOptions
  readonly context: RunContext
}

async function watch(run: RunningSwarm): Promise<ScenarioResult['outcome']> {
  const leechers = run.members.filter((member) => !member.isSource)
  const waiting = new Set(leechers)
  for (let tick = 1; ; tick++) {
    for (const member of waiting) {
      if ((run.starts.get(member) ?? 0) > run.clock.seconds()) continue
      waiting.delete(member)
      await member.start()
    }
    for (const member of run.members) await member.poll()
    const traffic: ReadonlyMap<number, Traffic> = await run.meter.sample()
    await run.nodeCpu?.sample()
    await run.faults.poll(traffic)
    const left = leechers.filter((member) => !member.isDone && !member.isLost)
    if (tick % 5 === 0) run.context.log(progressLine(run, left.length, traffic))
    if (left.length === 0) return 'finished'
    if (run.context.signal.aborted) return 'interrupted'
    if (run.clock.seconds() > run.options.timeoutSeconds) return 'timeout'
    // On a busy machine a tick may be late; missed ticks are skipped.
    await sleep(TICK_MS - ((Date.now() - run.clock.startMs) % TICK_MS))
  }
}

function progressLine(run: RunningSwarm, left: number, traffic: ReadonlyMap<number, Traffic>): string {
  const copies = [...traffic].map(
    ([site, value]) => `${siteName(site)} ${(value.payloadIn / run.options.sizeBytes).toFixed(2)}`,
  )
  return `${run.clock.seconds().toFixed(0)} s: ${left} hosts left, copies in: ${copies.join(', ')}`
}

/** Without the files of sources, which are hard links. */
const bytesToWrite = (hosts: readonly LabHost[], contents: readonly Content[]) =>
  (hosts.length - contents.length) * contentBytes(contents)

const contentBytes = (contents: readonly Content[]) =>
  contents.reduce((sum, content) => sum + content.sizeBytes, 0)
