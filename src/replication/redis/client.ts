/**
 * The only file that imports ioredis, and the settings that its defaults require.
 *
 * A client lives for one connection. It never reconnects: pending commands are rejected when the connection breaks, and
 * the owner opens another client. Therefore commands are neither queued while Redis is down nor resent by ioredis, and
 * each has a deadline of its own, which in a Cluster includes redirections.
 *
 * Replies stay bytes (RESP2: the same from Valkey and from older servers). Commands go through `call` by their names,
 * which keeps ioredis from decoding field names as text.
 */
import { Cluster, Redis } from 'ioredis'
import type { StoreTarget } from '../../core/store-url.ts'
import type { Script } from './scripts.ts'

export type Reply = Buffer | number | null | readonly Reply[]
export type Argument = string | number | Buffer

/** A healthy server answers in a millisecond; without an answer for a second it counts as hung. */
const COMMAND_DEADLINE_MS = 1_000
/** Connecting, TLS, and querying the Sentinels one after the other for the master. */
const CONNECT_DEADLINE_MS = 5_000
/** Connecting to one address: a machine that is down does not even refuse. */
const ADDRESS_DEADLINE_MS = 1_500

/** The server did not answer in time. It may still execute the command. */
export class DeadlineMissed extends Error {
  constructor(deadlineMs: number) {
    super(`no answer within ${deadlineMs} ms`)
    this.name = 'DeadlineMissed'
  }
}

export interface RedisClient {
  /** Rejects where the server answers with an error or not in time, or where the connection ends. */
  call(name: string, args: readonly Argument[], deadlineMs?: number): Promise<Reply>
  /** The same for a script. The number of `keys` is in the name of the script. */
  run(script: Script, keys: readonly string[], args: readonly Argument[], deadlineMs?: number): Promise<Reply>
  /** Rejects pending commands. */
  close(): void
}

/** `name` appears in `CLIENT LIST`. Rejects with the reason where the server cannot be used. */
export async function openClient(target: StoreTarget, name: string): Promise<RedisClient> {
  const client = target.kind === 'cluster' ? openCluster(target, name) : openRedis(target, name)
  let reason: Error | undefined
  // Without a listener ioredis writes to the console. The first error is the cause of those that follow.
  const keepFirst = (error: unknown) => (reason ??= causeOf(error))
  client.on('error', keepFirst)
  client.on('node error', keepFirst)
  client.on('sentinelError', keepFirst)
  try {
    await within(CONNECT_DEADLINE_MS, client.connect())
    // Where the server lacks the database, ioredis only emits an error and continues in database 0, which is not ours.
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
      // The server restarted, or another one took over: it needs the script again.
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
  // The check sends INFO, which an ACL may forbid. The error of a server that is still loading ends the connection.
  enableReadyCheck: false,
  connectTimeout: ADDRESS_DEADLINE_MS,
  disconnectTimeout: 100,
})

function openRedis(target: StoreTarget, name: string): Redis {
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

function openCluster(target: StoreTarget, name: string): Cluster {
  const { endpoints, isTls, username, password } = target
  return new Cluster(
    endpoints.map(({ host, port }) => ({ host, port })),
    {
      lazyConnect: true,
      clusterRetryStrategy: () => null,
      // Connections to single nodes open at their first use; commands that wait for that have their deadline.
      enableOfflineQueue: true,
      slotsRefreshTimeout: COMMAND_DEADLINE_MS,
      // Certificates contain names; after a lookup here they would be compared with addresses.
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

/** ioredis puts the reason why no node of a Cluster could be used into a property of the error. */
function causeOf(error: unknown): Error {
  const { lastNodeError } = error as { lastNodeError?: unknown }
  if (lastNodeError instanceof Error) return lastNodeError
  return error instanceof Error ? error : new Error(String(error))
}

/**
 * Rejects where the promise takes longer. A response that arrived in time counts, also where this process was too busy to
 * read it: timers run before sockets are read, so the rejection waits for one more read.
 */
export function within<T>(deadlineMs: number, promise: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => setImmediate(() => reject(new DeadlineMissed(deadlineMs))), deadlineMs)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** True for an error with one of these codes, from a command or from inside a script. */
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
