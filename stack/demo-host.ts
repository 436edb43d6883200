/**
 * A host of the demonstration: aria2 with stock settings, bound to an address of its site. aria2 listens on all addresses of
 * the machine, so each host has its own port.
 */
import { existsSync } from 'node:fs'
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Part } from './part.ts'

export interface DemoHostSettings {
  readonly name: string
  readonly site: string
  readonly address: string
  readonly port: number
  readonly torrentPath: string
  readonly directory: string
  /** The content is in `data` already. */
  readonly isSeed: boolean
  readonly onExit: (error: Error) => void
}

export class DemoHost {
  readonly name: string
  readonly site: string
  readonly address: string
  readonly dataDirectory: string
  readonly logPath: string
  readonly #settings: DemoHostSettings
  #part: Part | undefined
  #startedAtMs = 0

  constructor(settings: DemoHostSettings) {
    this.#settings = settings
    this.name = settings.name
    this.site = settings.site
    this.address = settings.address
    this.dataDirectory = join(settings.directory, settings.name)
    this.logPath = join(settings.directory, `${settings.name}.log`)
  }

  async start(): Promise<void> {
    const { name, directory, isSeed, onExit } = this.#settings
    await mkdir(this.dataDirectory, { recursive: true })
    // aria2 runs it when the last piece is verified; the time of the file is the time of completion.
    const hook = join(directory, `${name}.sh`)
    await writeFile(hook, `#!/bin/sh\n: > '${this.#markPath}'\n`, { mode: 0o755 })
    this.#part = new Part({
      name,
      command: ['aria2c', ...this.#arguments(hook), ...(isSeed ? ['--check-integrity=true'] : [])],
      directory,
      logPath: this.logPath,
      onExit,
    })
    this.#startedAtMs = Date.now()
    this.#part.start()
  }

  get isComplete(): boolean {
    return existsSync(this.#markPath)
  }

  /** From the start of aria2 to the last verified piece. */
  async completeSeconds(): Promise<number> {
    return Math.max(0, (await stat(this.#markPath)).mtimeMs - this.#startedAtMs) / 1000
  }

  async stop(): Promise<void> {
    await this.#part?.stop()
  }

  get #markPath(): string {
    return join(this.#settings.directory, `${this.name}.complete`)
  }

  #arguments(hook: string): string[] {
    const { address, port, torrentPath } = this.#settings
    return [
      '--no-conf',
      `--interface=${address}`,
      `--listen-port=${port}`,
      `--dir=${this.dataDirectory}`,
      `--on-bt-download-complete=${hook}`,
      // A host keeps the file and serves it to its neighbours.
      '--seed-ratio=0.0',
      '--enable-dht=false',
      '--no-proxy=127.0.0.0/8',
      '--file-allocation=none',
      '--summary-interval=0',
      '--show-console-readout=false',
      torrentPath,
    ]
  }
}
