/** Runs the built program as a process with an environment of its own: exit code and both streams. */
import { spawn } from 'node:child_process'
import { PROGRAM } from './a-node.ts'

export interface ProgramRun {
  readonly exitCode: number | null
  readonly out: string
  readonly err: string
}

/** `environment` is the whole environment, beside PATH. The process is killed after `deadlineMs`. */
export function runProgram(
  args: readonly string[],
  options: {
    readonly environment?: Readonly<Record<string, string>>
    readonly directory?: string
    readonly program?: string
    readonly deadlineMs?: number
  } = {},
): Promise<ProgramRun> {
  const { environment = {}, directory, program = PROGRAM, deadlineMs = 120_000 } = options
  const child = spawn(process.execPath, [program, ...args], {
    env: { PATH: process.env['PATH'], ...environment },
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: deadlineMs,
    killSignal: 'SIGKILL',
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode) => resolve({ exitCode, out, err }))
  })
}
