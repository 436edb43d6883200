/** Injects the faults of a scenario, each once, when its trigger is reached, and records them with their times. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { LabMember } from './member.ts'
import type { Traffic } from './measure.ts'
import { cutUplink, restoreUplink } from './namespaces.ts'
import { siteName } from './plan.ts'
import type { RunOptions } from './result.ts'
import type { Fault, Scenario, Trigger } from './scenarios.ts'
import type { RunningTracker } from './trackers/tracker.ts'

interface FaultTargets {
  readonly members: readonly LabMember[]
  readonly tracker: RunningTracker
  readonly options: RunOptions
  readonly clock: { seconds: () => number }
  readonly log: (line: string) => void
}

export class FaultInjector {
  readonly events: { seconds: number; text: string }[] = []
  readonly #targets: FaultTargets
  readonly #pending: Set<Scenario['faults'][number]>
  readonly #running: Promise<void>[] = []

  constructor(faults: Scenario['faults'], targets: FaultTargets) {
    this.#targets = targets
    this.#pending = new Set(faults)
  }

  poll(traffic: ReadonlyMap<number, Traffic>): void {
    for (const fault of this.#pending) {
      if (!this.#isDue(fault.when, traffic)) continue
      this.#pending.delete(fault)
      this.#running.push(this.#inject(fault.what))
    }
  }

  /** Waits for the faults that are in progress. */
  async settle(): Promise<void> {
    await Promise.all(this.#running)
  }

  #isDue(trigger: Trigger, traffic: ReadonlyMap<number, Traffic>): boolean {
    if (trigger.kind === 'site-holds') {
      return (traffic.get(trigger.site)?.payloadIn ?? 0) >= trigger.share * this.#targets.options.sizeBytes
    }
    const done = this.#targets.members.filter(
      (member) => member.isDone && (trigger.site === undefined || member.host.site === trigger.site),
    )
    return done.length >= trigger.count
  }

  async #inject(fault: Fault): Promise<void> {
    switch (fault.kind) {
      case 'kill-gateway':
        return this.#killGateway(fault.site)
      case 'stop-sources':
        this.#record('the sources stop')
        for (const member of this.#targets.members) if (member.isSource) await member.stop()
        return
      case 'cut-uplink':
        await cutUplink(fault.site)
        this.#record(`the uplink of ${siteName(fault.site)} is cut`)
        await sleep(fault.forSeconds * 1000)
        await restoreUplink(fault.site)
        this.#record(`the uplink of ${siteName(fault.site)} is restored`)
        return
      case 'kill-site-tracker':
        this.#targets.tracker.killSite?.(fault.site)
        this.#record(`the tracker of ${siteName(fault.site)} is killed`)
        return
      case 'restart-tracker':
        await this.#targets.tracker.stop()
        this.#record('the tracker is stopped')
        await sleep(fault.downSeconds * 1000)
        await this.#targets.tracker.start()
        this.#record('the tracker is started again')
    }
  }

  /** The gateway is found from outside, independently of the tracker: the host with the most connections to other sites. */
  #killGateway(site: number): void {
    const candidates = this.#targets.members
      .filter((member) => member.host.site === site && !member.isSource && member.isRunning)
      .toSorted((left, right) => right.remoteConnections - left.remoteConnections)
    const gateway = candidates[0]
    if (gateway === undefined) return
    gateway.isLost = !gateway.isDone
    gateway.kill()
    this.#record(
      `${gateway.host.name} is killed; it had ${gateway.remoteConnections} connections to other sites`,
    )
  }

  #record(text: string): void {
    const seconds = this.#targets.clock.seconds()
    this.events.push({ seconds, text })
    this.#targets.log(`${seconds.toFixed(1)} s: ${text}`)
  }
}
