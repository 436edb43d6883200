/**
 * Measurements while a swarm runs, once a second: bytes through each site's uplink, and processor use. A run on a machine
 * without idle time measures the machine, so processor use is part of every result.
 */
import { readFile, readdir } from 'node:fs/promises'
import { uplinkInterface } from './namespaces.ts'
import { siteName } from './plan.ts'
import type { CpuUse, Sample } from './result.ts'

/** Headers of each frame: Ethernet 14, IPv4 20, TCP with timestamps 32. An empty ACK consists of these alone. */
const HEADER_BYTES = 66

export interface Traffic {
  readonly bytesIn: number
  readonly bytesOut: number
  readonly payloadIn: number
  readonly payloadOut: number
}

/** Traffic by site number, read at the core's end of the uplink, behind the shaper, after drops. */
export async function readUplinks(sites: readonly number[]): Promise<Map<number, Traffic>> {
  const table = await readFile('/proc/net/dev', 'latin1')
  const traffic = new Map<number, Traffic>()
  for (const site of sites) {
    const line = table
      .split('\n')
      .find((candidate) => candidate.trim().startsWith(`${uplinkInterface(site)}:`))
    // Received bytes, packets, errors, drops, fifo, frame, compressed, multicast; then the same for sent.
    const numbers = (line?.split(':')[1] ?? '').trim().split(/\s+/).map(Number)
    const [bytesOut, packetsOut, bytesIn, packetsIn] = [numbers[0], numbers[1], numbers[8], numbers[9]].map(
      (value) => value ?? 0,
    ) as [number, number, number, number]
    traffic.set(site, {
      bytesIn,
      bytesOut,
      payloadIn: Math.max(0, bytesIn - packetsIn * HEADER_BYTES),
      payloadOut: Math.max(0, bytesOut - packetsOut * HEADER_BYTES),
    })
  }
  return traffic
}

interface CpuReading {
  readonly busyTicks: number
  readonly totalTicks: number
  /** Time in programs of the whole machine, without interrupts, which are mostly the network's. */
  readonly programTicks: number
  /** Time in the programs of this run. */
  readonly ownTicks: number
  readonly waitingMicroseconds: number
}

async function readCpu(): Promise<CpuReading> {
  const stat = await readFile('/proc/stat', 'latin1')
  // user, nice, system, idle, iowait, irq, softirq, steal
  const ticks = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '').split(' ').slice(0, 8).map(Number)
  const [user = 0, nice = 0, system = 0, idle = 0, waitingForDisk = 0] = ticks
  const totalTicks = ticks.reduce((sum, value) => sum + value, 0)
  const pressure = await readFile('/proc/pressure/cpu', 'latin1').catch(() => '')
  return {
    busyTicks: totalTicks - idle - waitingForDisk,
    totalTicks,
    programTicks: user + nice + system,
    ownTicks: await readOwnTicks(),
    waitingMicroseconds: Number(/^some .*total=(\d+)/m.exec(pressure)?.[1] ?? 0),
  }
}

/** Sum over the processes of this process namespace, which are those of the run, and over their waited-for children. */
async function readOwnTicks(): Promise<number> {
  let sum = 0
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'latin1').catch(() => '')
    // After the name in parentheses: state, parent, …; fields 12 to 15 are user, system, and both of the children.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    for (const field of fields.slice(11, 15)) sum += Number(field)
  }
  return sum
}

export class Meter {
  readonly samples: Sample[] = []
  readonly #sites: readonly number[]
  readonly #startMs: number
  #before: CpuReading
  readonly #first: CpuReading
  readonly #zero: Map<number, Traffic>

  private constructor(sites: readonly number[], zero: Map<number, Traffic>, cpu: CpuReading) {
    this.#sites = sites
    this.#zero = zero
    this.#first = this.#before = cpu
    this.#startMs = Date.now()
  }

  static async start(sites: readonly number[]): Promise<Meter> {
    return new Meter(sites, await readUplinks(sites), await readCpu())
  }

  /** Traffic since the start. */
  async traffic(): Promise<Map<number, Traffic>> {
    const now = await readUplinks(this.#sites)
    for (const [site, traffic] of now) {
      const zero = this.#zero.get(site)
      if (zero === undefined) continue
      now.set(site, {
        bytesIn: traffic.bytesIn - zero.bytesIn,
        bytesOut: traffic.bytesOut - zero.bytesOut,
        payloadIn: traffic.payloadIn - zero.payloadIn,
        payloadOut: traffic.payloadOut - zero.payloadOut,
      })
    }
    return now
  }

  async sample(): Promise<Map<number, Traffic>> {
    const traffic = await this.traffic()
    const cpu = await readCpu()
    const entries = [...traffic].map(([site, value]) => [siteName(site), value] as const)
    this.samples.push({
      seconds: (Date.now() - this.#startMs) / 1000,
      bytesIn: Object.fromEntries(entries.map(([site, value]) => [site, value.payloadIn])),
      bytesOut: Object.fromEntries(entries.map(([site, value]) => [site, value.payloadOut])),
      busyShare: busyShare(this.#before, cpu),
    })
    this.#before = cpu
    return traffic
  }

  async cpu(): Promise<CpuUse> {
    const now = await readCpu()
    const elapsedMicroseconds = Math.max(1, Date.now() - this.#startMs) * 1000
    const mean = busyShare(this.#first, now)
    const totalTicks = Math.max(1, now.totalTicks - this.#first.totalTicks)
    const programTicks = now.programTicks - this.#first.programTicks
    const ownTicks = now.ownTicks - this.#first.ownTicks
    return {
      busyShareMean: mean,
      busyShareMax: Math.max(mean, ...this.samples.map((sample) => sample.busyShare)),
      waitingShare: (now.waitingMicroseconds - this.#first.waitingMicroseconds) / elapsedMicroseconds,
      othersShareMean: Math.max(0, programTicks - ownTicks) / totalTicks,
    }
  }
}

function busyShare(before: CpuReading, after: CpuReading): number {
  return (after.busyTicks - before.busyTicks) / Math.max(1, after.totalTicks - before.totalTicks)
}
