/**
 * The modules that a command line loads: each costs a part of a millisecond at every start. They are counted, because
 * times differ between machines.
 */
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { runCommand } from '../a-command-run.ts'
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

it('locate loads its bundle instead of packages', async () => {
  const { exitCode, own, packages } = await modulesOf(['locate', '127.1.1.5'])
  expect(exitCode).toBe(0)
  expect(packages).toEqual([])
  expect(own).toBeLessThanOrEqual(5)
})

it('locate with the name of another command loads what reads a topology, and nothing of a node', async () => {
  const { exitCode, own, packages } = await modulesOf(['locate', '127.1.1.5', 'drain'])
  expect(exitCode).toBe(64)
  expect(packages).toEqual(['commander', 'ip-address', 'ip-cidr', 'jsbn', 'sprintf-js', 'yaml', 'zod'])
  expect(own).toBeLessThanOrEqual(48)
})

/** Problems whose text is made from the schema, from descriptions of its keys, and from a prefix. */
const BAD_TOPOLOGY = `sites:
  fra: { cidrs: [10.1.0.0/33, 10.2.0.0/08], trackers: 7, bubbles: { a: {} } }
  ams: { cidr: [10.3.0.0/16] }
links: [{ between: [fra, nyc] }]
`
const badTopology = join(mkdtempSync(join(tmpdir(), 'topology-')), 'topology.yaml')
writeFileSync(badTopology, BAD_TOPOLOGY)
afterAll(() => rmSync(dirname(badTopology), { recursive: true }))

it.each([
  { args: ['127.1.1.5', 'fd00:1::7'] },
  { args: ['127.1.1.5', '--topology', badTopology] },
  { args: ['127.1.1.5', '--topology', badTopology, '--json'] },
  { args: ['127.1.1.5', '9.9.9.9', '--json'] },
  { args: ['127.1.1.5', '--topology', 'config/siteswarm.yaml'] },
  { args: ['127.1.1.5', '--topology', 'missing.yaml'] },
  { args: ['127.1.1'] },
  { args: ['--help'] },
  { args: [] },
])('the bundle answers locate $args as the files do', async ({ args }) => {
  const { exitCode, out, err } = await runProgram(['locate', ...args])
  const { exitCode: expected, ...streams } = await runCommand(['locate', ...args])
  expect({ exitCode, out, err }).toEqual({ exitCode: expected, out: streams.out, err: streams.err })
})

it('compiles the bundle where the compiled code beside it is of another version of Node', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'bundle-'))
  for (const name of ['locate-bundle.js', 'locate-bundle.cjs', 'locate-bundle.code'])
    copyFileSync(join('dist/cli', name), join(directory, name))
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}')
  const { loadLocateBundle } = (await import(
    pathToFileURL(join(directory, 'locate-bundle.js')).href
  )) as typeof import('../../src/cli/locate-bundle.ts')
  expect(loadLocateBundle({ isCompiled: true })?.script.cachedDataRejected).toBe(false)
  writeFileSync(join(directory, 'locate-bundle.code'), 'of another version')
  const bundle = loadLocateBundle({ isCompiled: true })
  expect(bundle?.script.cachedDataRejected).toBe(true)
  expect(bundle?.exports.runCli).toBeTypeOf('function')
  rmSync(directory, { recursive: true })
})

it('the help of a command loads that command only', async () => {
  const { out, packages } = await modulesOf(['inspect', '--help'])
  expect(out).toContain('siteswarm inspect')
  expect(packages).not.toContain('fastify')
})

it('the help lists every command with its arguments', async () => {
  const { out } = await modulesOf(['--help'])
  expect(out).toContain('locate [options] <ip...>')
  expect(out).toContain('serve [options]')
})
