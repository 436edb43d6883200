/**
 * Command line of `npm run stack`: without a command it starts the stack; `demo` distributes a file over a running one.
 * Every unknown argument is an error.
 */
import { resolve } from 'node:path'
import { Command, CommanderError, InvalidArgumentError } from 'commander'

export interface StartOptions {
  readonly ports: 'fixed' | 'free'
  readonly isJson: boolean
}

export interface DemoOptions {
  /** Directory of the stack; undefined: the stack on the fixed ports. */
  readonly stack: string | undefined
  readonly sizeBytes: number
  readonly isJson: boolean
}

export interface StackCommands {
  readonly start: (options: StartOptions) => Promise<number>
  readonly demo: (options: DemoOptions) => Promise<number>
}

const exitCodes = { yes: 0, usage: 64 } as const
const MEGABYTE = 1_000_000
/** Below, the result shows the protocol more than the distribution; above, it fills the disk seven times. */
const MEGABYTES = { min: 1, max: 4_000, default: 100 } as const

/** Resolves with the exit code of the command. */
export async function runCommand(argv: readonly string[], commands: StackCommands): Promise<number> {
  let exitCode: number = exitCodes.yes
  const program = new Command('npm run stack --')
    .description(
      'Two sites of two nodes and a Redis each, and a third site with a fallback node, on this machine. Stops on Ctrl-C.',
    )
    .option('--free', 'use free ports instead of those of docker-compose.yml')
    .option('--json', 'print one JSON document when all nodes are ready')
    .exitOverride()
    .showHelpAfterError('(add --help for the options)')
    .allowExcessArguments()
    .enablePositionalOptions()
    .action(async (flags: { free?: boolean; json?: boolean }) => {
      const [unknown] = program.args
      if (unknown !== undefined)
        program.error(`error: unknown command '${unknown}'; the only command is 'demo'`)
      exitCode = await commands.start({
        ports: flags.free === true ? 'free' : 'fixed',
        isJson: flags.json === true,
      })
    })
  program
    .command('demo')
    .description(
      'Publish a file on a running stack, and download it with aria2 on three hosts in each of two sites.',
    )
    .option('--size <megabytes>', 'size of the file, in megabytes', readMegabytes, MEGABYTES.default)
    .option(
      '--stack <directory>',
      'directory of the stack, as it prints it (default: the stack on the fixed ports)',
    )
    .option('--json', 'print the result as one JSON document')
    .allowExcessArguments(false)
    .action(async (flags: { size: number; stack?: string; json?: boolean }) => {
      exitCode = await commands.demo({
        stack: flags.stack === undefined ? undefined : resolve(flags.stack),
        sizeBytes: flags.size * MEGABYTE,
        isJson: flags.json === true,
      })
    })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.yes : exitCodes.usage
    throw error
  }
}

function readMegabytes(value: string): number {
  const megabytes = Number(value)
  if (Number.isSafeInteger(megabytes) && megabytes >= MEGABYTES.min && megabytes <= MEGABYTES.max)
    return megabytes
  throw new InvalidArgumentError(
    `It is a whole number of megabytes from ${MEGABYTES.min} to ${MEGABYTES.max}.`,
  )
}
