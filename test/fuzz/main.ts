/**
 * The long run: `npm run fuzz -- [TARGET…] [--inputs N] [--seed N] [--keep]`, or `--input FILE` to repeat one input.
 * `--keep` replaces the seeds of the targets by the inputs that reached new code. Each of several targets has a process of its own.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { type FuzzResult, FuzzRun, minimized } from './fuzz-run.ts'
import type { FuzzTarget } from './fuzz-target.ts'
import { inputName, replaceSeeds, seedsOf } from './seeds.ts'
import { loadTarget, targetNames } from './targets.ts'
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

const unknown = positionals.filter((name) => !targetNames.includes(name))
const chosen = targetNames.filter((name) => positionals.length === 0 || positionals.includes(name))
const inputs = Number(values.inputs)
const seed = Number(values.seed)
const [first] = chosen
if (unknown.length > 0 || !Number.isSafeInteger(inputs) || !Number.isSafeInteger(seed)) {
  process.stderr.write(
    `usage: npm run fuzz -- [TARGET…] [--inputs N] [--seed N] [--keep] [--input FILE]\ntargets: ${targetNames.join(' ')}\n`,
  )
  process.exitCode = 64
} else if (chosen.length === 1 && first !== undefined) {
  const target = await loadTarget(first)
  if (values.input === undefined) await fuzz(target)
  else print(`${first}: ${(await timedRead(target, readFileSync(values.input))).toFixed(2)} ms`)
  await target.close?.()
} else {
  const flags = process.argv.slice(2).filter((argument) => !positionals.includes(argument))
  for (const name of chosen) {
    const { status } = spawnSync(
      process.execPath,
      [...process.execArgv, ...process.argv.slice(1, 2), name, ...flags],
      { stdio: 'inherit' },
    )
    if (status !== 0) process.exitCode = 1
  }
}

async function fuzz(target: FuzzTarget): Promise<void> {
  const result = await new FuzzRun(target).run(seedsOf(target), inputs, seed)
  report(target, result)
  if (result.failure === undefined && values.keep) {
    const kept = await minimized(target, result.corpus)
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
