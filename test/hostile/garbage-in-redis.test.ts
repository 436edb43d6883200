/** A program or person that can write to the Redis of a site: garbage in each key, and what the node makes of it. */
import { describe, expect, test } from 'vitest'
import { announceFrom, aNode, peersOf, type RunningNode } from '../a-node.ts'
import { aRedis, type RunningRedis, until } from '../a-redis.ts'
import { PLAIN_INFO_HASH, PLAIN_TORRENT } from '../a-torrent.ts'
import { needs } from '../setup/needs.ts'
import { flood } from './udp-flood.ts'

const SOON_MS = 60_000
const HASH = 'ab'.repeat(20)
const key = (name: string) => `siteswarm:{fra}:${name}`

async function aNodeOf(redis: RunningRedis): Promise<RunningNode> {
  return aNode({ more: `store: ${redis.url}\n` })
}

async function metric(node: RunningNode, name: string): Promise<number> {
  const text = await (await node.admin('/metrics')).text()
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1] ?? Number.NaN)
}

const reports = (node: RunningNode) =>
  until(
    SOON_MS,
    'the node reports an invalid value',
    async () => (await metric(node, 'siteswarm_store_values_invalid_total')) > 0,
  )

/** Over HTTP and UDP: the connection ids of UDP depend on the secret. */
async function answers(node: RunningNode): Promise<void> {
  expect(await announceFrom(node, '127.1.1.1', { left: 0 })).toContain('8:complete')
  expect(peersOf(await announceFrom(node, '127.1.1.2'))).toEqual(['127.1.1.1:6881'])
  const announce = { infoHash: Buffer.alloc(20, 9), peerId: Buffer.from('-XX0000-abcdefghijkl'), port: 6881 }
  expect(await flood(node, [announce])).toBe(1)
  expect(node.process.exitCode).toBe(null)
}

describe.skipIf(needs('redis-server'))('garbage in Redis does not end or mislead the node:', () => {
  test.each([
    ['a short secret', ['current', 'x', 'changedAt', '1']],
    ['a secret of a megabyte', ['current', 'x'.repeat(1_000_000), 'changedAt', '99999999999999']],
    ['a time of letters', ['current', 'y'.repeat(32), 'changedAt', 'letters']],
    ['a time that is not a number', ['current', 'y'.repeat(32), 'changedAt', 'nan']],
    ['a time far in the future', ['current', 'y'.repeat(32), 'previous', 'z', 'changedAt', '99999999999999']],
  ])('%s', async (_what, fields) => {
    const redis = await aRedis()
    await redis.ask('hset', key('secrets'), ...fields)
    const node = await aNodeOf(redis)
    await answers(node)
    await redis.ask('hset', key('secrets'), ...fields)
    // The poll reads and replaces it.
    await until(SOON_MS, 'the secret is replaced', async () => {
      const [current, changedAt] = (await redis.ask(
        'hmget',
        key('secrets'),
        'current',
        'changedAt',
      )) as string[]
      return current !== fields[1] && Math.abs(Number(changedAt) - Date.now()) < 60_000
    })
    await answers(node)
    expect(node.process.exitCode).toBe(null)
  })

  test('completions of letters are never answered', async () => {
    const redis = await aRedis()
    const node = await aNodeOf(redis)
    await redis.ask('hset', key('completions'), HASH, 'letters')
    await redis.ask('zadd', key('completion-changes'), 1, Buffer.from(HASH, 'hex'), 'inf', 'x', 5, 'short')
    await reports(node)
    await answers(node)
    expect(await announceFrom(node, '127.1.1.2')).toContain('10:downloadedi0e')
    // A completion replaces it, and is counted.
    await announceFrom(node, '127.1.1.2', { left: 0, event: 'completed' })
    await until(SOON_MS, 'Redis has a number again', async () => {
      return (await redis.ask('hget', key('completions'), HASH)) === '1'
    })
  })

  test('a broken torrent does not hide the others', async () => {
    const redis = await aRedis()
    const node = await aNodeOf(redis)
    const good = await node.admin('/api/v1/torrents', {
      method: 'POST',
      body: new Uint8Array(PLAIN_TORRENT),
      headers: { 'content-type': 'application/x-bittorrent' },
    })
    expect(good.status).toBe(201)
    const description = JSON.stringify({
      infoHashes: [HASH],
      name: 'x',
      sizeBytes: 1,
      registeredAtMs: 1,
      note: '',
    })
    const other = 'cd'.repeat(20)
    await redis.ask('hset', key('torrents'), HASH, description, other, 'letters', 'x', description)
    await redis.ask('hset', key('torrent-files'), HASH, 'not a torrent', other, 'de')
    await redis.ask('hincrby', key('torrent-state'), 'version', 1)
    await reports(node)
    const listed = await node.admin('/api/v1/torrents')
    expect(listed.status).toBe(200)
    expect(((await listed.json()) as { total: number }).total).toBe(1)
    await answers(node)
  })

  test('a change of documents without a number hides no later one', async () => {
    const redis = await aRedis()
    const node = await aNodeOf(redis)
    await node.admin('/api/v1/torrents', {
      method: 'POST',
      body: new Uint8Array(PLAIN_TORRENT),
      headers: { 'content-type': 'application/x-bittorrent' },
    })
    await redis.ask('zadd', key('document-changes'), 'inf', 'x')
    await reports(node)
    // As another node of the site writes it.
    const document = `expect:${PLAIN_INFO_HASH}`
    await redis.ask(
      'hset',
      key('documents'),
      document,
      JSON.stringify({ hosts: { fra: 7 }, atMs: Date.now() }),
    )
    await redis.ask('zadd', key('document-changes'), 500, document)
    await until(SOON_MS, 'the node has the number of the other node', async () => {
      const rollout = await node.admin(`/api/v1/rollouts/${PLAIN_INFO_HASH}`)
      return ((await rollout.json()) as { expect: { fra?: number } }).expect.fra === 7
    })
    await answers(node)
    expect(await metric(node, 'siteswarm_store_up')).toBe(1)
  })

  test('a log at the last possible id starts again', async () => {
    const redis = await aRedis()
    const node = await aNodeOf(redis)
    await redis.ask('xadd', key('log'), '18446744073709551615-18446744073709551615', 'b', 'garbage')
    await announceFrom(node, '127.1.1.1', { left: 0 })
    await until(SOON_MS, 'the log has an entry of this time', async () => {
      const [entry] = (await redis.ask('xrevrange', key('log'), '+', '-', 'COUNT', 1)) as [string, unknown][]
      return entry !== undefined && Math.abs(Number(entry[0].split('-')[0]) - Date.now()) < 60_000
    })
    await answers(node)
    expect(node.log()).toContain('its last id is in the future of Redis')
  })

  test('keys of another kind: the store is reported as down, and announces are answered', async () => {
    const redis = await aRedis()
    const node = await aNodeOf(redis)
    for (const name of ['secrets', 'completions', 'completion-changes', 'torrents', 'log']) {
      await redis.ask('del', key(name))
      await redis.ask('rpush', key(name), 'garbage')
    }
    await until(SOON_MS, 'the store is down', async () => (await metric(node, 'siteswarm_store_up')) === 0)
    await answers(node)
    expect(node.log()).toContain('WRONGTYPE')
  })
})
