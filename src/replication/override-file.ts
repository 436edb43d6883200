/**
 * Overrides of this node, kept in a file over a restart: JSON, `[key, value, milliseconds since 1970]` each.
 *
 * A file that cannot be written does not keep an override from having an effect: a rollout is stopped first.
 */
import { dirname } from 'node:path'
import { replaceFile } from '../core/atomic-file.ts'
import type { Log } from '../core/log.ts'
import { makeDirectory } from '../core/make-directory.ts'
import { readRegularFile } from '../core/regular-file.ts'
import { type Override, Overrides, readOverride, writeOverride } from './overrides.ts'
import type { OverrideShare, OverrideStore } from './site-store.ts'

/** Overrides hold no secret. */
const FILE_MODE = 0o644

export interface OverrideFileOptions {
  readonly path: string
  readonly log: Log
}

export class OverrideFile implements OverrideStore {
  readonly current = new Overrides()
  readonly #path: string
  readonly #log: Log
  readonly #listeners: ((changed: readonly Override[]) => void)[] = []
  /** One write after the other; a write covers all changes before it. */
  #writing: Promise<void> = Promise.resolve()
  #isWriteDue = false

  constructor({ path, log }: OverrideFileOptions) {
    this.#path = path
    this.#log = log
  }

  /** A file that is missing or cannot be parsed counts as empty. */
  async open(): Promise<void> {
    let entries: unknown
    try {
      entries = JSON.parse((await readRegularFile(this.#path)).toString('utf8'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#log.warn(
          { event: 'overrides-unreadable', problem: (error as Error).message },
          'the file of holds and rates cannot be read; those of this node alone are lost',
        )
      return
    }
    for (const entry of Array.isArray(entries) ? entries : []) {
      const [key, value, atMs] = (Array.isArray(entry) ? entry : []) as unknown[]
      if (typeof key !== 'string' || typeof value !== 'string' || typeof atMs !== 'number') continue
      const override = readOverride({ key, value }, atMs)
      if (override !== undefined) this.current.apply(override)
    }
  }

  async put(override: Override): Promise<OverrideShare> {
    await this.merge([override])
    return 'shared'
  }

  /** Applies those that are later than the known ones. Resolves when they are on the disk. */
  async merge(overrides: readonly Override[]): Promise<void> {
    const changed = overrides.filter((override) => this.current.apply(override))
    if (changed.length === 0) return
    for (const listener of this.#listeners) listener(changed)
    await this.#write()
  }

  onChange(listener: (changed: readonly Override[]) => void): void {
    this.#listeners.push(listener)
  }

  #write(): Promise<void> {
    if (this.#isWriteDue) return this.#writing
    this.#isWriteDue = true
    this.#writing = this.#writing.then(() => this.#writeFile())
    return this.#writing
  }

  async #writeFile(): Promise<void> {
    this.#isWriteDue = false
    const entries = this.current.all.map((override) => {
      const { key, value } = writeOverride(override)
      return [key, value, override.atMs]
    })
    try {
      await makeDirectory(dirname(this.#path))
      await replaceFile(this.#path, FILE_MODE, (file) => file.writeFile(JSON.stringify(entries)))
    } catch (error) {
      this.#log.warn(
        { event: 'overrides-unwritable', problem: (error as Error).message },
        'holds and rates cannot be written; a restart of this node may lose them',
      )
    }
  }
}
