/**
 * Real Redis servers for tests: on free ports of loopback, each with an empty directory, killed by process id with the
 * test that started them. A server can be killed, restarted and suspended.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { onTestFinished } from 'vitest'
import { freePort } from './a-node.ts'

const START_DEADLINE_MS = 60_000
/** The masters of a cluster agree, and Sentinels elect a new master, within seconds. */
const AGREE_DEADLINE_MS = 90_000

export interface RunningRedis {
  readonly port: number
  readonly url: string
  /** For `ask`. */
  password: string | undefined
  /** The answer to one command, on a connection of its own. */
  ask(name: string, ...args: readonly (string | number | Buffer)[]): Promise<unknown>
  /** SIGKILL: the server loses all data, because it keeps none on disk. */
  kill(): Promise<void>
  /** The same port, empty. */
  start(): Promise<void>
  /** SIGSTOP: the server accepts connections and does not answer. */
  hang(): void
  resume(): void
  stop(): Promise<void>
}

export interface RedisSettings {
  /** Further arguments, such as `--maxmemory`, `100mb`. */
  readonly args?: readonly string[]
  readonly mode?: 'server' | 'sentinel'
  /** Lines of its configuration file, for settings without an argument. */
  readonly lines?: readonly string[]
  /** For `ask`. */
  readonly password?: string
}

/** Stopped at the end of the test. */
export async function aRedis(settings: RedisSettings = {}): Promise<RunningRedis> {
  const redis = await startRedis(settings)
  onTestFinished(() => redis.stop())
  return redis
}

/** Stopped by the caller, for suites that share one server. */
export async function startRedis(settings: RedisSettings = {}): Promise<RunningRedis> {
  const { args = [], mode = 'server', lines = [], password } = settings
  const directory = await mkdtemp(join(tmpdir(), 'siteswarm-redis-'))
  const port = await freePort()
  const config = join(directory, 'redis.conf')
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals) => {
    const ending = child
    child = undefined
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return
    const exited = new Promise((resolve) => ending.once('exit', resolve))
    ending.kill('SIGCONT')
    ending.kill(signal)
    await exited
  }
  const ask = async (name: string, ...given: readonly (string | number | Buffer)[]) => {
    const client = new Redis({
      host: '127.0.0.1',
      port,
      lazyConnect: true,
      enableReadyCheck: false,
      disableClientInfo: true,
      retryStrategy: () => null,
      ...(redis.password === undefined ? {} : { password: redis.password }),
    })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return await client.call(name, ...given)
    } finally {
      client.disconnect()
    }
  }
  const start = async () => {
    const own = ['port ' + port, 'bind 127.0.0.1', `dir ${directory}`]
    const server = ['save ""', 'appendonly no', 'repl-diskless-sync-delay 0']
    await writeFile(config, [...own, ...(mode === 'server' ? server : []), ...lines, ''].join('\n'))
    child = spawn('redis-server', [config, ...(mode === 'sentinel' ? ['--sentinel'] : []), ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    await until(START_DEADLINE_MS, `redis-server on port ${port} answers`, () =>
      ask('ping').then((answer) => answer === 'PONG'),
    )
  }
  const redis: RunningRedis = {
    port,
    password,
    url: `redis://127.0.0.1:${port}`,
    ask,
    kill: () => end('SIGKILL'),
    start,
    hang: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    stop: async () => {
      await end('SIGKILL')
      await rm(directory, { recursive: true, force: true })
    },
  }
  await start()
  return redis
}

export interface RunningCluster {
  readonly url: string
  readonly masters: readonly RunningRedis[]
  stop(): Promise<void>
}

/** Three masters, which share the slots. */
export async function startCluster(): Promise<RunningCluster> {
  const masters: RunningRedis[] = []
  const stop = async () => void (await Promise.all(masters.map((each) => each.stop())))
  try {
    for (let index = 0; index < 3; index++) {
      const lines = ['cluster-enabled yes', `cluster-port ${await freePort()}`, 'cluster-node-timeout 2000']
      masters.push(await startRedis({ lines }))
    }
    for (const [index, master] of masters.entries()) {
      const first = Math.ceil((16_384 / 3) * index)
      const last = Math.ceil((16_384 / 3) * (index + 1)) - 1
      await master.ask('cluster', 'addslotsrange', first, last)
      // Distinct from the start: masters with equal epochs resolve the conflict at random, and slowly.
      await master.ask('cluster', 'set-config-epoch', index + 1)
    }
    const [first] = masters
    for (const { port, ask } of masters.slice(1)) {
      const busPort = Number(((await ask('config', 'get', 'cluster-port')) as string[])[1])
      await first?.ask('cluster', 'meet', '127.0.0.1', port, busPort)
    }
    await until(AGREE_DEADLINE_MS, 'the cluster agrees on its slots', async () => {
      const states = await Promise.all(masters.map((each) => each.ask('cluster', 'info')))
      return states.every(
        (state) =>
          String(state).includes('cluster_state:ok') && String(state).includes('cluster_known_nodes:3'),
      )
    })
  } catch (error) {
    await stop()
    throw error
  }
  return { url: `redis+cluster://${masters.map(({ port }) => `127.0.0.1:${port}`).join(',')}`, masters, stop }
}

export interface RunningSentinels {
  readonly url: string
  readonly master: RunningRedis
  readonly replica: RunningRedis
  /** The port of the master, according to the Sentinels. */
  masterPort(): Promise<number>
  stop(): Promise<void>
}

/** A master with a replica, and three Sentinels that promote the replica within a few seconds. */
export async function startSentinels(): Promise<RunningSentinels> {
  const running: RunningRedis[] = []
  const stop = async () => void (await Promise.all(running.map((each) => each.stop())))
  try {
    const master = await startRedis()
    running.push(master)
    const replica = await startRedis({ lines: [`replicaof 127.0.0.1 ${master.port}`] })
    running.push(replica)
    await until(AGREE_DEADLINE_MS, 'the replica follows', async () =>
      String(await replica.ask('info', 'replication')).includes('master_link_status:up'),
    )
    const lines = [
      `sentinel monitor siteswarm 127.0.0.1 ${master.port} 2`,
      'sentinel down-after-milliseconds siteswarm 1000',
      'sentinel failover-timeout siteswarm 5000',
    ]
    const sentinels = [
      await startRedis({ mode: 'sentinel', lines }),
      await startRedis({ mode: 'sentinel', lines }),
      await startRedis({ mode: 'sentinel', lines }),
    ]
    running.push(...sentinels)
    const [first] = sentinels as [RunningRedis]
    await until(AGREE_DEADLINE_MS, 'the Sentinels have found each other and the replica', async () => {
      const known = await Promise.all(sentinels.map((each) => each.ask('sentinel', 'master', 'siteswarm')))
      return known.every((each) => {
        const fields = each as string[]
        const valueOf = (name: string) => fields[fields.indexOf(name) + 1]
        return valueOf('num-other-sentinels') === '2' && valueOf('num-slaves') === '1'
      })
    })
    return {
      url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/siteswarm`,
      master,
      replica,
      masterPort: async () =>
        Number(((await first.ask('sentinel', 'get-master-addr-by-name', 'siteswarm')) as string[])[1]),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Polls until the condition holds; after the deadline the error names it. A check that throws is repeated too. */
export async function until(
  deadlineMs: number,
  condition: string,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = AbortSignal.timeout(deadlineMs)
  let failure: unknown
  for (;;) {
    try {
      if (await holds()) return
    } catch (error) {
      failure = error
    }
    if (deadline.aborted) throw new Error(`not within ${deadlineMs} ms: ${condition}`, { cause: failure })
    await pause(20)
  }
}
