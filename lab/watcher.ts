/** Readings of clients and nodes by `watch-targets.py`, which runs in the core and enters the namespaces. */
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { repositoryPath } from './repository.ts'
import type { ProgramRequirement } from './requirement.ts'

const PYTHON = '/usr/bin/python3'

export const watcherRequirement: ProgramRequirement = {
  program: 'Python 3 of the distribution',
  check: [PYTHON, '-c', 'import ctypes'],
  install: 'apt-get install python3',
}

export interface WatchTarget {
  readonly name: string
  readonly namespace: string
  readonly kind: string
  /** Further fields by kind. */
  readonly [field: string]: unknown
}

export interface Reading {
  /** Seconds since 1970. */
  readonly at: number
  readonly name: string
  readonly kind: string
  readonly value: unknown
}

export class Watcher {
  readonly readings: Reading[] = []
  readonly #child: ChildProcess

  /** Errors of the program are written to `log`. */
  constructor(targets: readonly WatchTarget[], log: string) {
    const errors = openSync(log, 'a')
    this.#child = spawn(PYTHON, [repositoryPath('lab/watch-targets.py'), JSON.stringify({ targets })], {
      stdio: ['pipe', 'pipe', errors],
    })
    closeSync(errors)
    this.#child.on('error', () => undefined)
    this.#child.stdin?.on('error', () => undefined)
    createInterface({ input: this.#child.stdout! }).on('line', (line) =>
      this.readings.push(JSON.parse(line) as Reading),
    )
  }

  stop(): void {
    this.#child.kill('SIGKILL')
  }
}
