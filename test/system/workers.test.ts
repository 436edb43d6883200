/** `serve --workers`: one node as several processes, as clients, Prometheus and its operator see it. */
import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runCommand } from '../a-command-run.ts'
import {
  aDirectory,
  aNode,
  announceFrom,
  peersOf,
  type NodeSettings,
  type RunningNode,
  topologyText,
} from '../a-node.ts'
import { aRedis, until } from '../a-redis.ts'
import { RawConnection } from '../raw-connection.ts'
import { needs } from '../setup/needs.ts'

/** Several processes start, on a machine that may be busy. */
const PATIENCE_MS = 120_000
const DEADLINE_MS = 30_000

async function aNodeOfWorkers(workers: number, settings: NodeSettings = {}): Promise<RunningNode> {
  const { url } = await aRedis()
  const node = await aNode({
    ...settings,
    serve: ['--workers', String(workers)],
    more: `store: ${url}\n${settings.more ?? ''}`,
  })
  await node.logged('"event":"workers-ready"')
  return node
}

/** The child processes of the first one, from the kernel. */
function workersOf(node: RunningNode): number[] {
  const pid = node.process.pid ?? 0
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return children.split(' ').filter(Boolean).map(Number)
}

/** The error of a start that fails. */
async function errorOf(started: Promise<RunningNode>): Promise<string> {
  try {
    await started
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('it started')
}

const count = (text: string, part: string) => text.split(part).length - 1

/** The value of one series of the page, from any worker. */
async function metric(node: RunningNode, series: string): Promise<number> {
  const page = await (await node.admin('/metrics')).text()
  const line = page.split('\n').find((each) => each.startsWith(`${series} `))
  if (line === undefined) throw new Error(`no ${series} on the page`)
  return Number(line.slice(series.length + 1))
}

const ANNOUNCES = 'siteswarm_announces_total{site="fra",protocol="http",event="none"}'
const SCRAPE = `GET /scrape?info_hash=${'%ab'.repeat(20)} HTTP/1.1\r\nHost: tracker\r\n\r\n`

describe.skipIf(needs('redis-server'))('a node of three workers', () => {
  test('listens once and answers as one tracker, over HTTP and UDP', { timeout: PATIENCE_MS }, async () => {
    const node = await aNodeOfWorkers(3)
    expect(workersOf(node)).toHaveLength(3)
    await announceFrom(node, '127.1.1.1', { left: 0 })
    await until(DEADLINE_MS, 'every worker has the seed', async () => {
      const answers = await Promise.all(Array.from({ length: 12 }, () => announceFrom(node, '127.1.1.2')))
      return answers.every((answer) => peersOf(answer).includes('127.1.1.1:6881'))
    })
    // One worker may issue the connection id, and another one answer the announce with it.
    const flags = ['--info-hash', 'ab'.repeat(20), '--from', '127.1.1.3', '--port', '6883']
    for (let times = 0; times < 12; times++) {
      const { exitCode, out } = await runCommand(['announce', node.udpAnnounceUrl, ...flags])
      expect(exitCode).toBe(0)
      expect(out).toContain('complete      1\n')
    }
    expect(await metric(node, 'siteswarm_udp_dropped_total{cause="unproven"}')).toBe(0)
    expect(count(node.log(), '"event":"ready"')).toBe(1)
  })

  test(
    'adds up the counters of its workers, and does not add up their gauges',
    { timeout: PATIENCE_MS },
    async () => {
      const node = await aNodeOfWorkers(3)
      for (let host = 1; host <= 20; host++) await announceFrom(node, `127.1.1.${host}`)
      expect(await metric(node, ANNOUNCES)).toBe(20)
      expect(await metric(node, 'siteswarm_announce_duration_seconds_count')).toBe(20)
      const peers = 'siteswarm_peers{site="fra",bubble="row-a",role="leecher"}'
      await until(DEADLINE_MS, 'all workers have all peers', async () => (await metric(node, peers)) === 20)
      expect(await metric(node, 'siteswarm_swarms{site="fra"}')).toBe(1)
      expect(await metric(node, 'siteswarm_store_up')).toBe(1)
      expect(await metric(node, 'siteswarm_ready')).toBe(1)
    },
  )

  test('replaces a worker that was killed, and no counter falls', { timeout: PATIENCE_MS }, async () => {
    const node = await aNodeOfWorkers(3)
    for (let host = 1; host <= 20; host++) await announceFrom(node, `127.1.1.${host}`)
    expect(await metric(node, ANNOUNCES)).toBe(20)
    const [victim = 0, ...others] = workersOf(node)
    process.kill(victim, 'SIGKILL')
    await until(
      DEADLINE_MS,
      'all three are ready again',
      () => count(node.log(), '"event":"workers-ready"') === 2,
    )
    expect(workersOf(node)).toEqual(expect.arrayContaining(others))
    expect(workersOf(node)).not.toContain(victim)
    expect(await metric(node, ANNOUNCES)).toBe(20)
    expect(await metric(node, 'siteswarm_workers_replaced_total')).toBe(1)
    expect(await announceFrom(node, '127.1.1.1')).toContain('10:incompletei20e')
  })

  test(
    'reloads the topology in all workers on SIGHUP, and reports an error in it once',
    { timeout: PATIENCE_MS },
    async () => {
      const node = await aNodeOfWorkers(3)
      await writeFile(node.topologyPath, topologyText(1).replaceAll('127.3.', '127.9.'))
      node.process.kill('SIGHUP')
      await until(DEADLINE_MS, 'all have read it', () => count(node.log(), '"event":"reloaded"') >= 3)
      for (let times = 0; times < 12; times++)
        expect(peersOf(await announceFrom(node, '127.9.1.1'))).toEqual([])

      await writeFile(node.topologyPath, 'sites:\n  fra: { cidrs: [10.0.0.1/8] }\n')
      const response = await node.admin('/api/v1/reload', { method: 'POST' })
      expect(response.status).toBe(422)
      expect(await response.text()).toContain('10.0.0.0/8')
      expect(peersOf(await announceFrom(node, '127.9.1.1'))).toEqual([])
    },
  )

  test(
    'drains as a whole, through any worker, including a later replacement',
    { timeout: PATIENCE_MS },
    async () => {
      const node = await aNodeOfWorkers(3)
      expect((await node.admin('/readyz')).status).toBe(200)
      expect((await node.admin('/api/v1/drain', { method: 'POST' })).status).toBe(202)
      await until(DEADLINE_MS, 'no worker is ready', async () => (await node.admin('/readyz')).status === 503)
      const body = await (await node.admin('/readyz')).text()
      for (const worker of [1, 2, 3])
        expect(body).toMatch(
          new RegExp(
            `^NOT  serving: draining since .*Z: this node is about to stop; use another node \\(worker ${worker}\\)$`,
            'm',
          ),
        )

      process.kill(workersOf(node)[0] ?? 0, 'SIGKILL')
      await until(DEADLINE_MS, 'it is replaced', () => count(node.log(), '"event":"workers-ready"') === 2)
      expect((await node.admin('/readyz')).status).toBe(503)
      expect(await announceFrom(node, '127.1.1.1')).toMatch(/^d8:complete/)
    },
  )

  test(
    'continues while a worker hangs, replaces it, and no counter falls',
    { timeout: PATIENCE_MS },
    async () => {
      const node = await aNodeOfWorkers(3)
      // Clients that keep their connections, some of them to the worker that will hang.
      const port = Number(new URL(node.announceUrl).port)
      const kept = await Promise.all(
        Array.from({ length: 12 }, (_, index) => RawConnection.open(port, `127.1.2.${index + 1}`)),
      )
      for (const connection of kept) {
        connection.write(SCRAPE)
        expect((await connection.response())?.body).toMatch(/^d5:files/)
      }
      for (let host = 1; host <= 20; host++) await announceFrom(node, `127.1.1.${host}`)
      expect(await metric(node, ANNOUNCES)).toBe(20)
      const [stuck = 0, ...others] = workersOf(node)
      process.kill(stuck, 'SIGSTOP')
      // Before it is really suspended, it may accept one more connection.
      const state = () => / ([A-Za-z]) /.exec(readFileSync(`/proc/${stuck}/stat`, 'utf8'))?.[1]
      await until(DEADLINE_MS, 'the worker is suspended', () => state() === 'T')
      // Connections that it has not accepted are accepted by the others.
      for (let host = 1; host <= 20; host++) await announceFrom(node, `127.1.1.${host}`)
      expect(await metric(node, ANNOUNCES)).toBe(40)

      await until(
        3 * DEADLINE_MS,
        'all three are ready again',
        () => count(node.log(), '"event":"workers-ready"') === 2,
      )
      expect(node.log()).toMatch(/"event":"worker-hung"[^\n]*\n[^\n]*"event":"worker-ended"[^\n]*"SIGKILL"/)
      expect(workersOf(node)).toEqual(expect.arrayContaining(others))
      expect(workersOf(node)).not.toContain(stuck)
      expect(await metric(node, ANNOUNCES)).toBe(40)
      expect(await metric(node, 'siteswarm_workers_replaced_total')).toBe(1)
      // No client still waits for the worker that hung.
      const responses = kept.map((connection) => {
        connection.write(SCRAPE)
        return connection.response()
      })
      for (const response of await Promise.all(responses))
        expect(response?.body ?? 'd5:files').toMatch(/^d5:files/)
      for (const connection of kept) connection.destroy()
    },
  )

  test('ends when its supervisor is killed', { timeout: PATIENCE_MS }, async () => {
    const node = await aNodeOfWorkers(3)
    const workers = workersOf(node)
    await node.stop('SIGKILL')
    await until(DEADLINE_MS, 'all workers are gone', () =>
      workers.every((pid) => !existsSync(`/proc/${pid}`)),
    )
    await expect(announceFrom(node, '127.1.1.1')).rejects.toThrow('ECONNREFUSED')
  })

  test('SIGTERM ends all of them, and the exit code is 0', { timeout: PATIENCE_MS }, async () => {
    const node = await aNodeOfWorkers(3)
    const workers = workersOf(node)
    expect(await node.stop()).toBe(0)
    for (const pid of workers) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    expect(node.log().trimEnd().split('\n').at(-1)).toContain('"event":"stopped"')
  })
})

describe.skipIf(needs('redis-server'))('workers that cannot start', () => {
  test(
    'end the node with 1 where its port is in use, with advice once',
    { timeout: PATIENCE_MS },
    async () => {
      const other = await aNode()
      const httpPort = Number(new URL(other.announceUrl).port)
      const error = await errorOf(aNodeOfWorkers(3, { httpPort }))
      expect(error).toContain('ended with 1')
      expect(count(error, 'another program listens there')).toBe(1)
    },
  )

  test('end the node with 1 where they crash, after a few attempts', { timeout: PATIENCE_MS }, async () => {
    const crash = join(await aDirectory(), 'crash.cjs')
    await writeFile(crash, "if (require('node:cluster').isWorker) process.exit(9)")
    const error = await errorOf(aNodeOfWorkers(2, { environment: { NODE_OPTIONS: `--require ${crash}` } }))
    expect(error).toContain('ended with 1')
    expect(error).toContain('the workers exit as soon as they start, the last one with exit code 9')
  })

  test(
    'end the node with 78 where Redis rejects their password, with advice once',
    { timeout: PATIENCE_MS },
    async () => {
      const { port } = await aRedis({
        lines: ['requirepass correct-horse-battery'],
        password: 'correct-horse-battery',
      })
      const settings = {
        serve: ['--workers', '2'],
        more: `store: redis://:wrong-password@127.0.0.1:${port}\n`,
      }
      const error = await errorOf(aNode(settings))
      expect(error).toContain('ended with 78')
      expect(count(error, 'Redis rejects this user and password')).toBe(1)
    },
  )
})

describe('--workers', () => {
  test('with store: memory ends with 78 and a reason', async () => {
    await expect(aNode({ serve: ['--workers', '2'] })).rejects.toThrow(
      /ended with 78[^]*cannot share `store: memory`[^]*set store to a Redis/,
    )
  })

  test('is a number or auto', async () => {
    for (const wrong of ['0', '-1', '1.5', 'all', '1000']) {
      const { exitCode, err } = await runCommand(['serve', '--workers', wrong])
      expect({ exitCode, err }).toEqual({
        exitCode: 64,
        err: `serve: --workers is a number from 1 to 256, or auto; not ${JSON.stringify(wrong)}\n`,
      })
    }
  })

  test('1 is the same as no --workers', async () => {
    const node = await aNode({ serve: ['--workers', '1'] })
    expect(workersOf(node)).toEqual([])
    expect(await announceFrom(node, '127.1.1.1')).toMatch(/^d8:complete/)
  })
})
