/**
 * `npm run stack -- demo`: publishes a file in one site of a running stack, starts a seed there and hosts in two other
 * sites, all of them aria2, and reports when each host was complete and how many copies entered each site.
 *
 * Copies are the bytes that the gateways of a site downloaded, from the metrics of the nodes, divided by the size of the
 * file. The other hosts of a site are not given remote addresses, so this is an upper bound.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { InputError } from '../src/core/errors.ts'
import { type DemoResult, DemoRun } from './demo-run.ts'
import { DemoTracker } from './demo-tracker.ts'
import type { DemoOptions } from './options.ts'
import { fixedPlan } from './plan.ts'
import { addressesOf, readAddresses } from './stack-document.ts'

const execute = promisify(execFile)

const exitCodes = { yes: 0, no: 1, unavailable: 69 } as const

export async function runDemo(options: DemoOptions, signal: AbortSignal): Promise<number> {
  const log = options.isJson ? () => undefined : (line: string) => console.error(line)
  if (process.platform !== 'linux') {
    console.error('stack: the demonstration needs Linux, where all of 127.0.0.0/8 is this machine')
    return exitCodes.unavailable
  }
  if (!(await isInstalled('aria2c'))) {
    console.error(
      'stack: aria2 is not installed: apt-get install aria2 (Debian, Ubuntu), dnf install aria2 (Fedora)',
    )
    return exitCodes.unavailable
  }
  const addresses = options.stack === undefined ? addressesOf(fixedPlan) : await readAddresses(options.stack)
  const tracker = new DemoTracker(addresses, signal)
  const notReady = await tracker.findReady()
  if (notReady.length === addresses.nodes.length) {
    console.error('stack: no stack is running; start it with `npm run stack` in another terminal')
    return exitCodes.unavailable
  }
  if (notReady.length > 0) log(`Not ready, and not used: ${notReady.join(', ')}`)

  const directory = await mkdtemp(join(tmpdir(), 'siteswarm-demo-'))
  try {
    const result = await new DemoRun({ tracker, directory, sizeBytes: options.sizeBytes, signal, log }).run()
    console.log(options.isJson ? JSON.stringify(result) : asText(result))
    await rm(directory, { recursive: true, force: true })
    return exitCodes.yes
  } catch (error) {
    if (!(error instanceof InputError) && !signal.aborted) throw error
    console.error(`stack: ${signal.aborted ? 'interrupted' : (error as InputError).message}`)
    await rm(directory, { recursive: true, force: true })
    return exitCodes.no
  }
}

function asText({ sizeBytes, sites, hosts }: DemoResult): string {
  return [
    ...hosts.map(
      ({ name, address, completeSeconds }) =>
        `${name}  ${address}  complete after ${completeSeconds.toFixed(1)} s`,
    ),
    ...sites.map(
      ({ site, hosts: count, lastSeconds, copies }) =>
        `${site}: ${count} of ${count} hosts complete after ${lastSeconds.toFixed(1)} s, ${copies.toFixed(2)} copies into the site`,
    ),
    `All files have the SHA-256 of the original, ${sizeBytes / 1e6} MB each.`,
  ].join('\n')
}

function isInstalled(program: string): Promise<boolean> {
  return execute(program, ['--version']).then(
    () => true,
    () => false,
  )
}
