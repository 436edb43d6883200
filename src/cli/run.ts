/**
 * From `argv` to an exit code: finds the command, reads its flags, runs it, and turns what it throws into one
 * clear message and the right code.
 */
import { Command as CommanderCommand, CommanderError } from 'commander'
import { ConfigError, InputError } from '../core/errors.ts'
import { type Command, type CommandContext, type ExitCode, exitCodes } from './command.ts'
import { commands } from './commands.ts'

export async function runCli(argv: readonly string[], context: CommandContext): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.yes
  const program = new CommanderCommand('siteswarm')
    .description('A topology-aware, multi-site BitTorrent tracker cluster.')
    .version(context.version, '-V, --version', 'print the version')
    .exitOverride()
    .showHelpAfterError('(add --help for what this command takes)')
    .configureOutput({
      writeOut: (text) => context.out(text.trimEnd()),
      writeErr: (text) => context.err(text.trimEnd()),
    })
  for (const command of commands) {
    program.addCommand(
      build(command, async (args, flags) => {
        exitCode = await command.run(args, flags, context)
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
    throw error
  }
}

function build(
  command: Command,
  run: (args: readonly string[], flags: Record<string, string | boolean | string[]>) => Promise<void>,
): CommanderCommand {
  const built = new CommanderCommand(command.name)
    .summary(command.summary)
    .description(command.summary)
    .exitOverride()
  if (command.arguments !== '') built.arguments(command.arguments)
  for (const flag of command.flags) {
    if (flag.repeatable) built.option(flag.flags, flag.description, collect, [])
    else built.option(flag.flags, flag.description)
  }
  return built
    .option('--json', 'print one JSON document')
    .addHelpText('after', `\nExamples:\n${command.examples.map((line) => `  $ ${line}`).join('\n')}`)
    .action(async () => run(built.args, built.opts()))
}

const collect = (value: string, before: string[]) => [...before, value]
