/**
 * What happens to Redis, and what two nodes that share it make of it. The nodes are stores with the simplest memory
 * behind them; site-cluster.test.ts does the same with whole nodes and clients.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ManualClock, systemClock } from '../../src/core/clock.ts'
import type { LeaseRequest } from '../../src/replication/site-store.ts'
import { aRedis, type RunningRedis, startCluster, startSentinels, until } from '../a-redis.ts'
import { aRedisNode, aSiteName, type RedisNode, type RedisNodeSettings } from '../contract/a-redis-site.ts'
import { needs } from '../setup/needs.ts'

const SOON_MS = 30_000

async function anOpenNode(settings: RedisNodeSettings): Promise<RedisNode> {
  const node = await aRedisNode(settings)
  await node.store.open(node.memory)
  return node
}

async function twoNodes(redis: { readonly url: string }) {
  const site = aSiteName()
  const one = await anOpenNode({ url: redis.url, site })
  const two = await anOpenNode({ url: redis.url, site })
  one.memory.hear('told to one')
  two.memory.hear('told to two')
  const nodes = [one, two]
  await expectAllKnow(nodes, 'told to one', 'told to two')
  const another = () => anOpenNode({ url: redis.url, site })
  return { site, one, two, nodes, another }
}

async function expectAllKnow(nodes: readonly RedisNode[], ...sentences: readonly string[]): Promise<void> {
  for (const { memory } of nodes)
    await until(SOON_MS, `a node knows: ${sentences.join(', ')}; it knows: ${memory.known.join(', ')}`, () =>
      sentences.every((sentence) => memory.knows(sentence)),
    )
}

const isUp = ({ store }: RedisNode, expected: boolean) =>
  until(SOON_MS, `a store is ${expected ? 'up' : 'down'}`, () => store.state.isUp === expected)

const logOf = (site: string) => `siteswarm:{${site}}:log`

/** Everything that is said is in the log itself, where a new node will look for it. */
async function expectLogHas(
  redis: RunningRedis,
  site: string,
  ...sentences: readonly string[]
): Promise<void> {
  await until(SOON_MS, `the log has: ${sentences.join(', ')}`, async () => {
    const log = JSON.stringify(await redis.ask('xrange', logOf(site), '-', '+'))
    return sentences.every((sentence) => log.includes(sentence))
  })
}

const aLease = (host: number): LeaseRequest => ({
  infoHash: Buffer.alloc(20, 7),
  site: 'fra',
  peer: Buffer.from([10, 1, 1, host, 1, 1]),
  lifetimeMs: 60_000,
  holdersMax: 1,
})

describe.skipIf(needs('redis-server'))('what is shared survives', () => {
  test('a Redis that dies and comes back empty: all of it is written again, and shared from then on', async () => {
    const redis = await aRedis()
    const { site, one, two, nodes, another } = await twoNodes(redis)
    one.store.completions.add(Buffer.alloc(20, 1), 1)
    await until(SOON_MS, 'the completion is known', () => two.memory.counts.size === 1)
    const [secret] = one.store.secrets.current()
    await redis.kill()
    await isUp(one, false)
    one.memory.hear('told while it was away')
    await redis.start()
    await expectAllKnow(nodes, 'told while it was away')
    await expectLogHas(redis, site, 'told to one', 'told to two', 'told while it was away')
    const three = await another()
    expect(three.memory.known).toEqual(['told to one', 'told to two', 'told while it was away'])
    await until(SOON_MS, 'the count is back', () => three.memory.counts.get('01'.repeat(20)) === 1)
    expect(three.store.secrets.current()[0]).toEqual(secret)
  })

  test('FLUSHALL', async () => {
    const redis = await aRedis()
    const { site, one, nodes, another } = await twoNodes(redis)
    await one.store.torrents.put(
      { infoHashes: [Buffer.alloc(20, 1)], name: 'image', sizeBytes: 1, registeredAtMs: 1, note: '' },
      Buffer.from('de'),
    )
    await redis.ask('flushall')
    await expectLogHas(redis, site, 'told to one', 'told to two')
    one.memory.hear('told after it')
    await expectAllKnow(nodes, 'told after it')
    const three = await another()
    await expectAllKnow([three], 'told to one', 'told to two', 'told after it')
    await until(SOON_MS, 'the torrent is there again', () => three.store.torrents.has(Buffer.alloc(20, 1)))
  })

  test('what only a dead node had heard is written again by whoever read it', async () => {
    const redis = await aRedis()
    const { site, one, two } = await twoNodes(redis)
    await one.store.close()
    await redis.ask('flushall')
    await expectLogHas(redis, site, 'told to one', 'told to two')
    expect(two.store.state.isUp).toBe(true)
  })

  test('a log that alone was deleted, as a server that evicts keys does', async () => {
    const redis = await aRedis()
    const { site } = await twoNodes(redis)
    await redis.ask('del', logOf(site))
    await expectLogHas(redis, site, 'told to one', 'told to two')
  })

  test('a log that was trimmed underneath', async () => {
    const redis = await aRedis()
    const { site, one, nodes } = await twoNodes(redis)
    one.memory.hear('a later one')
    await expectAllKnow(nodes, 'a later one')
    await redis.ask('xtrim', logOf(site), 'MAXLEN', 1)
    await expectLogHas(redis, site, 'told to one', 'told to two', 'a later one')
  })

  test('a log that lost its end, as an old backup has, and was written on', async () => {
    const redis = await aRedis()
    const { site, one, two, nodes } = await twoNodes(redis)
    await redis.ask('xadd', logOf(site), '*', 'b', 'between')
    await expectAllKnow(nodes, 'between')
    one.memory.hear('late at one')
    two.memory.hear('late at two')
    await expectAllKnow(nodes, 'late at one', 'late at two')
    const entries = (await redis.ask('xrange', logOf(site), '-', '+')) as [string, string[]][]
    const from = entries.findIndex(([, fields]) => fields.includes('between'))
    const ids = entries.slice(from + 1).map(([id]) => id)
    // In one step, as it happens; and whoever reads on sees nothing unusual.
    await redis.ask(
      'eval',
      "redis.call('xdel', KEYS[1], unpack(ARGV)) redis.call('xadd', KEYS[1], '*', 'b', 'written on')",
      1,
      logOf(site),
      ...ids,
    )
    await expectAllKnow(nodes, 'written on')
    await expectLogHas(redis, site, 'late at one', 'late at two')
  })

  test('connections that somebody kills', async () => {
    const redis = await aRedis()
    const { one, two, nodes } = await twoNodes(redis)
    await redis.ask('client', 'kill', 'type', 'normal', 'skipme', 'yes')
    one.memory.hear('told after it')
    two.memory.hear('and this')
    await expectAllKnow(nodes, 'told after it', 'and this')
  })

  test('a Redis that hangs: it is down, nobody waits for it, and afterwards nothing is missing', async () => {
    const redis = await aRedis()
    const { one, two, nodes } = await twoNodes(redis)
    redis.hang()
    one.memory.hear('told while it hung')
    two.store.leases.renew(aLease(2))
    await isUp(one, false)
    await isUp(two, false)
    // Not a promise: the announce is answered in the same turn.
    expect(one.store.leases.claim(aLease(1))).toBe('alone')
    expect(one.store.state.sentence).toContain('cannot be used')
    redis.resume()
    await expectAllKnow(nodes, 'told while it hung')
    await until(SOON_MS, 'the lease that was renewed meanwhile is held', async () => {
      return (await one.store.leases.claim(aLease(1))) === 'taken'
    })
  })

  test('more than can wait: the oldest is dropped, counted, and written again from memory', async () => {
    const redis = await aRedis()
    const { one, nodes } = await twoNodes(redis)
    await redis.kill()
    await isUp(one, false)
    const sentences = Array.from({ length: 12 }, (_, index) => `${index} ${'x'.repeat(1024 * 1024)}`)
    one.memory.hear(...sentences)
    expect(one.store.state.droppedBatches).toBe(5)
    expect(one.store.state.backlogBytes).toBeLessThanOrEqual(8 * 1024 * 1024)
    await redis.start()
    await expectAllKnow(nodes, ...sentences.map((sentence) => sentence))
    await until(SOON_MS, 'nothing waits any more', () => one.store.state.lagSeconds === 0)
  })

  test('a Redis that is full: it says so, what others wrote is read, and what waited is written later', async () => {
    const redis = await aRedis()
    const { one, nodes } = await twoNodes(redis)
    await redis.ask('config', 'set', 'maxmemory', 1)
    one.memory.hear('told while it was full')
    await isUp(one, false)
    expect(one.store.state.sentence).toContain('OOM')
    await redis.ask('config', 'set', 'maxmemory', 0)
    await expectAllKnow(nodes, 'told while it was full')
    await isUp(one, true)
  })

  test('a replica that takes over', async () => {
    const sentinels = await startSentinels()
    try {
      const { one, two, nodes } = await twoNodes(sentinels)
      await sentinels.master.kill()
      one.memory.hear('told while nobody was master')
      await until(45_000, 'the Sentinels chose the replica', async () => {
        return (await sentinels.masterPort()) === sentinels.replica.port
      })
      await expectAllKnow(nodes, 'told while nobody was master')
      two.memory.hear('told to the new one')
      await expectAllKnow(nodes, 'told to the new one')
      await isUp(one, true)
    } finally {
      await sentinels.stop()
    }
  }, 120_000)
})

describe.skipIf(needs('redis-server'))('time', () => {
  test('a node whose clock is an hour off counts like the others, and tells its memory', async () => {
    const redis = await aRedis()
    const site = aSiteName()
    const right = await anOpenNode({ url: redis.url, site })
    for (const hour of [3_600_000, -3_600_000]) {
      const wrong = await anOpenNode({
        url: redis.url,
        site,
        clock: new ManualClock(systemClock.nowMs() + hour),
      })
      // Each is as exact as its question to Redis was quick, and far from an hour on any machine.
      expect(Math.abs(wrong.store.clock.nowMs() - right.store.clock.nowMs())).toBeLessThan(20_000)
      expect(wrong.memory.shiftsMs.map((byMs) => Math.round(byMs / 60_000))).toEqual([-hour / 60_000])
    }
  })
})

describe.skipIf(needs('redis-server'))('at the start', () => {
  test('a Redis that wants a password, or another one, ends the start and says what to write', async () => {
    const redis = await aRedis({ args: ['--requirepass', 'right'], password: 'right' })
    const opened = async (userInfo: string) => {
      const node = await aRedisNode({ url: `redis://${userInfo}127.0.0.1:${redis.port}`, site: aSiteName() })
      await node.store.open(node.memory)
      return node.store.state.isUp
    }
    await expect(opened('')).rejects.toThrow(/wants a password[^]*redis:\/\/:password@host/)
    await expect(opened(':wrong@')).rejects.toThrow(/does not take this user and password/)
    expect(await opened(':right@')).toBe(true)
  })

  test('a database that Redis does not have ends the start, and is never exchanged for another one', async () => {
    const redis = await aRedis()
    const nodeOf = (database: number) =>
      aRedisNode({ url: `redis://127.0.0.1:${redis.port}/${database}`, site: aSiteName() })
    const [there, missing] = [await nodeOf(15), await nodeOf(16)]
    await there.store.open(there.memory)
    expect(there.store.state.isUp).toBe(true)
    await expect(missing.store.open(missing.memory)).rejects.toThrow(/does not have that database/)
    expect(await redis.ask('dbsize')).toBe(0)
  })

  test('a user without the rights ends the start; with those of the reference it works', async () => {
    const redis = await aRedis()
    await redis.ask('acl', 'setuser', 'reader', 'on', '>secret', '~siteswarm:*', '+@read', '+@connection')
    const refused = await aRedisNode({
      url: `redis://reader:secret@127.0.0.1:${redis.port}`,
      site: aSiteName(),
    })
    await expect(refused.store.open(refused.memory)).rejects.toThrow(
      /lacks a right[^]*docs\/reference\/redis\.md/,
    )

    const line = /^user siteswarm-fra (.*)$/m.exec(readFileSync('docs/reference/redis.md', 'utf8'))?.[1] ?? ''
    await redis.ask('acl', 'setuser', 'siteswarm-fra', ...line.split(' '))
    const settings = { url: `redis://siteswarm-fra:change-me@127.0.0.1:${redis.port}`, site: 'fra' }
    const [one, two] = [await anOpenNode(settings), await anOpenNode(settings)]
    one.memory.hear('told to one')
    await expectAllKnow([two], 'told to one')
    one.store.completions.add(Buffer.alloc(20, 1), 1)
    await until(SOON_MS, 'the completion is known', () => two.memory.counts.size === 1)
    await one.store.torrents.put(
      { infoHashes: [Buffer.alloc(20, 1)], name: 'image', sizeBytes: 1, registeredAtMs: 1, note: '' },
      Buffer.from('de'),
    )
    await until(SOON_MS, 'the torrent is there', () => two.store.torrents.has(Buffer.alloc(20, 1)))
    expect(await two.store.torrents.remove(Buffer.alloc(20, 1))).toBe(true)
    await until(
      SOON_MS,
      'a lease is granted',
      async () => (await one.store.leases.claim(aLease(1))) === 'granted',
    )
    one.store.leases.release(aLease(1))
    await until(SOON_MS, 'it is free', async () => (await two.store.leases.claim(aLease(2))) === 'granted')
    await redis.ask('xtrim', logOf('fra'), 'MAXLEN', 0)
    await expectLogHas(redis, 'fra', 'told to one')
    expect(one.store.state.isUp).toBe(true)
  })

  test('a Cluster behind redis://, and a single server behind redis+cluster://, are told apart', async () => {
    const cluster = await startCluster()
    try {
      const [first] = cluster.masters
      // One of these sites has its slot on another master.
      const refusals = await Promise.allSettled(
        Array.from({ length: 12 }, async () => {
          const node = await aRedisNode({ url: first?.url ?? '', site: aSiteName() })
          await node.store.open(node.memory)
        }),
      )
      const reasons = refusals.flatMap((each) => (each.status === 'rejected' ? [String(each.reason)] : []))
      expect(reasons.join('\n')).toMatch(/this Redis is a Cluster[^]*redis\+cluster:/)
    } finally {
      await cluster.stop()
    }
    const redis = await aRedis()
    const node = await aRedisNode({ url: `redis+cluster://127.0.0.1:${redis.port}`, site: aSiteName() })
    await expect(node.store.open(node.memory)).rejects.toThrow(/this Redis is no Cluster/)
  }, 90_000)

  test('a Redis that is not there: the node begins alone, and joins when it comes', async () => {
    const redis = await aRedis()
    await redis.kill()
    const node = await aRedisNode({ url: redis.url, site: aSiteName() })
    await node.store.open(node.memory)
    expect(node.store.state).toMatchObject({ isUp: false, isCaughtUp: false })
    node.memory.hear('told while it was alone')
    await redis.start()
    await until(SOON_MS, 'it caught up', () => node.store.state.isUp && node.store.state.isCaughtUp)
    await until(SOON_MS, 'it wrote what it knew', () => node.memory.heard.includes('told while it was alone'))
  }, 60_000)
})
