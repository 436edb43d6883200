/** `completion`: prints a script with which a shell completes commands and flags. */
import { type Command, exitCodes } from '../command.ts'
import { completionScripts, isShell, shells } from '../completion-scripts.ts'

interface LoadableCommand {
  readonly name: string
  readonly summary: string
  load(): Promise<Command>
}

/** `commands`: all of them, this one included. */
export const completionCommand = (commands: readonly LoadableCommand[]): Command => ({
  examples: [
    'siteswarm completion bash > /etc/bash_completion.d/siteswarm',
    'siteswarm completion zsh > ~/.zfunc/_siteswarm',
    'siteswarm completion fish > ~/.config/fish/completions/siteswarm.fish',
  ],
  flags: [],
  async run([shell = ''], flags, context) {
    if (!isShell(shell)) {
      context.err(
        `siteswarm completion: ${JSON.stringify(shell)} is not a known shell; use ${shells.join(', ')}`,
      )
      return exitCodes.usage
    }
    const loaded = await Promise.all(
      commands.map(async (command) => ({
        name: command.name,
        summary: command.summary,
        flags: (await command.load()).flags,
      })),
    )
    const script = completionScripts[shell](loaded)
    context.out(flags['json'] === true ? JSON.stringify({ shell, script }) : script)
    return exitCodes.yes
  },
})
