/** Faults of the nodes of siteswarm and their stores. Other trackers have none: the fault is recorded as without effect. */
import { setTimeout as sleep } from 'node:timers/promises'
import { carrierOf } from './node-requests.ts'
import { siteName } from './plan.ts'
import { endProgram, isRunning } from './processes.ts'
import type { RunningTracker, TrackerNode } from './trackers/tracker.ts'

interface NodeFaultContext {
  readonly tracker: RunningTracker
  readonly clock: { readonly seconds: () => number }
  readonly record: (text: string) => void
}

/** Polling costs processor time; the figure of interest is five seconds. */
const SUCCESSION_POLL_MS = 500
const SUCCESSION_SECONDS_MAX = 30

/** Ends the node that carries the content of a site, and records when another one carries. */
export async function endCarrier(
  site: number,
  how: 'sigkill' | 'sigterm',
  context: NodeFaultContext,
): Promise<void> {
  const { tracker, clock, record } = context
  const nodes = (tracker.nodes ?? []).filter((node) => node.site === site || node.site === 0)
  const carrier = (await carrierOf(nodes, siteName(site))) ?? nodes[0]
  const child = carrier?.process()
  if (carrier === undefined || child === undefined) {
    record(`${siteName(site)} has no node: nothing is ended`)
    return
  }
  const others = nodes.filter((node) => node !== carrier)
  const endedAt = clock.seconds()
  if (how === 'sigkill') child.kill('SIGKILL')
  record(`the carrier of ${siteName(site)}, ${carrier.name}, gets ${how.toUpperCase()}`)
  await Promise.all([
    how === 'sigterm' ? stopNode(carrier, context) : undefined,
    recordSuccessor(site, others, endedAt, context),
  ])
}

async function stopNode(node: TrackerNode, { record }: NodeFaultContext): Promise<void> {
  const child = node.process()
  if (child === undefined) return
  await endProgram(child, 'SIGTERM', 30_000)
  record(`${node.name} has ended: ${child.signalCode ?? `exit code ${child.exitCode}`}`)
}

async function recordSuccessor(
  site: number,
  others: readonly TrackerNode[],
  endedAt: number,
  { clock, record }: NodeFaultContext,
): Promise<void> {
  const running = others.filter((node) => {
    const child = node.process()
    return child !== undefined && isRunning(child)
  })
  if (running.length === 0) return
  while (clock.seconds() < endedAt + SUCCESSION_SECONDS_MAX) {
    const successor = await carrierOf(running, siteName(site))
    const afterSeconds = (clock.seconds() - endedAt).toFixed(1)
    if (successor !== undefined) {
      record(`${successor.name} carries, ${afterSeconds} s later`)
      return
    }
    await sleep(SUCCESSION_POLL_MS)
  }
  record(`no other node of ${siteName(site)} carries after ${SUCCESSION_SECONDS_MAX} s`)
}

/** SIGKILL to the store of a site, which starts again empty. */
export async function killStore(
  site: number,
  downSeconds: number,
  { tracker, record }: NodeFaultContext,
): Promise<void> {
  if (tracker.store === undefined) {
    record(`${siteName(site)} has no store: nothing is killed`)
    return
  }
  tracker.store.kill(site)
  record(`the store of ${siteName(site)} is killed`)
  await sleep(downSeconds * 1000)
  tracker.store.start(site)
  record(`the store of ${siteName(site)} is started again, empty`)
}
