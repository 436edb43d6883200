/**
 * Redis at arm's length: the one file that knows ioredis, and the policy for its sharp edges.
 *
 * A client lives for one connection. It is never mended: what waits when it breaks is rejected, and whoever owns it
 * opens another. So nothing is queued while Redis is away, nothing is sent twice behind our back, and every command
 * has a deadline of its own, in a Cluster the redirections included.
 *
 * Replies stay bytes (RESP2: Valkey and older servers answer alike). Commands go through `call` by their names,
 * which keeps ioredis from decoding field names as text.
 */
import { Cluster, Redis } from 'ioredis'
import type { StoreTarget } from '../../core/store-url.ts'
import type { Script } from './scripts.ts'

export type Reply = Buffer | number | null | readonly Reply[]
export type Argument = string | number | Buffer

/** A server that is there answers in a millisecond; after a second it hangs, whatever the reason. */
const COMMAND_DEADLINE_MS = 1_000
/** Connecting, TLS, and asking Sentinels one after the other for the master. */
const CONNECT_DEADLINE_MS = 5_000
/** One address; a machine that is gone does not even refuse. */
const ADDRESS_DEADLINE_MS = 1_500

/** The server did not answer in time. It may still do what it was told. */
export class DeadlineMissed extends Error {
  constructor(deadlineMs: number) {
    super(`no answer within ${deadlineMs} ms`)
    this.name = 'DeadlineMissed'
  }
}

export interface RedisClient {
  /** Rejects where the server refuses, does not answer in time, or the connection ends. */
  call(name: string, args: readonly Argument[], deadlineMs?: number): Promise<Reply>
  /** The same for a script. `keys` are as many as its name says. */
  run(script: Script, keys: readonly string[], args: readonly Argument[], deadlineMs?: number): Promise<Reply>
  /** Whatever waits is rejected. */
  close(): void
}

/** `name` is what `CLIENT LIST` shows. Rejects with the reason where the server cannot be used. */
export async function openClient(target: StoreTarget, name: string): Promise<RedisClient> {
  const client = target.kind === 'cluster' ? aCluster(target, name) : aRedis(target, name)
  let reason: Error | undefined
  // Without a listener ioredis writes to the console. The first one says more than the ones that follow from it.
  const note = (error: unknown) => (reason ??= causeOf(error))
  client.on('error', note)
  client.on('node error', note)
  client.on('sentinelError', note)
  try {
    await within(CONNECT_DEADLINE_MS, client.connect())
    // When the server does not have it, ioredis only says so and goes on, in the database of somebody else.
    if (target.database > 0) await within(COMMAND_DEADLINE_MS, client.call('select', target.database))
  } catch (error) {
    client.disconnect()
    throw reason ?? error
  }
  return new IoredisClient(client)
}

class IoredisClient implements RedisClient {
  readonly #client: Redis | Cluster

  constructor(client: Redis | Cluster) {
    this.#client = client
  }

  call(name: string, args: readonly Argument[], deadlineMs = COMMAND_DEADLINE_MS): Promise<Reply> {
    return within(deadlineMs, this.#client.callBuffer(name, ...args) as Promise<Reply>)
  }

  async run(
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
    deadlineMs = COMMAND_DEADLINE_MS,
  ): Promise<Reply> {
    const rest = [script.keys, ...keys, ...args]
    try {
      return await this.call('evalsha', [script.sha1, ...rest], deadlineMs)
    } catch (error) {
      // The server started anew, or another one took over: it learns the script again.
      if (!isRefusal(error, 'NOSCRIPT')) throw error
      return this.call('eval', [script.lua, ...rest], deadlineMs)
    }
  }

  close(): void {
    this.#client.disconnect()
  }
}

const shared = (name: string) => ({
  protocol: 2 as const,
  connectionName: name,
  disableClientInfo: true,
  // Asks INFO, which an ACL may well forbid. What a server that is loading answers ends the connection.
  enableReadyCheck: false,
  connectTimeout: ADDRESS_DEADLINE_MS,
  disconnectTimeout: 100,
})

function aRedis(target: StoreTarget, name: string): Redis {
  const { kind, endpoints, isTls, username, password, database, master } = target
  const [first] = endpoints
  return new Redis({
    ...shared(name),
    ...(kind === 'sentinel'
      ? {
          sentinels: endpoints.map(({ host, port }) => ({ host, port })),
          name: master,
          sentinelRetryStrategy: () => null,
          sentinelCommandTimeout: COMMAND_DEADLINE_MS,
          ...(isTls ? { sentinelTLS: {}, enableTLSForSentinelMode: true } : {}),
        }
      : { host: first?.host ?? '', port: first?.port ?? 0 }),
    ...(isTls ? { tls: {} } : {}),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    db: database,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
}

function aCluster(target: StoreTarget, name: string): Cluster {
  const { endpoints, isTls, username, password } = target
  return new Cluster(
    endpoints.map(({ host, port }) => ({ host, port })),
    {
      lazyConnect: true,
      clusterRetryStrategy: () => null,
      // Its connections to single nodes open when they are first used; what waits for that has its deadline.
      enableOfflineQueue: true,
      slotsRefreshTimeout: COMMAND_DEADLINE_MS,
      // Certificates are for names; looked up here, they would be compared with addresses.
      ...(isTls
        ? { dnsLookup: (host: string, done: (error: null, host: string) => void) => done(null, host) }
        : {}),
      redisOptions: {
        ...shared(name),
        ...(isTls ? { tls: {} } : {}),
        ...(username === undefined ? {} : { username }),
        ...(password === undefined ? {} : { password }),
        maxRetriesPerRequest: 0,
      },
    },
  )
}

/** A Cluster hides why none of its nodes could be used in a property. */
function causeOf(error: unknown): Error {
  const { lastNodeError } = error as { lastNodeError?: unknown }
  if (lastNodeError instanceof Error) return lastNodeError
  return error instanceof Error ? error : new Error(String(error))
}

/**
 * Rejects where the promise takes longer. An answer that came in time is taken, also where this process was too busy
 * to look: its timers run before its sockets are read, so it looks at them once more.
 */
export function within<T>(deadlineMs: number, promise: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => setImmediate(() => reject(new DeadlineMissed(deadlineMs))), deadlineMs)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** Whether the server answered with one of these error codes, itself or from inside a script. */
export function isRefusal(error: unknown, ...codes: readonly string[]): boolean {
  const { message } = error as Error
  return codes.some(
    (code) => message.startsWith(code) || message.includes(`-${code} `) || message.includes(` ${code} `),
  )
}

export const text = (reply: Reply | undefined): string =>
  Buffer.isBuffer(reply) ? reply.toString() : typeof reply === 'number' ? String(reply) : ''

export const list = (reply: Reply | undefined): readonly Reply[] =>
  reply === null || reply === undefined || typeof reply === 'number' || Buffer.isBuffer(reply) ? [] : reply
