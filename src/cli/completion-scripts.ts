/**
 * Completion scripts, made of the list of commands: the names of the commands, then the flags of the chosen one. Values of
 * flags and arguments complete as files, which is what most of them are.
 */
import type { CommandFlag } from './command.ts'

interface CompletedCommand {
  readonly name: string
  readonly summary: string
  readonly flags: readonly CommandFlag[]
}

export const shells = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof shells)[number]

export function isShell(text: string): text is Shell {
  return (shells as readonly string[]).includes(text)
}

export const completionScripts: Readonly<Record<Shell, (commands: readonly CompletedCommand[]) => string>> = {
  bash: (commands) => `# bash completion for siteswarm
_siteswarm() {
  local word=\${COMP_WORDS[COMP_CWORD]} words
  if [ "$COMP_CWORD" -eq 1 ]; then
    words=${quote(commands.map(({ name }) => name).join(' '))}
  else
    case "\${COMP_WORDS[1]}" in
${commands.map((command) => `      ${command.name}) words=${quote(flagWords(command).join(' '))} ;;`).join('\n')}
    esac
    [ "\${word:0:1}" = - ] || words=
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _siteswarm siteswarm`,

  zsh: (commands) => `#compdef siteswarm
_siteswarm() {
  local -a commands=(
${commands.map(({ name, summary }) => `    ${quote(`${name}:${summary}`)}`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case $words[2] in
${commands
  .map(
    (command) =>
      `    ${command.name}) _arguments ${command.flags.concat(json).flatMap(zshFlags).join(' ')} '*:file:_files' ;;`,
  )
  .join('\n')}
  esac
}
if [ "$funcstack[1]" = _siteswarm ]; then _siteswarm "$@"; else compdef _siteswarm siteswarm; fi`,

  fish: (commands) =>
    [
      '# fish completion for siteswarm',
      ...commands.map(
        ({ name, summary }) =>
          `complete -c siteswarm -n __fish_use_subcommand -f -a ${name} -d ${quote(summary)}`,
      ),
      ...commands.flatMap(({ name, flags }) =>
        flags.concat(json).map((flag) => {
          const { short, long, takesValue } = read(flag)
          const parts = [
            `-l ${long}`,
            ...(short === undefined ? [] : [`-s ${short}`]),
            ...(takesValue ? ['-r'] : []),
          ]
          return `complete -c siteswarm -n '__fish_seen_subcommand_from ${name}' ${parts.join(' ')} -d ${quote(flag.description)}`
        }),
      ),
    ].join('\n'),
}

/** Added to every command. */
const json: CommandFlag = { flags: '--json', description: 'print one JSON document' }

/** Reads `-c, --config <file>`. */
function read({ flags }: CommandFlag) {
  const [, short, long = '', value] = /^(?:-(\w), )?--([\w-]+)(?: (<.+>))?$/.exec(flags) ?? []
  return { short, long, takesValue: value !== undefined }
}

function flagWords({ flags }: CompletedCommand): string[] {
  return flags.concat(json).map((flag) => `--${read(flag).long}`)
}

/** A flag with a value takes a file; the brackets of a description would end it. */
function zshFlags(flag: CommandFlag): string[] {
  const { short, long, takesValue } = read(flag)
  const description = flag.description.replaceAll(/[[\]:]/g, ' ')
  const names = [`--${long}`, ...(short === undefined ? [] : [`-${short}`])]
  return names.map((name) => quote(`${name}[${description}]${takesValue ? ':value:_files' : ''}`))
}

/** Single quotes of a POSIX shell; fish reads them alike. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
