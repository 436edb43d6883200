/**
 * Failures of Redis, and their effect on two nodes that share it. The nodes are stores with a `TextReplica`;
 * site-cluster.test.ts covers complete nodes with clients.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ManualClock, systemClock } from '../../src/core/clock.ts'
import type { LeaseRequest } from '../../src/replication/site-store.ts'
import { aRedis, type RunningRedis, startCluster, startSentinels, until } from '../a-redis.ts'
import { aRedisNode, aSiteName, type RedisNode, type RedisNodeSettings } from '../contract/a-redis-site.ts'
import { needs } from '../setup/needs.ts'

const SOON_MS = 60_000

async function anOpenNode(settings: RedisNodeSettings): Promise<RedisNode> {
  const node = await aRedisNode(settings)
  await node.store.open(node.replica)
  return node
}

async function twoNodes(redis: { readonly url: string }) {
  const site = aSiteName()
  const one = await anOpenNode({ url: redis.url, site })
  const two = await anOpenNode({ url: redis.url, site })
  one.replica.record('announced to one')
  two.replica.record('announced to two')
  const nodes = [one, two]
  await expectAllHave(nodes, 'announced to one', 'announced to two')
  const another = () => anOpenNode({ url: redis.url, site })
  return { site, one, two, nodes, another }
}

async function expectAllHave(nodes: readonly RedisNode[], ...texts: readonly string[]): Promise<void> {
  for (const { replica } of nodes)
    await until(SOON_MS, `a node has: ${texts.join(', ')}; it has: ${replica.texts.join(', ')}`, () =>
      texts.every((text) => replica.has(text)),
    )
}

const isUp = ({ store }: RedisNode, expected: boolean) =>
  until(SOON_MS, `a store is ${expected ? 'up' : 'down'}`, () => store.state.isUp === expected)

const logOf = (site: string) => `siteswarm:{${site}}:log`

/** All texts are in the log itself, which a new node reads. */
async function expectLogHas(redis: RunningRedis, site: string, ...texts: readonly string[]): Promise<void> {
  await until(SOON_MS, `the log has: ${texts.join(', ')}`, async () => {
    const log = JSON.stringify(await redis.ask('xrange', logOf(site), '-', '+'))
    return texts.every((text) => log.includes(text))
  })
}

const aLease = (host: number): LeaseRequest => ({
  infoHash: Buffer.alloc(20, 7),
  site: 'fra',
  peer: Buffer.from([10, 1, 1, host, 1, 1]),
  lifetimeMs: 60_000,
  holdersMax: 1,
})

describe.skipIf(needs('redis-server'))('the shared state survives', () => {
  test('a Redis that dies and restarts empty: the nodes write it again and share it from then on', async () => {
    const redis = await aRedis()
    const { site, one, two, nodes, another } = await twoNodes(redis)
    one.store.completions.add(Buffer.alloc(20, 1), 1)
    await until(SOON_MS, 'the completion is replicated', () => two.replica.counts.size === 1)
    const [secret] = one.store.secrets.current()
    await redis.kill()
    await isUp(one, false)
    one.replica.record('announced during the outage')
    await redis.start()
    await expectAllHave(nodes, 'announced during the outage')
    await expectLogHas(redis, site, 'announced to one', 'announced to two', 'announced during the outage')
    const three = await another()
    expect(three.replica.texts).toEqual([
      'announced during the outage',
      'announced to one',
      'announced to two',
    ])
    await until(SOON_MS, 'the count is restored', () => three.replica.counts.get('01'.repeat(20)) === 1)
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
    await expectLogHas(redis, site, 'announced to one', 'announced to two')
    one.replica.record('announced afterwards')
    await expectAllHave(nodes, 'announced afterwards')
    const three = await another()
    await expectAllHave([three], 'announced to one', 'announced to two', 'announced afterwards')
    await until(SOON_MS, 'the torrent is available again', () =>
      three.store.torrents.has(Buffer.alloc(20, 1)),
    )
  })

  test('the loss of records of a dead node: a node that read them writes them again', async () => {
    const redis = await aRedis()
    const { site, one, two } = await twoNodes(redis)
    await one.store.close()
    await redis.ask('flushall')
    await expectLogHas(redis, site, 'announced to one', 'announced to two')
    expect(two.store.state.isUp).toBe(true)
  })

  test('the deletion of the log alone, as by a server that evicts keys', async () => {
    const redis = await aRedis()
    const { site } = await twoNodes(redis)
    await redis.ask('del', logOf(site))
    await expectLogHas(redis, site, 'announced to one', 'announced to two')
  })

  test('a log that was trimmed too early', async () => {
    const redis = await aRedis()
    const { site, one, nodes } = await twoNodes(redis)
    one.replica.record('a later one')
    await expectAllHave(nodes, 'a later one')
    await redis.ask('xtrim', logOf(site), 'MAXLEN', 1)
    await expectLogHas(redis, site, 'announced to one', 'announced to two', 'a later one')
  })

  test('a log that lost its end, as with an old backup, and has new entries', async () => {
    const redis = await aRedis()
    const { site, one, two, nodes } = await twoNodes(redis)
    await redis.ask('xadd', logOf(site), '*', 'b', 'between')
    await expectAllHave(nodes, 'between')
    one.replica.record('late at one')
    two.replica.record('late at two')
    await expectAllHave(nodes, 'late at one', 'late at two')
    const entries = (await redis.ask('xrange', logOf(site), '-', '+')) as [string, string[]][]
    const from = entries.findIndex(([, fields]) => fields.includes('between'))
    const ids = entries.slice(from + 1).map(([id]) => id)
    // In one step, as in a real loss; a reader that continues sees nothing unusual.
    await redis.ask(
      'eval',
      "redis.call('xdel', KEYS[1], unpack(ARGV)) redis.call('xadd', KEYS[1], '*', 'b', 'written on')",
      1,
      logOf(site),
      ...ids,
    )
    await expectAllHave(nodes, 'written on')
    await expectLogHas(redis, site, 'late at one', 'late at two')
  })

  test('killed connections', async () => {
    const redis = await aRedis()
    const { one, two, nodes } = await twoNodes(redis)
    await redis.ask('client', 'kill', 'type', 'normal', 'skipme', 'yes')
    one.replica.record('announced afterwards')
    two.replica.record('and this')
    await expectAllHave(nodes, 'announced afterwards', 'and this')
  })

  test('a Redis that hangs: it is reported down, announces do not wait for it, and afterwards nothing is missing', async () => {
    const redis = await aRedis()
    const { one, two, nodes } = await twoNodes(redis)
    redis.hang()
    one.replica.record('announced while it hung')
    two.store.leases.renew(aLease(2))
    await isUp(one, false)
    await isUp(two, false)
    // Not a promise: the announce is answered in the same turn.
    expect(one.store.leases.claim(aLease(1))).toBe('undecided')
    expect(one.store.state.sentence).toContain('has been unavailable for')
    redis.resume()
    await expectAllHave(nodes, 'announced while it hung')
    await until(SOON_MS, 'the lease that was renewed meanwhile is claimed', async () => {
      return (await one.store.leases.claim(aLease(1))) === 'denied'
    })
  })

  test('a full backlog: the oldest batches are dropped, counted, and replaced by a resync', async () => {
    const redis = await aRedis()
    const { one, nodes } = await twoNodes(redis)
    await redis.kill()
    await isUp(one, false)
    const texts = Array.from({ length: 12 }, (_, index) => `${index} ${'x'.repeat(1024 * 1024)}`)
    one.replica.record(...texts)
    expect(one.store.state.droppedBatches).toBe(5)
    expect(one.store.state.backlogBytes).toBeLessThanOrEqual(8 * 1024 * 1024)
    await redis.start()
    await expectAllHave(nodes, ...texts)
    await until(SOON_MS, 'the backlog is empty', () => one.store.state.lagSeconds === 0)
  })

  test('a Redis that is full: the state reports it, the log is read, and the backlog is written later', async () => {
    const redis = await aRedis()
    const { one, nodes } = await twoNodes(redis)
    await redis.ask('config', 'set', 'maxmemory', 1)
    one.replica.record('announced while it was full')
    await isUp(one, false)
    expect(one.store.state.sentence).toContain('OOM')
    await redis.ask('config', 'set', 'maxmemory', 0)
    await expectAllHave(nodes, 'announced while it was full')
    await isUp(one, true)
  })

  test('a replica that takes over', async () => {
    const sentinels = await startSentinels()
    try {
      const { one, two, nodes } = await twoNodes(sentinels)
      await sentinels.master.kill()
      one.replica.record('announced without a master')
      await until(90_000, 'the Sentinels elected the replica', async () => {
        return (await sentinels.masterPort()) === sentinels.replica.port
      })
      await expectAllHave(nodes, 'announced without a master')
      two.replica.record('announced with the new master')
      await expectAllHave(nodes, 'announced with the new master')
      await isUp(one, true)
    } finally {
      await sentinels.stop()
    }
  }, 240_000)
})

describe.skipIf(needs('redis-server'))('time', () => {
  test('a node whose clock is an hour off has the site time of the others, and shifts its replica', async () => {
    const redis = await aRedis()
    const site = aSiteName()
    const right = await anOpenNode({ url: redis.url, site })
    for (const hour of [3_600_000, -3_600_000]) {
      const wrong = await anOpenNode({
        url: redis.url,
        site,
        clock: new ManualClock(systemClock.nowMs() + hour),
      })
      // The accuracy depends on the round trip to Redis; on any machine it is far better than an hour.
      expect(Math.abs(wrong.store.clock.nowMs() - right.store.clock.nowMs())).toBeLessThan(20_000)
      expect(wrong.replica.shiftsMs.map((byMs) => Math.round(byMs / 60_000))).toEqual([-hour / 60_000])
    }
  })
})

describe.skipIf(needs('redis-server'))('at the start', () => {
  test('a missing or wrong password ends the start with advice', async () => {
    const redis = await aRedis({ args: ['--requirepass', 'right'], password: 'right' })
    const opened = async (userInfo: string) => {
      const node = await aRedisNode({ url: `redis://${userInfo}127.0.0.1:${redis.port}`, site: aSiteName() })
      await node.store.open(node.replica)
      return node.store.state.isUp
    }
    await expect(opened('')).rejects.toThrow(/requires a password[^]*redis:\/\/:password@host/)
    await expect(opened(':wrong@')).rejects.toThrow(/rejects this user and password/)
    expect(await opened(':right@')).toBe(true)
  })

  test('a database that Redis does not have ends the start, and no other one is used instead', async () => {
    const redis = await aRedis()
    const nodeOf = (database: number) =>
      aRedisNode({ url: `redis://127.0.0.1:${redis.port}/${database}`, site: aSiteName() })
    const [existing, missing] = [await nodeOf(15), await nodeOf(16)]
    await existing.store.open(existing.replica)
    expect(existing.store.state.isUp).toBe(true)
    await expect(missing.store.open(missing.replica)).rejects.toThrow(/does not have that database/)
    expect(await redis.ask('dbsize')).toBe(0)
  })

  test('a user without the permissions ends the start; those of the reference suffice', async () => {
    const redis = await aRedis()
    await redis.ask('acl', 'setuser', 'reader', 'on', '>secret', '~siteswarm:*', '+@read', '+@connection')
    const refused = await aRedisNode({
      url: `redis://reader:secret@127.0.0.1:${redis.port}`,
      site: aSiteName(),
    })
    await expect(refused.store.open(refused.replica)).rejects.toThrow(
      /lacks a permission[^]*docs\/reference\/redis\.md/,
    )

    const line = /^user siteswarm-fra (.*)$/m.exec(readFileSync('docs/reference/redis.md', 'utf8'))?.[1] ?? ''
    await redis.ask('acl', 'setuser', 'siteswarm-fra', ...line.split(' '))
    const settings = { url: `redis://siteswarm-fra:change-me@127.0.0.1:${redis.port}`, site: 'fra' }
    const [one, two] = [await anOpenNode(settings), await anOpenNode(settings)]
    one.replica.record('announced to one')
    await expectAllHave([two], 'announced to one')
    one.store.completions.add(Buffer.alloc(20, 1), 1)
    await until(SOON_MS, 'the completion is replicated', () => two.replica.counts.size === 1)
    await one.store.torrents.put(
      { infoHashes: [Buffer.alloc(20, 1)], name: 'image', sizeBytes: 1, registeredAtMs: 1, note: '' },
      Buffer.from('de'),
    )
    await until(SOON_MS, 'the torrent is replicated', () => two.store.torrents.has(Buffer.alloc(20, 1)))
    expect(await two.store.torrents.remove(Buffer.alloc(20, 1))).toBe(true)
    await until(
      SOON_MS,
      'a lease is granted',
      async () => (await one.store.leases.claim(aLease(1))) === 'granted',
    )
    one.store.leases.release(aLease(1))
    await until(SOON_MS, 'it is free', async () => (await two.store.leases.claim(aLease(2))) === 'granted')
    await redis.ask('xtrim', logOf('fra'), 'MAXLEN', 0)
    await expectLogHas(redis, 'fra', 'announced to one')
    expect(one.store.state.isUp).toBe(true)
  })

  test('a Cluster behind redis://, and a single server behind redis+cluster://, end the start with advice', async () => {
    const cluster = await startCluster()
    try {
      const [first] = cluster.masters
      // One of these sites has its slot on another master.
      const refusals = await Promise.allSettled(
        Array.from({ length: 12 }, async () => {
          const node = await aRedisNode({ url: first?.url ?? '', site: aSiteName() })
          await node.store.open(node.replica)
        }),
      )
      const reasons = refusals.flatMap((each) => (each.status === 'rejected' ? [String(each.reason)] : []))
      expect(reasons.join('\n')).toMatch(/this Redis is a Cluster[^]*redis\+cluster:/)
    } finally {
      await cluster.stop()
    }
    const redis = await aRedis()
    const node = await aRedisNode({ url: `redis+cluster://127.0.0.1:${redis.port}`, site: aSiteName() })
    await expect(node.store.open(node.replica)).rejects.toThrow(/this Redis is not a Cluster/)
  }, 240_000)

  test('a Redis that is down: the node runs standalone, and joins once it is up', async () => {
    const redis = await aRedis()
    await redis.kill()
    const node = await aRedisNode({ url: redis.url, site: aSiteName() })
    await node.store.open(node.replica)
    expect(node.store.state).toMatchObject({ isUp: false, isCaughtUp: false })
    node.replica.record('announced while standalone')
    await redis.start()
    await until(SOON_MS, 'it caught up', () => node.store.state.isUp && node.store.state.isCaughtUp)
    await until(SOON_MS, 'it wrote its records', () =>
      node.replica.received.includes('announced while standalone'),
    )
  }, 240_000)
})
