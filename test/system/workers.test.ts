/** `serve --workers`: one node as several processes, as clients, Prometheus and its operator see it. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
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
import { ask } from '../a-download-server.ts'
import { aRedis, until } from '../a-redis.ts'
import { aTorrent } from '../a-torrent.ts'
import { RawConnection } from '../raw-connection.ts'
import { needs } from '../setup/needs.ts'

/** Several processes start, on a machine that may be busy. */
const PATIENCE_MS = 240_000
const DEADLINE_MS = 60_000

async function aNodeOfWorkers(workers: number, settings: NodeSettings = {}): Promise<RunningNode> {
  const node = await aNode({ ...settings, serve: ['--workers', String(workers)] })
  await node.logged('"event":"workers-ready"')
  return node
}

/** The child processes of the first one, from the kernel: the owner of the swarm table, then the workers. */
function processesOf(node: RunningNode): number[] {
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

/** The open sockets of a process. */
const socketsOf = (pid: number) =>
  readdirSync(`/proc/${pid}/fd`).filter((fd) => linkOf(`/proc/${pid}/fd/${fd}`).startsWith('socket:')).length

/** Empty where the file was closed meanwhile. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

const count = (text: string, part: string) => text.split(part).length - 1

/** The value of one series of the page. */
async function metric(node: RunningNode, series: string): Promise<number> {
  const page = await (await node.admin('/metrics')).text()
  const line = page.split('\n').find((each) => each.startsWith(`${series} `))
  if (line === undefined) throw new Error(`no ${series} on the page`)
  return Number(line.slice(series.length + 1))
}

const ANNOUNCES = 'siteswarm_announces_total{site="fra",protocol="http",event="none"}'
const SCRAPE = `GET /scrape?info_hash=${'%ab'.repeat(20)} HTTP/1.1\r\nHost: tracker\r\n\r\n`

describe('a node of three workers', () => {
  test('listens once and answers as one tracker, over HTTP and UDP', { timeout: PATIENCE_MS }, async () => {
    const node = await aNodeOfWorkers(3)
    expect(processesOf(node)).toHaveLength(4)
    await announceFrom(node, '127.1.1.1', { left: 0 })
    for (let times = 0; times < 12; times++)
      expect(peersOf(await announceFrom(node, '127.1.1.2'))).toEqual(['127.1.1.1:6881'])
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

  test('each of them accepts clients', { timeout: PATIENCE_MS }, async () => {
    const node = await aNodeOfWorkers(3)
    const workers = processesOf(node).slice(1)
    const socketsBefore = workers.map(socketsOf)
    const port = Number(new URL(node.announceUrl).port)
    const kept = await Promise.all(Array.from({ length: 200 }, () => RawConnection.open(port, '127.1.1.1')))
    for (const connection of kept) {
      connection.write(SCRAPE)
      expect((await connection.response())?.body).toMatch(/^d5:files/)
    }
    const accepted = workers.map((pid, index) => socketsOf(pid) - (socketsBefore[index] ?? 0))
    for (const each of accepted) expect(each).toBeGreaterThan(0)
    for (const connection of kept) connection.destroy()
  })

  test('counts requests of all workers, and has its gauges once', { timeout: PATIENCE_MS }, async () => {
    const node = await aNodeOfWorkers(3)
    for (let host = 1; host <= 20; host++) await announceFrom(node, `127.1.1.${host}`)
    for (let times = 0; times < 20; times++)
      expect(await announceFrom(node, '127.1.1.1', { port: 0 })).toContain('port must be a number')
    expect(await metric(node, ANNOUNCES)).toBe(20)
    expect(await metric(node, 'siteswarm_announce_failures_total{code="TRK_PORT_INVALID"}')).toBe(20)
    expect(await metric(node, 'siteswarm_announce_duration_seconds_count')).toBe(20)
    expect(await metric(node, 'siteswarm_peers{site="fra",bubble="row-a",role="leecher"}')).toBe(20)
    expect(await metric(node, 'siteswarm_swarms{site="fra"}')).toBe(1)
    expect(await metric(node, 'siteswarm_store_up')).toBe(1)
    expect(await metric(node, 'siteswarm_ready')).toBe(1)
  })

  test('sends a registered torrent through any of them', { timeout: PATIENCE_MS }, async () => {
    const node = await aNodeOfWorkers(3)
    const response = await node.admin('/api/v1/torrents', {
      method: 'POST',
      headers: { 'content-type': 'application/x-bittorrent' },
      body: new Uint8Array(aTorrent()),
    })
    expect(response.status).toBe(201)
    const { infoHashV1 } = (await response.json()) as { readonly infoHashV1: string }
    const url = new URL(`/torrents/${infoHashV1}.torrent`, node.announceUrl)
    const etags = new Set<string>()
    for (let times = 0; times < 20; times++) {
      const { status, headers, body } = await ask(Number(url.port), url.pathname, {
        localAddress: '127.1.1.1',
      })
      expect(status).toBe(200)
      expect(body.length).toBe(Number(headers['content-length']))
      etags.add(headers['etag'] ?? '')
    }
    expect(etags.size).toBe(1)
    const elsewhere = await ask(Number(url.port), url.pathname, { localAddress: '127.9.1.1' })
    expect(elsewhere.status).toBe(403)
  })

  test('keeps its peers over a restart with the memory store', { timeout: PATIENCE_MS }, async () => {
    const directory = await aDirectory()
    const first = await aNodeOfWorkers(3, { directory })
    for (let host = 1; host <= 20; host++) await announceFrom(first, `127.1.1.${host}`)
    expect(await first.stop()).toBe(0)
    const second = await aNodeOfWorkers(3, { directory })
    expect(await announceFrom(second, '127.1.1.1')).toContain('10:incompletei20e')
  })

  test('replaces a worker that was killed, and no counter falls', { timeout: PATIENCE_MS }, async () => {
    const node = await aNodeOfWorkers(3)
    for (let host = 1; host <= 20; host++) await announceFrom(node, `127.1.1.${host}`)
    expect(await metric(node, ANNOUNCES)).toBe(20)
    const [owner = 0, victim = 0, ...others] = processesOf(node)
    process.kill(victim, 'SIGKILL')
    await until(
      DEADLINE_MS,
      'all three are ready again',
      () => count(node.log(), '"event":"workers-ready"') === 2,
    )
    expect(processesOf(node)).toEqual(expect.arrayContaining([owner, ...others]))
    expect(processesOf(node)).not.toContain(victim)
    expect(await metric(node, ANNOUNCES)).toBe(20)
    expect(await metric(node, 'siteswarm_workers_replaced_total')).toBe(1)
    expect(await announceFrom(node, '127.1.1.1')).toContain('10:incompletei20e')
  })

  test.skipIf(needs('redis-server'))(
    'replaces an owner that was killed, which has its peers again from Redis',
    { timeout: PATIENCE_MS },
    async () => {
      const { url } = await aRedis()
      const node = await aNodeOfWorkers(3, { more: `store: ${url}\n` })
      for (let host = 1; host <= 20; host++) await announceFrom(node, `127.1.1.${host}`)
      const [owner = 0, ...workers] = processesOf(node)
      process.kill(owner, 'SIGKILL')
      await until(
        DEADLINE_MS,
        'all three are ready again',
        () => count(node.log(), '"event":"workers-ready"') === 2,
      )
      expect(processesOf(node)).toEqual(expect.arrayContaining(workers))
      await until(DEADLINE_MS, 'every worker answers', async () => {
        const answers = await Promise.all(Array.from({ length: 12 }, () => announceFrom(node, '127.1.1.1')))
        return answers.every((answer) => answer.includes('10:incompletei20e'))
      })
    },
  )

  test(
    'reloads the topology on SIGHUP, and reports an error in it once',
    { timeout: PATIENCE_MS },
    async () => {
      const node = await aNodeOfWorkers(3)
      await writeFile(node.topologyPath, topologyText(1).replaceAll('127.3.', '127.9.'))
      node.process.kill('SIGHUP')
      await node.logged('"event":"reloaded"')
      for (let times = 0; times < 12; times++)
        expect(peersOf(await announceFrom(node, '127.9.1.1'))).toEqual([])

      await writeFile(node.topologyPath, 'sites:\n  fra: { cidrs: [10.0.0.1/8] }\n')
      const response = await node.admin('/api/v1/reload', { method: 'POST' })
      expect(response.status).toBe(422)
      expect(await response.text()).toContain('10.0.0.0/8')
      expect(peersOf(await announceFrom(node, '127.9.1.1'))).toEqual([])
    },
  )

  test('drains as a whole, including a later replacement', { timeout: PATIENCE_MS }, async () => {
    const node = await aNodeOfWorkers(3)
    expect((await node.admin('/readyz')).status).toBe(200)
    expect((await node.admin('/api/v1/drain', { method: 'POST' })).status).toBe(202)
    await until(DEADLINE_MS, 'it is not ready', async () => (await node.admin('/readyz')).status === 503)
    const body = await (await node.admin('/readyz')).text()
    expect(body).toMatch(
      /^NOT {2}serving: draining since .*Z: this node is about to stop; use another node$/m,
    )
    for (const worker of [1, 2, 3])
      expect(body).toContain(
        `ok   listener: passes requests to the process with the swarm table (worker ${worker})\n`,
      )

    process.kill(processesOf(node)[1] ?? 0, 'SIGKILL')
    await until(DEADLINE_MS, 'it is replaced', () => count(node.log(), '"event":"workers-ready"') === 2)
    expect((await node.admin('/readyz')).status).toBe(503)
    expect(await announceFrom(node, '127.1.1.1')).toMatch(/^d8:complete/)
  })

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
      const [owner = 0, stuck = 0, ...others] = processesOf(node)
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
      expect(processesOf(node)).toEqual(expect.arrayContaining([owner, ...others]))
      expect(processesOf(node)).not.toContain(stuck)
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
    const workers = processesOf(node)
    await node.stop('SIGKILL')
    await until(DEADLINE_MS, 'all workers are gone', () =>
      workers.every((pid) => !existsSync(`/proc/${pid}`)),
    )
    await expect(announceFrom(node, '127.1.1.1')).rejects.toThrow('ECONNREFUSED')
  })

  test('SIGTERM ends all of them, and the exit code is 0', { timeout: PATIENCE_MS }, async () => {
    const node = await aNodeOfWorkers(3)
    const workers = processesOf(node)
    expect(await node.stop()).toBe(0)
    for (const pid of workers) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    expect(node.log().trimEnd().split('\n').at(-1)).toContain('"event":"stopped"')
  })
})

describe('workers that cannot start', () => {
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

  test.skipIf(needs('redis-server'))(
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
    expect(processesOf(node)).toEqual([])
    expect(await announceFrom(node, '127.1.1.1')).toMatch(/^d8:complete/)
  })
})
