/**
 * The programs of a run: each is started in the namespace of its host, logs into a file, and is ended by its
 * process id. What nobody ended is gone with the run's process namespace.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { commandIn } from './namespaces.ts'

export interface ProgramPlace {
  readonly directory: string
  readonly log: string
  /** Whether the laboratory talks to it: its standard input and output are pipes then. */
  readonly talks?: boolean
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
      env: { PATH: process.env['PATH'], HOME: place.directory, LC_ALL: 'C.UTF-8' },
      stdio: place.talks === true ? ['pipe', 'pipe', log] : ['ignore', log, log],
    })
    // A program that cannot be started shows as a host that never finishes; its log says why.
    child.on('error', () => undefined)
    child.stdin?.on('error', () => undefined)
    return child
  } finally {
    closeSync(log)
  }
}

export const isRunning = (child: ChildProcess) =>
  child.pid !== undefined && child.exitCode === null && child.signalCode === null

/** Waits for the end of a process that was told to leave, and makes it leave when it does not. */
export async function endProgram(
  child: ChildProcess,
  signal: NodeJS.Signals,
  patienceMs = 5_000,
): Promise<void> {
  if (!isRunning(child)) return
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
    child.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    child.kill(signal)
  })
}
