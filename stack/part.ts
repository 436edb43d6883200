/**
 * One program of the stack: started with its output in a file, ended by its process id.
 *
 * Each is a process group of its own, so that Ctrl-C in a terminal reaches only whoever started the stack, who ends the
 * parts in the right order.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { once } from 'node:events'

/** Longer than any part takes that is well: nodes 10 s, Prometheus and Redis one or two. */
const STOP_DEADLINE_MS = 20_000

/** How many lines of a log say why its program ended. */
const LAST_LINES = 15

export interface PartSettings {
  readonly name: string
  readonly command: readonly [program: string, ...args: string[]]
  readonly directory: string
  /** Output and errors of the program, one after the other. */
  readonly logPath: string
  /** When it ends without having been told to. */
  readonly onDeath: (error: Error) => void
}

export class Part {
  readonly #settings: PartSettings
  #child: ChildProcess | undefined
  #isEnding = false

  constructor(settings: PartSettings) {
    this.#settings = settings
  }

  get name(): string {
    return this.#settings.name
  }

  get logPath(): string {
    return this.#settings.logPath
  }

  /** undefined while it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  start(): void {
    const { command, directory, logPath, name, onDeath } = this.#settings
    const [program, ...args] = command
    const log = openSync(logPath, 'a')
    this.#isEnding = false
    const child = spawn(program, args, { cwd: directory, detached: true, stdio: ['ignore', log, log] })
    closeSync(log)
    this.#child = child
    child.once('error', (error) => {
      this.#child = undefined
      onDeath(new Error(`${name} cannot be started: ${error.message}`))
    })
    child.once('exit', (code, signal) => {
      this.#child = undefined
      if (!this.#isEnding) onDeath(new Error(`${name} ended (${signal ?? code}):\n${this.#lastLines()}`))
    })
  }

  /** The exit code; null where a signal ended it, or it did not run. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.#child
    if (child === undefined) return null
    this.#isEnding = true
    const exited = once(child, 'exit')
    const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS)
    child.kill(signal)
    await exited
    clearTimeout(deadline)
    return child.exitCode
  }

  /** For when there is no time left to wait. */
  kill(): void {
    this.#isEnding = true
    this.#child?.kill('SIGKILL')
  }

  #lastLines(): string {
    return readFileSync(this.#settings.logPath, 'utf8').trimEnd().split('\n').slice(-LAST_LINES).join('\n')
  }
}
