/** Runs a command the way the program does, without a process: argv in; exit code and both streams out. */
import { type CommandContext, type ExitCode } from '../src/cli/command.ts'
import { runCli } from '../src/cli/run.ts'
import { systemClock } from '../src/core/clock.ts'

export interface CommandRun {
  readonly exitCode: ExitCode
  /** Standard output as text, one line break after each line. */
  readonly out: string
  /** Bytes that were written to standard output. */
  readonly outBytes: Buffer
  readonly err: string
}

export async function runCommand(
  argv: readonly string[],
  given: Partial<Pick<CommandContext, 'isTerminal' | 'environment' | 'showStatus' | 'signal'>> = {},
): Promise<CommandRun> {
  const out: string[] = []
  const err: string[] = []
  const bytes: Buffer[] = []
  const exitCode = await runCli(argv, {
    out: (line) => out.push(`${line}\n`),
    outBytes: (written) => bytes.push(written),
    err: (line) => err.push(`${line}\n`),
    showStatus: given.showStatus,
    isTerminal: given.isTerminal ?? false,
    environment: given.environment ?? {},
    version: '0.0.0',
    nowMs: () => systemClock.nowMs(),
    signal: given.signal ?? new AbortController().signal,
  })
  return { exitCode, out: out.join(''), outBytes: Buffer.concat(bytes), err: err.join('') }
}
