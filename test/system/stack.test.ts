/** `npm run stack` as a terminal or a script starts it, and replication between two nodes of a site. */
import { execFile, spawn } from 'node:child_process'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { aDirectory, announceFrom, fetchOnce, peersOf } from '../a-node.ts'
import { repositoryPath } from '../../lab/repository.ts'
import { startStack } from '../../stack/stack.ts'
import { until } from '../a-redis.ts'
import { aStack, nodeNamed } from '../a-stack.ts'
import { needs } from '../setup/needs.ts'

/** TypeScript compiles, then five nodes and two Redis servers start, on a machine that may be busy. */
const PATIENCE_MS = 240_000

interface StackDocument {
  readonly directory: string
  readonly nodes: readonly { readonly name: string; readonly admin: string; readonly pid: number }[]
  readonly redis: readonly { readonly site: string; readonly url: string }[]
}

interface DemoDocument {
  readonly sizeBytes: number
  readonly sites: readonly { readonly site: string; readonly hosts: number; readonly copies: number }[]
  readonly hosts: readonly { readonly name: string }[]
}

/** `npm run stack` compiles each time; the commands that end at once are run without it. */
beforeAll(async () => {
  const compiler = repositoryPath('node_modules/typescript/bin/tsc')
  await promisify(execFile)(process.execPath, [compiler, '-p', repositoryPath('tsconfig.stack.json')])
})

/** Runs to the end; standard output and error are complete then. */
function runStack(
  ...args: readonly string[]
): Promise<{ exitCode: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [repositoryPath('dist-stack/stack/main.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  return new Promise((resolve) => child.once('close', (exitCode) => resolve({ exitCode, out, err })))
}

function startScript() {
  const child = spawn('npm', ['run', '--silent', 'stack', '--', '--free', '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // npm and the script share a process group, as in a terminal.
    detached: true,
  })
  const pid = child.pid ?? 0
  // `close`: all output has been read as well.
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-pid, 'SIGTERM')
    await exited
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const document = new Promise<StackDocument>((resolve, reject) => {
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
      if (out.includes('\n')) resolve(JSON.parse(out) as StackDocument)
    })
    void exited.then((code) => reject(new Error(`npm run stack ended with ${code}:\n${errors}`)))
  })
  return { document, exited, errors: () => errors, interrupt: () => process.kill(-pid, 'SIGINT') }
}

const isAlive = (pid: number) => existsSync(`/proc/${pid}`)

/** Every file below a directory, sorted. */
const filesIn = (directory: string) =>
  readdirSync(directory, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .toSorted()

describe.skipIf(needs('redis-server'))('npm run stack', () => {
  test(
    'starts five nodes that are ready, and Ctrl-C ends all processes and leaves the logs alone',
    { timeout: PATIENCE_MS },
    async () => {
      const script = startScript()
      const { directory, nodes, redis } = await script.document
      onTestFinished(() => rmSync(directory, { recursive: true }))
      expect(nodes.map(({ name }) => name)).toEqual(['fra-1', 'fra-2', 'ams-1', 'ams-2', 'nyc-1'])
      expect(redis.map(({ site }) => site)).toEqual(['fra', 'ams'])
      for (const { admin } of nodes) expect((await fetchOnce(`${admin}/readyz`)).status).toBe(200)
      script.interrupt()
      await script.exited
      expect(nodes.filter(({ pid }) => isAlive(pid))).toEqual([])
      expect(filesIn(directory).filter((file) => !file.startsWith('prometheus'))).toEqual([
        'ams-1/log',
        'ams-2/log',
        'ams-redis/log',
        'fra-1/log',
        'fra-2/log',
        'fra-redis/log',
        'nyc-1/log',
      ])
    },
  )

  test(
    'names a part that exits, with its log, and continues with the others',
    { timeout: PATIENCE_MS },
    async () => {
      const script = startScript()
      const { directory, nodes } = await script.document
      onTestFinished(() => rmSync(directory, { recursive: true }))
      const [victim, ...others] = nodes
      process.kill(victim?.pid ?? 0, 'SIGKILL')
      await until(60_000, 'the exit is reported', () => Promise.resolve(script.errors().includes('fra-1')))
      expect(script.errors()).toContain(`fra-1 ended (SIGKILL). Last lines of ${directory}/fra-1/log:`)
      expect(script.errors()).toContain('The other parts continue.')
      for (const { admin } of others) expect((await fetchOnce(`${admin}/readyz`)).status).toBe(200)
      script.interrupt()
      await script.exited
    },
  )

  test('a part that exits during the start stops the others, and the error names it', async () => {
    const start = startStack({ ports: 'free', prometheus: false, serve: ['--unknown'] })
    await expect(start).rejects.toThrow(
      /^(?:fra|ams|nyc)-\d ended \(64\)\. Last lines of .*\nerror: unknown option/,
    )
  })

  test('joins the sites by federation', { timeout: PATIENCE_MS }, async () => {
    const stack = await aStack()
    await announceFrom(nodeNamed(stack, 'nyc-1'), '127.3.1.5', { left: 0 })
    let handedOut: readonly string[] = []
    await until(60_000, 'a gateway in Amsterdam receives the seed of New York', async () => {
      handedOut = peersOf(await announceFrom(nodeNamed(stack, 'ams-1'), '127.2.1.5'))
      return handedOut.length > 0
    })
    expect(handedOut).toEqual(['127.3.1.5:6881'])
  })
})

describe.skipIf(needs('redis-server', 'aria2c'))('npm run stack -- demo', () => {
  test(
    'a file of 100 MB is complete on three hosts in each of two sites, with one copy into each',
    { timeout: PATIENCE_MS },
    async () => {
      const script = startScript()
      const { directory } = await script.document
      onTestFinished(() => rmSync(directory, { recursive: true }))
      const { exitCode, out, err } = await runStack('demo', '--stack', directory, '--json')
      expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' })
      const { sizeBytes, sites, hosts } = JSON.parse(out) as DemoDocument
      expect(sizeBytes).toBe(100_000_000)
      expect(sites.map(({ site, hosts: count }) => `${site} ${count}`)).toEqual(['fra 3', 'ams 3'])
      for (const { copies } of sites) expect(copies).toBeCloseTo(1, 1)
      expect(hosts.map(({ name }) => name)).toEqual([
        'fra-host-1',
        'fra-host-2',
        'fra-host-3',
        'ams-host-1',
        'ams-host-2',
        'ams-host-3',
      ])
      script.interrupt()
      await script.exited
    },
  )

  test('without a stack it prints how to start one', { timeout: PATIENCE_MS }, async () => {
    const nowhere = await aDirectory()
    expect(await runStack('demo', '--stack', nowhere)).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining(`stack: there is no stack in ${nowhere}`),
    })
  })
})

describe('the command line of npm run stack', () => {
  test('--help lists the options and the demonstration', { timeout: PATIENCE_MS }, async () => {
    const { exitCode, out, err } = await runStack('--help')
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' })
    expect(out).toMatch(/^Usage: npm run stack -- \[options\] \[command\]\n/)
    for (const word of ['--free', '--json', 'demo']) expect(out).toContain(word)
  })

  test.each([
    ['an unknown option', ['--fast'], "error: unknown option '--fast'"],
    ['an unknown command', ['start'], "error: unknown command 'start'; the only command is 'demo'"],
    ['a size of zero', ['demo', '--size', '0'], 'It is a whole number of megabytes from 1 to 4000.'],
    ['an argument too many', ['demo', 'image.bin'], "error: too many arguments for 'demo'."],
  ])('rejects %s without a stack trace', { timeout: PATIENCE_MS }, async (_what, args, message) => {
    const { exitCode, out, err } = await runStack(...args)
    expect({ exitCode, out }).toEqual({ exitCode: 64, out: '' })
    expect(err).toContain(message)
    expect(err).not.toMatch(/^ +at /m)
  })
})

describe.skipIf(needs('redis-server'))('two nodes of a site', () => {
  test('hand out the peers of the other one', { timeout: PATIENCE_MS }, async () => {
    const stack = await aStack()
    const [first, second] = [nodeNamed(stack, 'fra-1'), nodeNamed(stack, 'fra-2')]
    await announceFrom(first, '127.1.1.5', { left: 0 })
    let handedOut: readonly string[] = []
    await until(60_000, 'fra-2 hands out the seed that announced to fra-1', async () => {
      handedOut = peersOf(await announceFrom(second, '127.1.2.7'))
      return handedOut.length > 0
    })
    expect(handedOut).toEqual(['127.1.1.5:6881'])
  })
})
