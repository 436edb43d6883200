/**
 * The code of the project that ran, by V8's block coverage. One reading takes milliseconds, because V8 visits all its
 * functions; a run therefore reads it once for a batch of inputs, and divides only a batch that reached new code.
 */
import { type Profiler, Session } from 'node:inspector'

/** Of compiled modules, and of those that vitest runs. */
const PROJECT_CODE = /\/src\/[^?]*\.[jt]s/

class CoveredCode {
  readonly #session = new Session()
  /** By URL of the script; 1 for each character that ran. */
  readonly #covered = new Map<string, Uint8Array>()
  #count = 0

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
      const ran = paint(script)
      let known = this.#covered.get(script.url) ?? new Uint8Array(0)
      if (known.length < ran.length) {
        const longer = new Uint8Array(ran.length)
        longer.set(known)
        known = longer
        this.#covered.set(script.url, known)
      }
      for (let at = 0; at < ran.length; at++) {
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
}

/**
 * One for the process, and imported before the targets: V8 counts the blocks only of functions that it compiles while the
 * coverage is on, and drops their counters when it is off.
 */
export const coveredCode = new CoveredCode()

/** Ranges are nested, an outer one before those in it. Code outside functions ran when the module was loaded. */
function paint({ functions }: Profiler.ScriptCoverage): Uint8Array {
  const ranges = functions
    .filter(({ ranges: [whole] }) => (whole?.count ?? 0) > 0 && whole?.startOffset !== 0)
    .map((each) => each.ranges)
  const end = ranges.reduce((max, [whole]) => Math.max(max, whole?.endOffset ?? 0), 0)
  const ran = new Uint8Array(end)
  for (const range of ranges.flat()) ran.fill(range.count > 0 ? 1 : 0, range.startOffset, range.endOffset)
  return ran
}
