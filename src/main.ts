#!/usr/bin/env node
/** The program: hands the process's argv, streams and signals to the command line. */
import type { CommandContext, ExitCode } from './cli/command.ts'
import { isLookUp, loadLocateBundle, lookUp } from './cli/locate-bundle.ts'

const abort = new AbortController()
// `siteswarm … | head` closes our output early; that is the reader's right, not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  process.stderr.write(`siteswarm: cannot write to standard output: ${error.message}\n`)
  process.exit(1)
})

// Not imported: an imported module of Node has all of its parts loaded, as each is an export.
const { readFileSync } = process.getBuiltinModule('node:fs')
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const argv = process.argv.slice(2)
const context: Omit<CommandContext, 'nowMs'> = {
  out: (line) => process.stdout.write(`${line}\n`),
  outBytes: (bytes) => process.stdout.write(bytes),
  err: (line) => process.stderr.write(`${line}\n`),
  // To the first column, what is there erased, and cut so that it never wraps.
  showStatus: process.stderr.isTTY
    ? (line) => process.stderr.write(`\r\x1b[2K${line.slice(0, process.stderr.columns - 1)}`)
    : undefined,
  isTerminal: process.stdout.isTTY,
  environment: process.env,
  signal: abort.signal,
  version: manifest.version,
}

const bundle = isLookUp(argv) ? loadLocateBundle({ isCompiled: true }) : undefined
process.exitCode = (bundle && (await lookUp(bundle, argv, context))) ?? (await run())

async function run(): Promise<ExitCode> {
  process.once('SIGINT', () => abort.abort())
  process.once('SIGTERM', () => abort.abort())
  const { runCli, systemClock } = await import('./cli/run.ts')
  return runCli(argv, { ...context, nowMs: () => systemClock.nowMs() })
}
