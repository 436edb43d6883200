/**
 * The attacks of test/hostile, one file after the other: the figures that they report, and which of their tests pass. The
 * node is the built program of this checkout (`npm run build`), or with `--against` that of another one, whose failing
 * tests are then the effect without a defence.
 *
 * Usage: attacks [names of files, separated by commas; default all] [--against DIR]
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/** Compiled, this file is a folder deeper than its source. */
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const TESTS = join(ROOT, 'test/hostile')

interface Outcome {
  readonly status: string
  readonly title: string
}

const { values, positionals } = parseArgs({
  options: { against: { type: 'string' } },
  allowPositionals: true,
})
const all = readdirSync(TESTS)
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => name.slice(0, -'.test.ts'.length))
const names = positionals[0]?.split(',') ?? all
const unknown = names.filter((name) => !all.includes(name))
if (positionals.length > 1 || unknown.length > 0)
  throw new Error(
    `no attack ${[...unknown, ...positionals.slice(1)].join(', ')}; there are ${all.join(', ')}`,
  )
const against = values.against === undefined ? undefined : resolve(values.against)
if (against !== undefined && !existsSync(join(against, 'dist/main.js')))
  throw new Error(`${against} has no dist/main.js; run npm ci and npm run build there`)

const directory = mkdtempSync(join(tmpdir(), 'siteswarm-attacks-'))
console.log(`the program of ${against ?? 'this checkout'}`)
for (const name of names) attack(name)
rmSync(directory, { recursive: true })

function attack(name: string): void {
  const [figures, report] = [join(directory, `${name}.figures`), join(directory, `${name}.json`)]
  spawnSync(
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      join('test/hostile', `${name}.test.ts`),
      '--reporter=json',
      `--outputFile=${report}`,
    ],
    {
      cwd: ROOT,
      stdio: 'ignore',
      env: {
        ...process.env,
        HOSTILE_FIGURES: figures,
        ...(against === undefined ? {} : { HOSTILE_AGAINST: against }),
      },
    },
  )
  const outcomes = outcomesOf(report)
  const passed = outcomes.filter(({ status }) => status === 'passed').length
  console.log(`\n${name}: ${passed} of ${outcomes.length} tests pass`)
  for (const { status, title } of outcomes) if (status !== 'passed') console.log(`  ${status}: ${title}`)
  if (existsSync(figures))
    for (const line of readFileSync(figures, 'utf8').trimEnd().split('\n')) console.log(`  ${line}`)
}

function outcomesOf(report: string): Outcome[] {
  if (!existsSync(report)) throw new Error('the tests did not run')
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
    testResults: { assertionResults: { status: string; fullName: string }[] }[]
  }
  return testResults.flatMap(({ assertionResults }) =>
    assertionResults.map(({ status, fullName }) => ({ status, title: fullName })),
  )
}
