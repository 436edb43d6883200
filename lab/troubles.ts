/** Makes the trouble that a scenario plans, each once, when its moment has come, and writes down what it did. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { LabMember } from './member.ts'
import type { Traffic } from './measure.ts'
import { cutUplink, restoreUplink } from './namespaces.ts'
import { siteName } from './plan.ts'
import type { RunOptions } from './result.ts'
import type { Moment, Scenario, Trouble } from './scenarios.ts'
import type { RunningTracker } from './trackers/tracker.ts'

interface Reach {
  readonly members: readonly LabMember[]
  readonly tracker: RunningTracker
  readonly options: RunOptions
  readonly clock: { seconds: () => number }
  readonly log: (line: string) => void
}

export class TroubleMaker {
  readonly events: { seconds: number; text: string }[] = []
  readonly #reach: Reach
  readonly #waiting: Set<Scenario['troubles'][number]>
  readonly #running: Promise<void>[] = []

  constructor(troubles: Scenario['troubles'], reach: Reach) {
    this.#reach = reach
    this.#waiting = new Set(troubles)
  }

  look(traffic: ReadonlyMap<number, Traffic>): void {
    for (const trouble of this.#waiting) {
      if (!this.#hasCome(trouble.when, traffic)) continue
      this.#waiting.delete(trouble)
      this.#running.push(this.#make(trouble.what))
    }
  }

  /** Waits until everything begun is undone or done. */
  async settle(): Promise<void> {
    await Promise.all(this.#running)
  }

  #hasCome(moment: Moment, traffic: ReadonlyMap<number, Traffic>): boolean {
    if (moment.kind === 'site-holds') {
      return (traffic.get(moment.site)?.payloadIn ?? 0) >= moment.share * this.#reach.options.sizeBytes
    }
    const done = this.#reach.members.filter(
      (member) => member.isDone && (moment.site === undefined || member.host.site === moment.site),
    )
    return done.length >= moment.count
  }

  async #make(trouble: Trouble): Promise<void> {
    switch (trouble.kind) {
      case 'kill-gateway':
        return this.#killGateway(trouble.site)
      case 'stop-sources':
        this.#note('the sources leave')
        for (const member of this.#reach.members) if (member.isSource) await member.leave()
        return
      case 'cut-uplink':
        await cutUplink(trouble.site)
        this.#note(`the uplink of ${siteName(trouble.site)} is cut`)
        await sleep(trouble.forSeconds * 1000)
        await restoreUplink(trouble.site)
        this.#note(`the uplink of ${siteName(trouble.site)} is back`)
        return
      case 'kill-site-tracker':
        this.#reach.tracker.killSite?.(trouble.site)
        this.#note(`the tracker of ${siteName(trouble.site)} is killed`)
        return
      case 'restart-tracker':
        await this.#reach.tracker.stop()
        this.#note('the tracker is stopped')
        await sleep(trouble.downSeconds * 1000)
        await this.#reach.tracker.start()
        this.#note('the tracker is started again')
    }
  }

  /** Whoever it is that the tracker chose: the host of the site with the most connections to other sites. */
  #killGateway(site: number): void {
    const candidates = this.#reach.members
      .filter((member) => member.host.site === site && !member.isSource && member.isRunning)
      .toSorted((left, right) => right.remoteConnections - left.remoteConnections)
    const gateway = candidates[0]
    if (gateway === undefined) return
    gateway.isLost = !gateway.isDone
    gateway.kill()
    this.#note(
      `${gateway.host.name} is killed; it had ${gateway.remoteConnections} connections to other sites`,
    )
  }

  #note(text: string): void {
    const seconds = this.#reach.clock.seconds()
    this.events.push({ seconds, text })
    this.#reach.log(`${seconds.toFixed(1)} s: ${text}`)
  }
}
