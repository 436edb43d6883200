/**
 * Interface of a command: examples, flags, and a `run` that receives all of its dependencies and returns an exit code, so
 * that a test can call it without a process. `commands.ts` has its name and one sentence.
 *
 * Results go to `out`, everything else to `err`; with `--json` exactly one JSON document goes to `out`.
 */

/** 0 yes · 1 no · 64 usage · 69 unreachable · 78 configuration. Numbers above 1 are those of sysexits.h. */
export const exitCodes = { yes: 0, no: 1, usage: 64, unreachable: 69, configuration: 78 } as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

export interface CommandContext {
  /** Writes one line to standard output. */
  out(line: string): void
  /** Writes bytes to standard output unchanged: a .torrent. */
  outBytes(bytes: Buffer): void
  /** Writes one line to standard error. */
  err(line: string): void
  /**
   * Writes a line to standard error that the next one replaces; an empty one removes it. undefined where standard
   * error is not a terminal, where old lines would stay.
   */
  readonly showStatus: ((line: string) => void) | undefined
  /** Standard output is a terminal: colours and bars are used only there. */
  readonly isTerminal: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly version: string
  /** Milliseconds since 1970, UTC. */
  nowMs(): number
  /** Aborted on SIGINT and SIGTERM. */
  readonly signal: AbortSignal
}

export interface CommandFlag {
  /** As commander writes them: `--site <name>`, `-o, --output <file>`, `--json`. */
  readonly flags: string
  readonly description: string
  /** May be given several times; the values are collected. */
  readonly repeatable?: boolean
}

export interface Command {
  /** Two or more, each a whole command line. */
  readonly examples: readonly string[]
  /** `--json` is added to every command. */
  readonly flags: readonly CommandFlag[]
  /** `flags` by camel-cased name; text, true, or a list of texts where repeatable. */
  run(args: readonly string[], flags: CommandFlags, context: CommandContext): Promise<ExitCode>
}

export type CommandFlags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** A flag's text, or undefined where it was not given. */
export function textFlag(flags: CommandFlags, name: string): string | undefined {
  const value = flags[name]
  return typeof value === 'string' ? value : undefined
}
