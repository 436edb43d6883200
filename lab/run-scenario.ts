/**
 * Runs one scenario from outside: creates the namespaces, starts `inside.ts` in them, and reads its result. The calling
 * process may abort, exit or be killed: the process inside detects the end of its input, and the kernel removes the rest.
 *
 * Entry point of `npm run lab` and of the system tests. The compiled laboratory (`dist-lab/`) must exist.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Calibration, CalibrationOptions } from './calibrate.ts'
import type { InsideTask } from './inside-task.ts'
import { repositoryPath } from './repository.ts'
import { unshareArguments } from './requirements.ts'
import type { RunOptions, ScenarioResult } from './result.ts'

/** Time to report a partial result after an abort; then SIGKILL. */
const STOP_TIMEOUT_MS = 15_000

export interface RunHooks {
  readonly signal?: AbortSignal
  readonly log?: (line: string) => void
}

export async function runScenario(options: RunOptions, hooks: RunHooks = {}): Promise<ScenarioResult> {
  return (await runInside({ kind: 'run', options }, hooks)) as ScenarioResult
}

export async function runCalibration(
  options: CalibrationOptions,
  hooks: RunHooks = {},
): Promise<Calibration> {
  return (await runInside({ kind: 'calibrate', options }, hooks)) as Calibration
}

async function runInside(task: InsideTask, hooks: RunHooks): Promise<unknown> {
  const child = spawn(
    'unshare',
    [...unshareArguments, process.execPath, repositoryPath('dist-lab/lab/inside.js')],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      // Own process group: an interrupt from the terminal reaches only this process, which stops the run in order.
      detached: true,
    },
  )
  child.stdin.on('error', () => undefined)
  child.stdin.write(`${JSON.stringify(task)}\n`)
  let killTimer: NodeJS.Timeout | undefined
  const stop = () => {
    child.stdin.end()
    killTimer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  }
  if (hooks.signal?.aborted === true) stop()
  hooks.signal?.addEventListener('abort', stop, { once: true })

  const stderrLines: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => {
    stderrLines.push(line)
    hooks.log?.(line)
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  clearTimeout(killTimer)
  hooks.signal?.removeEventListener('abort', stop)
  if (code !== 0 || output === '') {
    throw new Error(
      `the run ended without a result (exit ${code}); last lines of its log:\n${stderrLines.slice(-12).join('\n')}`,
    )
  }
  return JSON.parse(output)
}
