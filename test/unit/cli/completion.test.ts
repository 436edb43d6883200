/** Completion scripts, in the shells themselves. */
import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { commands } from '../../../src/cli/commands.ts'
import { runCommand } from '../../a-command-run.ts'

const scriptOf = async (shell: string) => (await runCommand(['completion', shell])).out

/** What bash offers after these words, of which the last one is being written. */
async function offers(...words: string[]): Promise<string[]> {
  const script = `${await scriptOf('bash')}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
_siteswarm; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout.split('\n').filter((line) => line !== '')
}

describe('bash', () => {
  it('offers all commands, and those that begin as written', async () => {
    expect((await offers('siteswarm', '')).toSorted()).toEqual(commands.map(({ name }) => name).toSorted())
    expect(await offers('siteswarm', 'comp')).toEqual(['completion'])
  })

  it('offers the flags of a command', async () => {
    expect(await offers('siteswarm', 'drain', '--u')).toEqual(['--undo', '--url'])
    expect(await offers('siteswarm', 'doctor', '--token')).toEqual(['--token', '--token-file'])
  })

  it('leaves arguments to the completion of files', async () => {
    expect(await offers('siteswarm', 'inspect', 'x')).toEqual([])
  })
})

describe.each(['zsh', 'fish'])('%s', (shell) => {
  it('has each command with its summary, and each flag', async () => {
    const script = await scriptOf(shell)
    for (const { name, summary, load } of commands) {
      expect(script).toContain(name)
      expect(script).toContain(summary.replaceAll("'", String.raw`'\''`))
      for (const { flags } of (await load.call(undefined)).flags)
        expect(script).toContain(/--([\w-]+)/.exec(flags)?.[1])
    }
  })
})

describe('another shell', () => {
  it('is a usage error that names the known ones', async () => {
    expect(await runCommand(['completion', 'tcsh'])).toMatchObject({
      exitCode: 64,
      err: 'siteswarm completion: "tcsh" is not a known shell; use bash, zsh, fish\n',
    })
  })
})
