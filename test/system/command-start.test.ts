/**
 * The modules that a command line loads: each costs a part of a millisecond at every start. They are counted, because
 * times differ between machines.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runProgram } from '../a-program-run.ts'

/** Modules of the program, and packages with the number of their modules, as V8 reports them at the exit. */
async function modulesOf(args: readonly string[]) {
  const directory = mkdtempSync(join(tmpdir(), 'modules-'))
  const run = await runProgram(args, { environment: { NODE_V8_COVERAGE: directory } })
  const urls = readdirSync(directory).flatMap((name) => {
    const { result } = JSON.parse(readFileSync(join(directory, name), 'utf8')) as {
      readonly result: readonly { readonly url: string }[]
    }
    return result.map(({ url }) => url).filter((url) => url.startsWith('file:'))
  })
  rmSync(directory, { recursive: true })
  const packages = urls.map((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1])
  return {
    ...run,
    own: packages.filter((name) => name === undefined).length,
    packages: [...new Set(packages.filter((name) => name !== undefined))].toSorted(),
  }
}

it.each([['--help'], ['--version'], ['help'], ['unknown']])('%s loads no command', async (argument) => {
  const { own, packages } = await modulesOf([argument])
  expect(packages).toEqual(['commander'])
  expect(own).toBeLessThanOrEqual(12)
})

it('locate loads what reads a topology, and nothing of a node', async () => {
  const { exitCode, own, packages } = await modulesOf(['locate', '127.1.1.5'])
  expect(exitCode).toBe(0)
  expect(packages).toEqual(['commander', 'ip-address', 'ip-cidr', 'jsbn', 'sprintf-js', 'yaml', 'zod'])
  expect(own).toBeLessThanOrEqual(40)
})

it('the help of a command loads that command only', async () => {
  const { out, packages } = await modulesOf(['locate', '--help'])
  expect(out).toContain('siteswarm locate 127.1.1.5 127.2.2.7')
  expect(packages).not.toContain('fastify')
})

it('the help lists every command with its arguments', async () => {
  const { out } = await modulesOf(['--help'])
  expect(out).toContain('locate [options] <ip...>')
  expect(out).toContain('serve [options]')
})
