/**
 * Runs the command of `argv`: reads its flags, calls it, and turns its errors into one clear message and an exit code.
 */
import { Command as CommanderCommand, CommanderError } from 'commander'
import { ConfigError, InputError } from '../core/errors.ts'
import { withoutCredentials } from '../core/url-credentials.ts'
import { assert } from '../core/assert.ts'
import { type Command, type CommandContext, type ExitCode, exitCodes } from './command.ts'
import { commands, type ListedCommand } from './commands.ts'

/** Beside `runCli`, because each further module of the program delays its start. */
export { systemClock } from '../core/clock.ts'

export async function runCli(argv: readonly string[], given: CommandContext): Promise<ExitCode> {
  // A message repeats arguments, and lands in the logs of a pipeline: no URL in it keeps its password.
  const context = { ...given, err: (line: string) => given.err(withoutCredentials(line)) }
  let exitCode: ExitCode = exitCodes.yes
  const program = new CommanderCommand('siteswarm')
    .description('A topology-aware, multi-site BitTorrent tracker cluster.')
    .version(context.version, '-V, --version', 'print the version')
    .exitOverride()
    .showHelpAfterError('(add --help for the arguments and flags of this command)')
    .configureOutput({
      writeOut: (text) => context.out(text.trimEnd()),
      writeErr: (text) => context.err(text.trimEnd()),
    })
  for (const listed of commands) {
    // The others are only listed by the help. Two names in one command line, such as in `help locate`, are rare.
    const command = argv.includes(listed.name) ? await listed.load() : undefined
    program.addCommand(
      build(listed, command, async (args, flags) => {
        assert(command !== undefined, 'a command that runs is in the command line')
        const empty = emptyArgument(args, flags)
        if (empty === undefined) exitCode = await command.run(args, flags, context)
        else {
          context.err(`siteswarm ${listed.name}: ${empty} is empty; check the variable that it comes from`)
          exitCode = exitCodes.usage
        }
      }).copyInheritedSettings(program),
    )
  }

  try {
    if (argv.length === 0) {
      program.outputHelp({ error: true })
      return exitCodes.usage
    }
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.yes : exitCodes.usage
    if (error instanceof ConfigError) {
      context.err(error.message)
      return exitCodes.configuration
    }
    if (error instanceof InputError) {
      context.err(`siteswarm: ${error.message}`)
      return exitCodes.no
    }
    const { syscall, message } = error as NodeJS.ErrnoException
    if (syscall === undefined) throw error
    // The system refused something. That is not a bug, so the stack trace would not help.
    context.err(`siteswarm: ${message}`)
    return exitCodes.no
  }
}

/** `command`: undefined for one that is only listed. */
function build(
  listed: ListedCommand,
  command: Command | undefined,
  run: (args: readonly string[], flags: Record<string, string | boolean | string[]>) => Promise<void>,
): CommanderCommand {
  const built = new CommanderCommand(listed.name)
    .summary(listed.summary)
    .description(listed.summary)
    .exitOverride()
  if (listed.arguments !== '') built.arguments(listed.arguments)
  for (const flag of command?.flags ?? []) {
    if (flag.repeatable) built.option(flag.flags, flag.description, collect, [])
    else built.option(flag.flags, flag.description)
  }
  return built
    .option('--json', 'print one JSON document')
    .addHelpText('after', `\nExamples:\n${(command?.examples ?? []).map((line) => `  $ ${line}`).join('\n')}`)
    .action(async () => run(built.args, built.opts()))
}

/**
 * Names an argument or flag that is empty, as an unset variable of a script leaves it. No command has a use for one:
 * as a path it would be the working directory.
 */
function emptyArgument(
  args: readonly string[],
  flags: Readonly<Record<string, string | boolean | readonly string[]>>,
): string | undefined {
  const isEmpty = (value: unknown) => typeof value === 'string' && value.trim() === ''
  if (args.some(isEmpty)) return 'an argument'
  const flag = Object.entries(flags).find(([, value]) => [value].flat().some(isEmpty))?.[0]
  return flag === undefined
    ? undefined
    : `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

const collect = (value: string, before: string[]) => [...before, value]
