/**
 * Runs one scenario from outside: makes the namespaces, starts `inside.ts` in them, and takes its result. Whoever
 * calls this may abort it, die, or be killed: the process inside notices the end of its input, and the kernel ends
 * what is left.
 *
 * `npm run lab` and the system tests come through here. The compiled laboratory (`dist-lab/`) must exist.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Calibration, CalibrationOptions } from './calibrate.ts'
import type { InsideTask } from './inside-task.ts'
import { repositoryPath } from './repository.ts'
import { unshareArguments } from './requirements.ts'
import type { RunOptions, ScenarioResult } from './result.ts'

/** After the word to stop, a run may still report; then it is ended. */
const STOP_PATIENCE_MS = 15_000

export interface Surroundings {
  readonly signal?: AbortSignal
  readonly log?: (line: string) => void
}

export async function runScenario(options: RunOptions, around: Surroundings = {}): Promise<ScenarioResult> {
  return (await runInside({ kind: 'run', options }, around)) as ScenarioResult
}

export async function runCalibration(
  options: CalibrationOptions,
  around: Surroundings = {},
): Promise<Calibration> {
  return (await runInside({ kind: 'calibrate', options }, around)) as Calibration
}

async function runInside(task: InsideTask, around: Surroundings): Promise<unknown> {
  const child = spawn(
    'unshare',
    [...unshareArguments, process.execPath, repositoryPath('dist-lab/lab/inside.js')],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      // Its own process group: an interrupt from the terminal reaches only us, and we stop it in order.
      detached: true,
    },
  )
  child.stdin.on('error', () => undefined)
  child.stdin.write(`${JSON.stringify(task)}\n`)
  let killTimer: NodeJS.Timeout | undefined
  const stop = () => {
    child.stdin.end()
    killTimer = setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS)
  }
  if (around.signal?.aborted === true) stop()
  around.signal?.addEventListener('abort', stop, { once: true })

  const said: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => {
    said.push(line)
    around.log?.(line)
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  clearTimeout(killTimer)
  around.signal?.removeEventListener('abort', stop)
  if (code !== 0 || output === '') {
    throw new Error(
      `the run ended without a result (exit ${code}); its last words:\n${said.slice(-12).join('\n')}`,
    )
  }
  return JSON.parse(output)
}
