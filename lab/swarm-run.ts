/**
 * One run, from an empty network to a verified result: leechers at their start times, faults at their triggers, until all
 * hosts have completed or the timeout. Runs inside the namespaces that `run-scenario.ts` created.
 */
import { release } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandom } from '../src/core/random.ts'
import { affectedHosts, collectHosts, keepLogs } from './collect-hosts.ts'
import { FaultInjector } from './faults.ts'
import { detectionOf } from './gateway-loss.ts'
import type { LabMember } from './member.ts'
import { Meter, type Traffic } from './measure.ts'
import { NodeCpu } from './node-cpu.ts'
import { siteName, siteNumbers } from './plan.ts'
import { type RunContext, contentBytes, prepareSwarm } from './prepare-swarm.ts'
import type { RunOptions, ScenarioResult } from './result.ts'
import { RunWatches } from './run-watches.ts'
import { boundSeconds, copiesInFloors, summarize } from './summary.ts'
import { type Start, scenarioNamed } from './scenarios.ts'
import { wanRate } from './wan-rate.ts'

/** Polling costs processor time for each host; the chart does not show more than one sample a second. */
const TICK_MS = 1_000
/** Processors this busy may slow a swarm down … */
const CPU_FULL_SHARE = 0.9
/** … unless a link was full as well; headers and the last pieces account for the rest. */
const UPLINK_FULL_SHARE = 0.9

export async function runSwarm(options: RunOptions, context: RunContext): Promise<ScenarioResult> {
  const scenario = scenarioNamed(options.scenario)
  const startedAt = new Date().toISOString()
  const sites = siteNumbers(options)
  const swarm = await prepareSwarm(options, scenario, context)
  const { contents, tracker, members, closed, impostors } = swarm
  const floor = copiesInFloors(scenario.torrents, sites)
  const bound = boundSeconds(options, scenario.torrents)
  const meter = await Meter.start(sites)
  const nodeCpu = await NodeCpu.start(tracker.nodes)
  const clock = new RunClock()
  const starts = startSeconds(scenario.start, members, bound, new SeededRandom(options.seed))
  const { directory, log } = context
  const record = (text: string) => faults.record(text)
  const watches = await RunWatches.start({ swarm, options, directory, clock, record, log })
  const faults = new FaultInjector(scenario.faults, { members, tracker, watches, options, clock, log })
  if (options.closed !== undefined)
    record(
      `ports closed (${options.closed.mode}, draw of seed ${options.seed}): ${closed.map(({ host }) => host.name).join(' ')}`,
    )
  const outcome = await watch({ members, starts, meter, nodeCpu, faults, watches, clock, options, context })

  const traffic = await meter.traffic()
  const cpu = await meter.cpu()
  const delivered = members.filter(({ isSource, isDone }) => !isSource && isDone)
  const nodeCpuUse = await nodeCpu?.end(delivered.length * contentBytes(contents))
  await faults.settle()
  const report = await watches.end(meter.samples)
  await swarm.warm.end()
  for (const each of [...members, ...impostors]) each.kill()
  await tracker.stop()
  const detectedSeconds = await detectionOf(faults.removed, tracker.logPaths)
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
  const uplinkShareMax = uplinkShare(options, traffic, lastDone)
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
    detectedSeconds,
    report,
  }
}

/** Utilisation of the busiest uplink, in its busier direction. */
function uplinkShare(
  options: RunOptions,
  traffic: ReadonlyMap<number, Traffic>,
  lastDoneSeconds: number,
): number {
  const busySeconds = [...traffic].map(
    ([site, { bytesIn, bytesOut }]) => (Math.max(bytesIn, bytesOut) * 8) / wanRate(options, site),
  )
  return lastDoneSeconds === 0 ? 0 : Math.max(...busySeconds) / lastDoneSeconds
}

/** Time since the first leecher was started. */
export class RunClock {
  readonly startMs = Date.now()

  seconds(): number {
    return (Date.now() - this.startMs) / 1000
  }
}

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
  readonly watches: RunWatches
  readonly clock: RunClock
  readonly options: RunOptions
  readonly context: RunContext
}

async function watch(run: RunningSwarm): Promise<ScenarioResult['outcome']> {
  const leechers = run.members.filter((member) => !member.isSource)
  const waiting = new Set(leechers.filter((member) => !run.watches.lateHosts.isAbsent(member)))
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
    await run.watches.poll()
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
