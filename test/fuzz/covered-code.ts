/**
 * The code of the project that ran, by V8's block coverage. One reading takes milliseconds, because V8 visits all its
 * functions; a run therefore reads it once for a batch of inputs, and divides only a batch that reached new code.
 */
import { type Profiler, Session } from 'node:inspector'

const NOTHING = new Uint8Array(0)
/** Of the range of a whole module; every file begins with a comment. */
const MODULE_START = 0

/** Of compiled modules, and of those that vitest runs. */
const PROJECT_CODE = /^(?!.*\/node_modules\/).*\/src\/[^?]*\.[jt]s/

class CoveredCode {
  readonly #session = new Session()
  /** By URL of the script; 1 for each character that ran. */
  readonly #covered = new Map<string, Uint8Array>()
  #count = 0
  /** The script of `#paint`, one for all, because a reading has hundreds of scripts. */
  #ran = new Uint8Array(1 << 16)

  constructor() {
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** Characters of code. */
  get count(): number {
    return this.#count
  }

  /** Characters that ran since the previous call, and never before. `keep`: they count as known from now on. */
  take(keep: boolean): number {
    let fresh = 0
    for (const script of this.#read()) {
      if (!PROJECT_CODE.test(script.url)) continue
      const end = this.#paint(script)
      if (end === 0) continue
      const ran = this.#ran
      let known = this.#covered.get(script.url) ?? NOTHING
      if (known.length < end) {
        const longer = new Uint8Array(end)
        longer.set(known)
        known = longer
        this.#covered.set(script.url, known)
      }
      for (let at = 0; at < end; at++) {
        if (ran[at] !== 1 || known[at] === 1) continue
        fresh++
        if (keep) known[at] = 1
      }
    }
    if (keep) this.#count += fresh
    return fresh
  }

  forget(): void {
    this.#read()
    this.#covered.clear()
    this.#count = 0
  }

  /** A session on the own thread answers before `post` returns. */
  #read(): readonly Profiler.ScriptCoverage[] {
    let scripts: readonly Profiler.ScriptCoverage[] = []
    this.#session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error !== null) throw error
      scripts = taken.result
    })
    return scripts
  }

  /**
   * Marks the characters of the script that ran, and returns the end of the last function that did. Functions and ranges are
   * nested, an outer one before those in it; one that did not run is inside one that did. Code outside functions ran when
   * the module was loaded.
   */
  #paint({ functions }: Profiler.ScriptCoverage): number {
    let end = 0
    for (const { ranges } of functions)
      for (const { count, startOffset, endOffset } of ranges)
        if (count > 0 && startOffset !== MODULE_START) end = Math.max(end, endOffset)
    if (this.#ran.length < end) this.#ran = new Uint8Array(end * 2)
    this.#ran.fill(0, 0, end)
    for (const { ranges } of functions)
      for (const { count, startOffset, endOffset } of ranges)
        if (startOffset !== MODULE_START) this.#ran.fill(count > 0 ? 1 : 0, startOffset, endOffset)
    return end
  }
}

/**
 * One for the process, and imported before the targets: V8 counts the blocks only of functions that it compiles while the
 * coverage is on, and drops their counters when it is off.
 */
export const coveredCode = new CoveredCode()
