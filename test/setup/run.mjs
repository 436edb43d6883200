// @ts-check
/**
 * `npm test`: installs the requirements beyond npm, builds the program that test/system starts, and runs vitest with the
 * given arguments, such as `npm test -- test/unit/core`. The last line is `N passed, N failed`.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { copyScripts } from '../../src/replication/redis/scripts/copy-to.mjs'
import { installMissing } from './install-missing.mjs'
import { summarize } from './summary.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const vitest = join(root, 'node_modules/vitest/vitest.mjs')
const compiler = join(root, 'node_modules/typescript/bin/tsc')

process.exitCode = await main(process.argv.slice(2))

/** @param {readonly string[]} args */
async function main(args) {
  if (!existsSync(vitest)) return stop('The packages are not installed. Run: npm ci')
  installMissing(console.error)
  if ((await run([compiler, '-p', 'tsconfig.build.json'])) !== 0)
    return stop('src/ does not compile; see above.')
  copyScripts('dist')
  // Not at the top: it needs the packages, whose absence is reported above.
  const { buildDashboard } = await import('../../src/dashboard/build.mjs')
  await buildDashboard('dist')

  const directory = mkdtempSync(join(tmpdir(), 'siteswarm-test-'))
  try {
    const file = join(directory, 'report.json')
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
    const status = await run([vitest, 'run', ...reporters, ...args])
    const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
    const { lines, exitCode } = summarize(report, status, root)
    console.log(`\n${lines.join('\n')}`)
    return exitCode
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** @param {string} why the reason why no test can run */
function stop(why) {
  console.log(`${why}\n0 passed, 1 failed`)
  return 1
}

/**
 * @param {readonly string[]} args of Node
 * @returns {Promise<number | null>} the exit code; null if it was killed
 */
function run(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
    // Ctrl-C in a terminal also reaches the child; the TERM of a supervisor reaches only this process.
    const forward = () => child.kill('SIGTERM')
    process.once('SIGTERM', forward)
    child.once('error', reject)
    child.once('exit', (code) => {
      process.off('SIGTERM', forward)
      resolve(code)
    })
  })
}
