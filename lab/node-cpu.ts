/**
 * Processor time of the nodes of siteswarm alone, with the processes that they start. Sampled during the run,
 * because a node that a scenario ends takes its figures with it.
 */
import { readFile, readdir } from 'node:fs/promises'
import type { TrackerNode } from './trackers/tracker.ts'

/** Of /proc/PID/stat: `getconf CLK_TCK` is 100 on Linux. */
const TICKS_PER_SECOND = 100

interface ProcessReading {
  readonly parent: number
  /** User and system time, without that of children. */
  readonly ticks: number
}

export interface NodeCpuUse {
  readonly seconds: number
  /** Of one processor, over all nodes. */
  readonly share: number
  /** Per gigabyte (10^9 bytes) of content that reached the hosts. */
  readonly secondsPerGigabyte: number | null
}

export class NodeCpu {
  readonly #nodes: readonly TrackerNode[]
  readonly #startMs = Date.now()
  readonly #before = new Map<number, number>()
  readonly #now = new Map<number, number>()

  private constructor(nodes: readonly TrackerNode[]) {
    this.#nodes = nodes
  }

  /** undefined for a tracker without nodes. */
  static async start(nodes: readonly TrackerNode[] | undefined): Promise<NodeCpu | undefined> {
    if (nodes === undefined) return undefined
    const cpu = new NodeCpu(nodes)
    await cpu.sample()
    for (const [processId, ticks] of cpu.#now) cpu.#before.set(processId, ticks)
    return cpu
  }

  async sample(): Promise<void> {
    const roots = this.#nodes.map((node) => node.process()?.pid).filter((pid) => pid !== undefined)
    for (const [processId, ticks] of ticksOfTrees(await readProcesses(), new Set(roots)))
      this.#now.set(processId, ticks)
  }

  async end(deliveredBytes: number): Promise<NodeCpuUse> {
    await this.sample()
    let ticks = 0
    for (const [processId, total] of this.#now) ticks += total - (this.#before.get(processId) ?? 0)
    const seconds = ticks / TICKS_PER_SECOND
    return {
      seconds,
      share: seconds / Math.max(0.001, (Date.now() - this.#startMs) / 1000),
      secondsPerGigabyte: deliveredBytes === 0 ? null : seconds / (deliveredBytes / 1e9),
    }
  }
}

/** Ticks of the roots and their descendants, by process id. */
export function ticksOfTrees(
  processes: ReadonlyMap<number, ProcessReading>,
  roots: ReadonlySet<number>,
): Map<number, number> {
  const isOfTree = (processId: number): boolean => {
    if (roots.has(processId)) return true
    const parent = processes.get(processId)?.parent
    return parent !== undefined && parent !== processId && isOfTree(parent)
  }
  return new Map(
    [...processes].filter(([processId]) => isOfTree(processId)).map(([id, { ticks }]) => [id, ticks]),
  )
}

async function readProcesses(): Promise<Map<number, ProcessReading>> {
  const processes = new Map<number, ProcessReading>()
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'latin1').catch(() => '')
    if (stat === '') continue
    // After the name in parentheses: state, parent, …; fields 11 and 12 are user and system time.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    processes.set(Number(name), {
      parent: Number(fields[1]),
      ticks: Number(fields[11]) + Number(fields[12]),
    })
  }
  return processes
}
