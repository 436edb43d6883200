/**
 * Measures the shaped links with plain TCP: one connection over an uplink, then three from three hosts at once, then one
 * connection inside a site. Goodput should be below the configured rate by the headers alone: 1,448 of every 1,514 bytes
 * are payload, 95.6 %.
 */
import { join } from 'node:path'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { commandIn, buildNetwork } from './namespaces.ts'
import { spawn } from 'node:child_process'
import { assert } from '../src/core/assert.ts'
import { type LabHost, planHosts } from './plan.ts'
import { repositoryPath } from './repository.ts'

export interface CalibrationOptions {
  readonly wanBitsPerSecond: number
  readonly nicBitsPerSecond: number
  readonly congestion: string
  readonly seconds: number
}

export interface Calibration {
  readonly options: CalibrationOptions
  readonly rows: readonly {
    readonly name: string
    readonly nominalBitsPerSecond: number
    /** One value for each connection. */
    readonly goodputBitsPerSecond: readonly number[]
    /** Sum of all connections ÷ nominal rate. */
    readonly share: number
  }[]
}

export async function calibrate(
  options: CalibrationOptions,
  context: { readonly log: (line: string) => void },
): Promise<Calibration> {
  const shape = { sites: 2, hosts: 3, hostsOfSite: {}, bubbles: 1, carry: 'nodes' as const, nodes: 1 }
  const hosts = planHosts(shape)
  await buildNetwork(shape, hosts, options)
  const host = (name: string) => {
    const found = hosts.find((candidate) => candidate.name === name)
    assert(found !== undefined, `the shape has a host ${name}`)
    return found
  }
  const across = [1, 2, 3].map((number) => [host(`s1-b1-h${number}`), host(`s2-b1-h${number}`)] as const)
  const plans = [
    ['one connection over the uplink', options.wanBitsPerSecond, across.slice(0, 1)],
    ['three hosts share the uplink', options.wanBitsPerSecond, across],
    ['one connection inside the site', options.nicBitsPerSecond, [[host('s1-b1-h1'), host('s1-b1-h2')]]],
  ] as const
  const rows: Calibration['rows'][number][] = []
  for (const [name, nominalBitsPerSecond, connections] of plans) {
    context.log(name)
    const transfers = await Promise.all(connections.map(([from, to]) => transfer(from, to, options.seconds)))
    rows.push({
      name,
      nominalBitsPerSecond,
      goodputBitsPerSecond: transfers.map((one) => bitsPerSecond([one])),
      share: bitsPerSecond(transfers) / nominalBitsPerSecond,
    })
  }
  return { options, rows }
}

interface Transfer {
  readonly bytes: number
  readonly firstMs: number
  readonly lastMs: number
}

/** Measured from the first byte of any transfer to the last byte of any transfer. */
function bitsPerSecond(transfers: readonly Transfer[]): number {
  const bytes = transfers.reduce((sum, one) => sum + one.bytes, 0)
  const firstMs = Math.min(...transfers.map((one) => one.firstMs))
  const lastMs = Math.max(...transfers.map((one) => one.lastMs))
  return Math.round((bytes * 8000) / (lastMs - firstMs))
}

async function transfer(from: LabHost, to: LabHost, seconds: number): Promise<Transfer> {
  const script = join(repositoryPath('dist-lab'), 'lab', 'calibration-peer.js')
  const [program, receive] = commandIn(to.name, [process.execPath, script, 'receive', to.address])
  const receiver = spawn(program, receive, { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: receiver.stdout })
  await once(lines, 'line')
  const [, send] = commandIn(from.name, [process.execPath, script, 'send', to.address, String(seconds)])
  spawn(program, send, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [line] = (await once(lines, 'line')) as [string]
  return JSON.parse(line) as Transfer
}
