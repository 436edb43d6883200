/** Tests what the nodes of a site read of the registered torrents in Redis after a change, beside nodes of earlier versions. */
import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readStoreUrl, type StoreTarget } from '../../src/core/store-url.ts'
import { openClient } from '../../src/replication/redis/client.ts'
import { siteKeys } from '../../src/replication/redis/keys.ts'
import { scripts } from '../../src/replication/redis/scripts.ts'
import { changesAfter } from '../../src/replication/redis/torrent-changes.ts'
import type { RegisteredTorrent } from '../../src/replication/site-store.ts'
import { writeDescription } from '../../src/replication/torrent-description.ts'
import { aRedis, type RunningRedis, until } from '../a-redis.ts'
import { aRedisNode, aSiteName } from '../contract/a-redis-site.ts'
import { needs } from '../setup/needs.ts'

const SOON_MS = 60_000

const hash = (fill: number) => Buffer.alloc(20, fill)
const hex = (fill: number) => hash(fill).toString('hex')

const aTorrent = (fill: number, name = `image-${fill}`): RegisteredTorrent => ({
  infoHashes: [hash(fill)],
  name,
  sizeBytes: 5,
  registeredAtMs: 1_700_000_000_000 + fill,
  note: '',
})

async function aNodeOf(redis: RunningRedis, site: string) {
  const { store, replica } = await aRedisNode({ url: redis.url, site })
  await store.open(replica)
  const { torrents } = store
  const names = () => torrents.list().map(({ name }) => name)
  const has = (expected: readonly string[]) =>
    until(SOON_MS, `the node has ${expected.join(', ')}`, () => names().join() === expected.join())
  return { torrents, has }
}

function aClient({ port }: RunningRedis): Redis {
  const client = new Redis({ host: '127.0.0.1', port, disableClientInfo: true })
  onTestFinished(() => client.disconnect())
  return client
}

/** Records the commands of all clients. `read` returns at least those before it. */
async function recordCommands(redis: RunningRedis) {
  const monitor = await aClient(redis).monitor()
  onTestFinished(() => monitor.disconnect())
  const commands: (readonly string[])[] = []
  monitor.on('monitor', (_time: unknown, args: readonly string[]) => commands.push(args))
  const read = async () => {
    await redis.ask('echo', 'all')
    await until(SOON_MS, 'all commands are recorded', () =>
      commands.some(([name, text]) => name === 'echo' && text === 'all'),
    )
    return commands
  }
  return { commands, read }
}

describe.skipIf(needs('redis-server'))('after a change of the registered torrents', () => {
  test('a node reads the descriptions that have changed, and no others', async () => {
    const redis = await aRedis()
    const site = aSiteName()
    const one = await aNodeOf(redis, site)
    for (let fill = 1; fill <= 20; fill++) await one.torrents.put(aTorrent(fill), Buffer.from('de'))
    const two = await aNodeOf(redis, site)
    const names = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, index) => `image-${from + index}`)
    await two.has(names(1, 20))

    // The first change is that from which a node has read all.
    await one.torrents.put(aTorrent(21), Buffer.from('de'))
    await two.has(names(1, 21))
    const { read } = await recordCommands(redis)
    await one.torrents.put(aTorrent(22), Buffer.from('de'))
    await one.torrents.put(aTorrent(5, 'replaced'), Buffer.from('d1:a0:e'))
    await one.torrents.remove(hash(6))
    await two.has([...names(1, 4), 'replaced', ...names(7, 22)])
    expect(await two.torrents.read(hash(5))).toEqual(Buffer.from('d1:a0:e'))

    const keys = siteKeys(site)
    const commands = await read()
    const fields = commands
      .filter(([name, key]) => name === 'hmget' && key === keys.torrents)
      .flatMap(([, , ...given]) => given)
    expect(commands.filter(([name]) => name === 'hkeys')).toEqual([])
    expect(new Set(fields)).toEqual(new Set([hex(22), hex(5), hex(6)]))
    // Each of the two nodes reads each of them once.
    expect(fields.length).toBeLessThanOrEqual(6)
    const files = commands.filter(([name, key]) => name === 'hget' && key === keys.torrentFiles)
    expect(new Set(files.map(([, , field]) => field))).toEqual(new Set([hex(5), hex(22)]))
  })

  test('changes of nodes of an earlier version arrive, and such nodes can read those of others', async () => {
    const redis = await aRedis()
    const site = aSiteName()
    const { torrents, torrentFiles, torrentState } = siteKeys(site)
    const [one, two] = [await aNodeOf(redis, site), await aNodeOf(redis, site)]
    /** As the scripts of earlier versions. */
    const putEarlier = async (torrent: RegisteredTorrent, bytes: string) => {
      const field = torrent.infoHashes[0]?.toString('hex') ?? ''
      const changes = aClient(redis).multi().hset(torrentFiles, field, bytes)
      await changes
        .hset(torrents, field, writeDescription(torrent))
        .hincrby(torrentState, 'version', 1)
        .exec()
    }
    const removeEarlier = async (field: string) => {
      const changes = aClient(redis).multi().hdel(torrentFiles, field).hdel(torrents, field)
      await changes.hincrby(torrentState, 'version', 1).exec()
    }
    await one.torrents.put(aTorrent(1), Buffer.from('de'))
    await two.has(['image-1'])
    await putEarlier(aTorrent(2), 'de')
    await one.torrents.put(aTorrent(3), Buffer.from('de'))
    for (const node of [one, two]) await node.has(['image-1', 'image-2', 'image-3'])
    await putEarlier(aTorrent(1, 'earlier'), 'd1:a0:e')
    await two.torrents.put(aTorrent(4), Buffer.from('de'))
    for (const node of [one, two]) await node.has(['earlier', 'image-2', 'image-3', 'image-4'])
    expect(await two.torrents.read(hash(1))).toEqual(Buffer.from('d1:a0:e'))
    await removeEarlier(hex(3))
    await one.torrents.remove(hash(2))
    for (const node of [one, two]) await node.has(['earlier', 'image-4'])

    expect(new Set((await redis.ask('hkeys', torrents)) as string[])).toEqual(new Set([hex(1), hex(4)]))
    expect(await redis.ask('hmget', torrents, hex(1), hex(4))).toEqual(
      [aTorrent(1, 'earlier'), aTorrent(4)].map(writeDescription),
    )
    expect(await redis.ask('hget', torrentState, 'version')).toBe('7')
  })

  test('a Redis that lost its last change and has others since is read as a whole', async () => {
    const redis = await aRedis()
    const site = aSiteName()
    const keys = siteKeys(site)
    const node = await aNodeOf(redis, site)
    const { commands } = await recordCommands(redis)
    await node.torrents.put(aTorrent(1), Buffer.from('de'))
    await node.torrents.put(aTorrent(2), Buffer.from('de'))
    await until(SOON_MS, 'the node has read its last change', () =>
      commands.some(([name, ...fields]) => name === 'hmget' && fields.includes('change:2')),
    )
    // As a replica that takes over without the last change, and another node then registers two torrents.
    const takeOver = aClient(redis)
      .multi()
      .hdel(keys.torrents, hex(2))
      .hincrby(keys.torrentState, 'version', -1)
    for (const fill of [3, 4])
      takeOver.eval(
        scripts.putTorrent.lua,
        3,
        keys.torrents,
        keys.torrentFiles,
        keys.torrentState,
        `change-${fill}`,
        hex(fill),
        writeDescription(aTorrent(fill)),
        'de',
        0,
      )
    await takeOver.exec()
    await node.has(['image-1', 'image-3', 'image-4'])
    expect(node.torrents.has(hash(2))).toBe(false)
  })

  test('the last 1,023 are found, each torrent once, and not after more', async () => {
    const redis = await aRedis()
    const keys = siteKeys('fra')
    const puts = aClient(redis).pipeline()
    for (let version = 1; version <= 1_100; version++)
      puts.eval(
        scripts.putTorrent.lua,
        3,
        keys.torrents,
        keys.torrentFiles,
        keys.torrentState,
        `change-${version}`,
        hex(version % 5),
        '',
        '',
        0,
      )
    await puts.exec()
    const client = await openClient(readStoreUrl(redis.url) as StoreTarget, 'test')
    onTestFinished(() => client.close())
    const after = (version: number, change = `change-${version}`) =>
      changesAfter(client, keys.torrentState, { version, change }, 1_100)
    expect(await after(1_097)).toEqual({
      infoHashes: [hex(3), hex(4), hex(0)],
      last: { version: 1_100, change: 'change-1100' },
    })
    expect((await after(77))?.infoHashes).toHaveLength(5)
    expect(await after(76)).toBeUndefined()
    expect(await after(1_099, 'change-of-another-server')).toBeUndefined()
    expect(await after(1_100)).toBeUndefined()
    expect(await after(1_101)).toBeUndefined()
  })
})
