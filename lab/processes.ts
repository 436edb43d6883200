/**
 * The programs of a run: each is started in the namespace of its host, logs to a file, and is ended by its process id.
 * Programs that still run at the end are removed with the run's process namespace.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { commandIn } from './namespaces.ts'

export interface ProgramPlace {
  readonly directory: string
  readonly log: string
  /** Standard input and output are pipes to the laboratory. */
  readonly isPiped?: boolean
  /** In addition to the environment of every program. */
  readonly environment?: Readonly<Record<string, string>>
}

export function startProgram(
  namespace: string,
  command: readonly string[],
  place: ProgramPlace,
): ChildProcess {
  const [program, args] = commandIn(namespace, command)
  const log = openSync(place.log, 'a')
  try {
    const child = spawn(program, args, {
      cwd: place.directory,
      env: { PATH: process.env['PATH'], HOME: place.directory, LC_ALL: 'C.UTF-8', ...place.environment },
      stdio: place.isPiped === true ? ['pipe', 'pipe', log] : ['ignore', log, log],
    })
    // A program that cannot be started shows as a host that never finishes; its log has the reason.
    child.on('error', () => undefined)
    child.stdin?.on('error', () => undefined)
    return child
  } finally {
    closeSync(log)
  }
}

export const isRunning = (child: ChildProcess) =>
  child.pid !== undefined && child.exitCode === null && child.signalCode === null

/** Signals a process and waits for its end; SIGKILL after the timeout. */
export async function endProgram(
  child: ChildProcess,
  signal: NodeJS.Signals,
  timeoutMs = 5_000,
): Promise<void> {
  if (!isRunning(child)) return
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    child.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    child.kill(signal)
  })
}
