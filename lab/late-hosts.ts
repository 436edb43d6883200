/**
 * Hosts that are late on purpose: one that never came, one whose client was stopped, one with a slow link, one with a
 * closed port. The absent and the stopped ones start when all other hosts have been complete for a while, so that a rollout
 * ends.
 */
import type { LabMember } from './member.ts'
import { type LabHost, planHosts } from './plan.ts'
import type { RunOptions } from './result.ts'

export interface LateHost {
  readonly site: number
  /** Number of the host in its site, from 1. */
  readonly host: number
  readonly how: 'absent' | 'stopped' | 'slow' | 'closed'
}

/** Time for the nodes to list those that are missing. */
const OTHERS_DONE_SECONDS = 15
export const SLOW_NIC_SHARE = 0.1

/** By name; hosts that the shape does not have are left out. */
export function namesOfLateHosts(
  late: readonly LateHost[],
  options: RunOptions,
): Map<string, LateHost['how']> {
  const hosts = planHosts(options)
  const named = new Map<string, LateHost['how']>()
  for (const { site, host, how } of late) {
    const found: LabHost | undefined = hosts.filter((each) => each.site === site)[host - 1]
    if (found !== undefined) named.set(found.name, how)
  }
  return named
}

interface LateRun {
  readonly members: readonly LabMember[]
  readonly late: ReadonlyMap<string, LateHost['how']>
  readonly clock: { readonly seconds: () => number }
  readonly record: (text: string) => void
}

export class LateHosts {
  readonly #run: LateRun
  readonly #absent: LabMember[]
  readonly #stopped: LabMember[]
  #othersDoneAt: number | undefined
  #isStarted = false

  constructor(run: LateRun) {
    this.#run = run
    const of = (how: LateHost['how']) => run.members.filter(({ host }) => run.late.get(host.name) === how)
    this.#absent = of('absent')
    this.#stopped = of('stopped')
  }

  isAbsent(member: LabMember): boolean {
    return this.#absent.includes(member)
  }

  /** Stops the clients of a site that are to be stopped, as their owners do. */
  async stop(site: number): Promise<void> {
    for (const member of this.#stopped) {
      if (member.host.site !== site) continue
      await member.stop()
      this.#run.record(`the client of ${member.host.name} is stopped`)
    }
  }

  async poll(): Promise<void> {
    if (this.#isStarted || this.#absent.length + this.#stopped.length === 0) return
    const isOther = (member: LabMember) => !this.#absent.includes(member) && !this.#stopped.includes(member)
    if (!this.#run.members.every((member) => !isOther(member) || member.isSource || member.isDone)) return
    this.#othersDoneAt ??= this.#run.clock.seconds()
    if (this.#run.clock.seconds() < this.#othersDoneAt + OTHERS_DONE_SECONDS) return
    this.#isStarted = true
    for (const member of this.#stopped) {
      if (!member.isDone && !member.isRunning) await member.prepare()
    }
    const started = [...this.#absent, ...this.#stopped].filter((member) => !member.isDone)
    for (const member of started) await member.start()
    this.#run.record(`${started.map(({ host }) => host.name).join(', ')} started, all others are complete`)
  }
}
