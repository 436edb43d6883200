/**
 * The process inside the namespaces of one run. It is process 1 of its process namespace: when it ends, for any reason,
 * the kernel ends every client and tracker and removes the network and the memory disk.
 *
 * Standard input: one line with the task; then it stays open, and end of file means: stop and report the partial result.
 * Standard output: one line with the result. Standard error: progress for the terminal.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { InsideTask } from './inside-task.ts'
import { calibrate } from './calibrate.ts'
import { runSwarm } from './swarm-run.ts'

// The mount namespace belongs to this run, so only this run sees the disk. Free memory was checked before.
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
