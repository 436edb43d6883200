/**
 * The process inside the namespaces of one run. It is the first of its process namespace: when it ends, for whatever
 * reason, the kernel ends every client and tracker and takes the network and the memory disk down.
 *
 * Standard input: one line with the options; then it stays open, and its end means: stop and report what there is.
 * Standard output: one line with the result. Standard error: progress, for people.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { InsideTask } from './inside-task.ts'
import { calibrate } from './calibrate.ts'
import { runSwarm } from './swarm-run.ts'

// Only this run sees this disk: the mount namespace is its own, and /run is hidden under it. Memory was asked for before.
execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=755,size=100%', 'siteswarm-lab', '/run'])
mkdirSync('/run/netns')
mkdirSync('/run/lab')

const interrupted = new AbortController()
const lines = createInterface({ input: process.stdin })
lines.once('close', () => interrupted.abort())
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort())

lines.once('line', (line) => {
  const task = JSON.parse(line) as InsideTask
  const context = {
    directory: '/run/lab',
    signal: interrupted.signal,
    log: (text: string) => process.stderr.write(`${text}\n`),
  }
  const work = task.kind === 'run' ? runSwarm(task.options, context) : calibrate(task.options, context)
  work.then(
    (result) => process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0)),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
      process.exit(1)
    },
  )
})
