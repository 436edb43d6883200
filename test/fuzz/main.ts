/**
 * The long run: `npm run fuzz -- [TARGET…] [--inputs N] [--seed N] [--keep]`, or `--input FILE` to repeat one input.
 * `--keep` replaces the seeds of the targets by the inputs that reached new code.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { type FuzzResult, FuzzRun, minimized } from './fuzz-run.ts'
import type { FuzzTarget } from './fuzz-target.ts'
import { inputName, replaceSeeds, seedsOf } from './seeds.ts'
import { fuzzTargets } from './targets.ts'
import { timedRead } from './timed-read.ts'

/** Code that is compiled late, and caches with a limit, add a few MiB in a long run; a leak adds some for each input. */
const GROWTH_MIB_MAX = 16

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
    input: { type: 'string' },
  },
})

const unknown = positionals.filter((name) => !fuzzTargets.some((target) => target.name === name))
const chosen = fuzzTargets.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
const inputs = Number(values.inputs)
const seed = Number(values.seed)
if (unknown.length > 0 || !Number.isSafeInteger(inputs) || !Number.isSafeInteger(seed)) {
  const names = fuzzTargets.map(({ name }) => name).join(' ')
  process.stderr.write(
    `usage: npm run fuzz -- [TARGET…] [--inputs N] [--seed N] [--keep] [--input FILE]\ntargets: ${names}\n`,
  )
  process.exitCode = 64
} else if (values.input === undefined) {
  for (const target of chosen) fuzz(target)
} else {
  const input = readFileSync(values.input)
  for (const target of chosen) print(`${target.name}: ${timedRead(target, input).toFixed(2)} ms`)
}

function fuzz(target: FuzzTarget): void {
  const result = new FuzzRun(target).run(seedsOf(target), inputs, seed)
  report(target, result)
  if (result.failure === undefined && values.keep) {
    const kept = minimized(target, result.corpus)
    replaceSeeds(target, kept)
    print(`  kept ${kept.length} of ${result.corpus.length} inputs`)
  }
}

function report(target: FuzzTarget, result: FuzzResult): void {
  const perSecond = Math.round((result.inputs * 1_000) / result.elapsedMs)
  const growth = result.grownMib === undefined ? 'not measured' : `${result.grownMib.toFixed(1)} MiB`
  print(
    `${target.name}: ${result.inputs} inputs, ${perSecond}/s, ${result.covered} characters of code covered, ` +
      `${result.corpus.length} inputs with new code, slowest ${result.slowestMs.toFixed(1)} ms ` +
      `(${result.slowest.length} bytes), growth ${growth}, seed ${seed}`,
  )
  if (result.failure !== undefined) {
    const path = join(tmpdir(), `fuzz-${target.name}-${inputName(result.failure.input)}`)
    writeFileSync(path, result.failure.input)
    const { error } = result.failure
    print(`  FAILED: ${error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error)}`)
    print(`  repeat it with: npm run fuzz -- ${target.name} --input ${path}`)
    process.exitCode = 1
  } else if ((result.grownMib ?? 0) > GROWTH_MIB_MAX) {
    print(`  FAILED: memory grew by more than ${GROWTH_MIB_MAX} MiB`)
    process.exitCode = 1
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
