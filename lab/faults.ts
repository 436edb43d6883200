/** Injects the faults of a scenario, each once, when its trigger is reached, and records them with their times. */
import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandom } from '../src/core/random.ts'
import type { LabMember } from './member.ts'
import type { Traffic } from './measure.ts'
import { cutHostLink, cutUplink, restoreUplink } from './namespaces.ts'
import { endCarrier, killStore } from './node-faults.ts'
import { readMetric } from './node-requests.ts'
import { siteName } from './plan.ts'
import type { RunOptions } from './result.ts'
import type { RunWatches } from './run-watches.ts'
import type { Fault, Scenario, Trigger } from './scenarios.ts'
import type { RunningTracker } from './trackers/tracker.ts'

interface FaultTargets {
  readonly members: readonly LabMember[]
  readonly tracker: RunningTracker
  readonly watches: RunWatches
  readonly options: RunOptions
  readonly clock: { seconds: () => number }
  readonly log: (line: string) => void
}

/** From here on the counters of the nodes are read, which costs a process for each node. */
const NEARLY_COMPLETE_SHARE = 0.98

export interface RemovedHost {
  readonly member: LabMember
  readonly how: 'sigkill' | 'link-cut'
  readonly seconds: number
  /** Since 1970, as in the logs of the nodes. */
  readonly removedAtMs: number
  /** Hosts of its site that had connections to other sites at the removal. */
  readonly connectedBefore: ReadonlySet<LabMember>
  /** The first other host of its site that connects to another site, and the time since the removal. */
  successor?: { readonly name: string; readonly afterSeconds: number }
}

export class FaultInjector {
  readonly events: { seconds: number; text: string }[] = []
  readonly removed: RemovedHost[] = []
  readonly #targets: FaultTargets
  readonly #pending: Set<Scenario['faults'][number]>
  readonly #running: Promise<void>[] = []

  constructor(faults: Scenario['faults'], targets: FaultTargets) {
    this.#targets = targets
    this.#pending = new Set(faults)
  }

  async poll(traffic: ReadonlyMap<number, Traffic>): Promise<void> {
    for (const fault of this.#pending) {
      if (!(await this.#isDue(fault.when, traffic))) continue
      this.#pending.delete(fault)
      this.#running.push(this.#inject(fault.what))
    }
    for (const removed of this.removed) if (removed.successor === undefined) this.#findSuccessor(removed)
  }

  /** Waits for the faults that are in progress. */
  async settle(): Promise<void> {
    await Promise.all(this.#running)
    for (const { what } of this.#pending) this.record(`no fault: the trigger of ${what.kind} was not reached`)
  }

  async #isDue(trigger: Trigger, traffic: ReadonlyMap<number, Traffic>): Promise<boolean> {
    const { options, clock } = this.#targets
    const holds = (site: number, share: number) =>
      (traffic.get(site)?.payloadIn ?? 0) >= share * options.sizeBytes
    if (trigger.kind === 'site-holds') return holds(trigger.site, trigger.share)
    if (trigger.kind === 'hosts-done') return this.#doneIn(trigger.site) >= trigger.count
    if (trigger.kind === 'seconds') return clock.seconds() >= trigger.after
    if (this.#doneIn(trigger.site) > 0) return true
    return holds(trigger.site, NEARLY_COMPLETE_SHARE) && (await this.#hasAllContent(trigger.site))
  }

  #doneIn(site: number | undefined): number {
    const { members } = this.#targets
    return members.filter(({ isDone, host }) => isDone && (site === undefined || host.site === site)).length
  }

  /** By the exact counters of the nodes of the site. */
  async #hasAllContent(site: number): Promise<boolean> {
    const { tracker, options } = this.#targets
    const nodes = (tracker.nodes ?? []).filter((node) => node.site === site)
    const relayed = await Promise.all(
      nodes.map((node) => readMetric(node, 'siteswarm_relayed_bytes_total', { site: siteName(site) })),
    )
    return relayed.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0) >= options.sizeBytes
  }

  async #inject(fault: Fault): Promise<void> {
    switch (fault.kind) {
      case 'remove-gateway':
        return this.#removeHost(this.#gatewayOf(fault.site), fault.how)
      case 'remove-host':
        return this.#removeHost(this.#drawHost(fault.site), fault.how)
      case 'end-sources':
        this.record(`the sources get ${fault.how.toUpperCase()}`)
        for (const member of this.#targets.members) {
          if (!member.isSource) continue
          if (fault.how === 'sigkill') member.kill()
          else await member.stop()
        }
        return
      case 'end-carrier':
        return endCarrier(fault.site, fault.how, this.#nodeContext())
      case 'set-link-rate':
        return this.#targets.watches.setLinkRate(fault.rate)
      case 'stop-late-hosts':
        return this.#targets.watches.lateHosts.stop(fault.site)
      case 'kill-store':
        return killStore(fault.site, fault.downSeconds, this.#nodeContext())
      case 'cut-uplink':
        await cutUplink(fault.site)
        this.record(`the uplink of ${siteName(fault.site)} is cut`)
        await sleep(fault.forSeconds * 1000)
        await restoreUplink(fault.site)
        this.record(`the uplink of ${siteName(fault.site)} is restored`)
        return
      case 'kill-site-tracker':
        this.#targets.tracker.killSite?.(fault.site)
        this.record(`the tracker of ${siteName(fault.site)} is killed`)
        return
      case 'restart-tracker':
        await this.#targets.tracker.stop()
        this.record('the tracker is stopped')
        await sleep(fault.downSeconds * 1000)
        await this.#targets.tracker.start()
        this.record('the tracker is started again')
    }
  }

  /** Found from outside, independently of the tracker: the host with the most connections to other sites. */
  #gatewayOf(site: number): LabMember | undefined {
    const { members, options } = this.#targets
    if (options.victim !== undefined) return members.find(({ host }) => host.name === options.victim)
    const [gateway] = members
      .filter((member) => member.host.site === site && !member.isSource && member.isRunning)
      .toSorted((left, right) => right.remoteConnections - left.remoteConnections)
    return gateway
  }

  #drawHost(site: number): LabMember | undefined {
    const { members, options } = this.#targets
    if (options.victim !== undefined) return members.find(({ host }) => host.name === options.victim)
    const candidates = members.filter(
      (member) => member.host.site === site && !member.isSource && !member.isDone && member.isRunning,
    )
    return candidates[new SeededRandom(options.seed).below(Math.max(1, candidates.length))]
  }

  #nodeContext() {
    const { tracker, clock } = this.#targets
    return { tracker, clock, record: (text: string) => this.record(text) }
  }

  async #removeHost(member: LabMember | undefined, how: RemovedHost['how']): Promise<void> {
    if (member === undefined) return
    member.isLost = !member.isDone
    const removedAtMs = Date.now()
    if (how === 'sigkill') member.kill()
    else await cutHostLink(member.host)
    const connectedBefore = new Set(this.#targets.members.filter((other) => other.remoteConnections > 0))
    this.removed.push({ member, how, seconds: this.#targets.clock.seconds(), removedAtMs, connectedBefore })
    this.record(
      `${member.host.name} is ${how === 'sigkill' ? 'killed' : 'cut off'}; ` +
        `it had ${member.remoteConnections} connections to other sites`,
    )
  }

  #findSuccessor(removed: RemovedHost): void {
    const { member, seconds, connectedBefore } = removed
    const successor = this.#targets.members.find(
      (other) =>
        other.host.site === member.host.site && other.remoteConnections > 0 && !connectedBefore.has(other),
    )
    if (successor === undefined) return
    const afterSeconds = this.#targets.clock.seconds() - seconds
    removed.successor = { name: successor.host.name, afterSeconds }
    this.record(
      `${successor.host.name} is connected to another site, ${afterSeconds.toFixed(1)} s after the removal of ${member.host.name}`,
    )
  }

  /** Adds an event at the current time and logs it. */
  record(text: string): void {
    const seconds = this.#targets.clock.seconds()
    this.events.push({ seconds, text })
    this.#targets.log(`${seconds.toFixed(1)} s: ${text}`)
  }
}
