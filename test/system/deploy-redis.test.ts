/** The Redis configurations of deploy/, each loaded by a real server. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { until } from '../a-redis.ts'
import { aDirectory, freePort } from '../a-node.ts'
import { needs } from '../setup/needs.ts'

const DEADLINE_MS = 60_000
const PASSWORD = 'correct-horse-battery'

/** A server with a file of deploy/, on its own port and in its own directory. Killed at the end of the test. */
async function aServer(file: string, more: readonly string[] = []): Promise<number> {
  const port = await freePort()
  const directory = await aDirectory()
  const args = [file, '--port', String(port), '--dir', directory, ...more]
  const child: ChildProcess = spawn('redis-server', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await until(DEADLINE_MS, `redis-server with ${file} answers`, async () => {
    // A server without a user answers NOAUTH; any reply shows that it is running.
    const answer = await ask(port, {}, 'ping').catch((error: Error) => error.message)
    return answer === 'PONG' || /^(?:NOAUTH|NOPERM)/.test(String(answer))
  })
  return port
}

async function ask(
  port: number,
  as: { readonly username?: string; readonly password?: string },
  name: string,
  ...args: readonly (string | number)[]
): Promise<unknown> {
  const client = new Redis({
    port,
    host: '127.0.0.1',
    lazyConnect: true,
    enableReadyCheck: false,
    disableClientInfo: true,
    retryStrategy: () => null,
    ...as,
  })
  let reason: Error | undefined
  client.on('error', (error) => (reason ??= error))
  try {
    await client.connect()
    return await client.call(name, ...args)
  } catch (error) {
    throw reason ?? error
  } finally {
    client.disconnect()
  }
}

const setting = async (port: number, name: string) =>
  ((await ask(port, {}, 'config', 'get', name)) as string[])[1]

/** The steps of deploy/redis/README.md. */
async function aclFile(): Promise<string> {
  const path = join(await aDirectory(), 'users.acl')
  const text = await readFile('deploy/redis/users.acl', 'utf8')
  await writeFile(path, text.replace(/^(user siteswarm-fra .*?resetpass)/m, `$1 >${PASSWORD}`))
  return path
}

describe.skipIf(needs('redis-server'))('deploy/redis', () => {
  test('a server with single.conf never evicts and persists its data', async () => {
    const port = await aServer('deploy/redis/single.conf')
    expect(await setting(port, 'maxmemory-policy')).toBe('noeviction')
    expect(await setting(port, 'maxmemory')).toBe('1073741824')
    expect(await setting(port, 'appendonly')).toBe('yes')
  })

  test('a user of users.acl cannot log in without a password of its own', async () => {
    const port = await aServer('deploy/redis/single.conf', [
      '--aclfile',
      `${process.cwd()}/deploy/redis/users.acl`,
    ])
    await expect(ask(port, {}, 'ping')).rejects.toThrow('NOAUTH')
    for (const password of ['siteswarm-fra', 'change-me', 'x'])
      await expect(ask(port, { username: 'siteswarm-fra', password }, 'ping')).rejects.toThrow('WRONGPASS')
  })

  test('users.acl gives a node exactly the permissions that docs/reference/redis.md lists', async () => {
    const documented = /^user siteswarm-fra on >change-me .*$/m.exec(
      await readFile('docs/reference/redis.md', 'utf8'),
    )
    const lines = (await readFile('deploy/redis/users.acl', 'utf8')).split('\n')
    expect(lines).toContain(documented?.[0].replace('>change-me', 'resetpass'))
  })

  describe('the user of a node', () => {
    const user = { username: 'siteswarm-fra', password: PASSWORD }
    const key = 'siteswarm:{fra}:log'

    test('can run the scripts and commands of a node on the keys of its site', async () => {
      const port = await aServer('deploy/redis/single.conf', ['--aclfile', await aclFile()])
      expect(await ask(port, user, 'xadd', key, 'MINID', '~', '0', '*', 'b', 'x')).toMatch(/^\d+-\d+$/)
      expect(await ask(port, user, 'xread', 'count', 1, 'streams', key, '0')).toHaveLength(1)
      const script = 'return redis.call("hincrby", KEYS[1], "a", 1)'
      expect(await ask(port, user, 'eval', script, 1, 'siteswarm:{fra}:completions')).toBe(1)
    })

    test('cannot use keys of another site or administrative commands', async () => {
      const port = await aServer('deploy/redis/single.conf', ['--aclfile', await aclFile()])
      await expect(ask(port, user, 'xadd', 'siteswarm:{ams}:log', '*', 'b', 'x')).rejects.toThrow('NOPERM')
      const script = 'return redis.call("get", "siteswarm:{ams}:epoch")'
      await expect(ask(port, user, 'eval', script, 0)).rejects.toThrow(/NOPERM|No permissions|can't access/)
      for (const [name, ...args] of [
        ['flushall'],
        ['config', 'get', '*'],
        ['keys', '*'],
        ['acl', 'list'],
        ['shutdown'],
        ['client', 'kill', 'id', '1'],
      ] as const)
        await expect(ask(port, user, name, ...args)).rejects.toThrow('NOPERM')
    })
  })

  test('a Sentinel with sentinel.conf monitors the master of its name', async () => {
    const copy = join(await aDirectory(), 'sentinel.conf')
    await writeFile(copy, await readFile('deploy/redis/sentinel.conf', 'utf8'))
    const port = await aServer(copy, ['--sentinel'])
    expect(await ask(port, {}, 'sentinel', 'get-master-addr-by-name', 'siteswarm-fra')).toEqual([
      '127.0.0.1',
      '6379',
    ])
  })
})
