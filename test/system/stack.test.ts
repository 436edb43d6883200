/** `npm run stack` as a terminal or a script starts it, and replication between two nodes of a site. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { announceFrom, fetchOnce, peersOf } from '../a-node.ts'
import { until } from '../a-redis.ts'
import { aStack, nodeNamed } from '../a-stack.ts'
import { needs } from '../setup/needs.ts'

/** TypeScript compiles, then five nodes and two Redis servers start, on a machine that may be busy. */
const PATIENCE_MS = 120_000

interface StackDocument {
  readonly directory: string
  readonly nodes: readonly { readonly name: string; readonly admin: string; readonly pid: number }[]
  readonly redis: readonly { readonly site: string; readonly url: string }[]
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

describe.skipIf(needs('redis-server'))('npm run stack', () => {
  test(
    'starts five nodes that are ready, and Ctrl-C leaves nothing behind',
    { timeout: PATIENCE_MS },
    async () => {
      const script = startScript()
      const { directory, nodes, redis } = await script.document
      expect(nodes.map(({ name }) => name)).toEqual(['fra-1', 'fra-2', 'ams-1', 'ams-2', 'nyc-1'])
      expect(redis.map(({ site }) => site)).toEqual(['fra', 'ams'])
      for (const { admin } of nodes) expect((await fetchOnce(`${admin}/readyz`)).status).toBe(200)
      script.interrupt()
      await script.exited
      expect(nodes.filter(({ pid }) => isAlive(pid))).toEqual([])
      expect(existsSync(directory)).toBe(false)
    },
  )

  test('ends as a whole when a part exits, and names it', { timeout: PATIENCE_MS }, async () => {
    const script = startScript()
    const { nodes } = await script.document
    const [victim] = nodes
    process.kill(victim?.pid ?? 0, 'SIGKILL')
    expect(await script.exited).toBe(1)
    expect(script.errors()).toContain('fra-1 ended (SIGKILL)')
    expect(nodes.filter(({ pid }) => isAlive(pid))).toEqual([])
  })
})

describe.skipIf(needs('redis-server'))('two nodes of a site', () => {
  test('hand out the peers of the other one', { timeout: PATIENCE_MS }, async () => {
    const stack = await aStack()
    const [first, second] = [nodeNamed(stack, 'fra-1'), nodeNamed(stack, 'fra-2')]
    await announceFrom(first, '127.1.1.5', { left: 0 })
    let handedOut: readonly string[] = []
    await until(30_000, 'fra-2 hands out the seed that announced to fra-1', async () => {
      handedOut = peersOf(await announceFrom(second, '127.1.2.7'))
      return handedOut.length > 0
    })
    expect(handedOut).toEqual(['127.1.1.5:6881'])
  })
})
