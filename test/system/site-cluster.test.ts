/**
 * A site of several nodes, as processes, with a real Redis. While Redis fails in various ways, clients announce from several
 * addresses and to all nodes, and no announce fails; afterwards the nodes agree, including one that starts only then.
 */
import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { loadNode } from '../../src/config/load-node.ts'
import { ManualClock, systemClock } from '../../src/core/clock.ts'
import { SiteswarmNode } from '../../src/daemon/node.ts'
import { aDirectory, announceFrom, aNode, freePort, peersOf, type RunningNode } from '../a-node.ts'
import { aRedis, startSentinels, until } from '../a-redis.ts'
import {
  aClusterNode,
  aSiteCluster,
  clientsAnnounce,
  expectAgreement,
  HASH,
  storeIsUp,
  swarmOf,
} from '../a-site-cluster.ts'
import { silentLog } from '../contract/a-redis-site.ts'
import { needs } from '../setup/needs.ts'

const SOON_MS = 60_000
const PATIENCE_MS = 240_000

const expectSoon = (condition: string, holds: () => Promise<boolean>) => until(SOON_MS, condition, holds)

describe.skipIf(needs('redis-server'))('several nodes of a site are one tracker', () => {
  test('a peer that announces to one is handed out by the others', async () => {
    const redis = await aRedis()
    const [one, two, three] = (await aSiteCluster(redis.url, 3)) as [RunningNode, RunningNode, RunningNode]
    await announceFrom(one, '127.1.1.1', { left: 0 })
    for (const node of [two, three])
      await expectSoon('it is handed out', async () =>
        peersOf(await announceFrom(node, '127.1.1.2')).includes('127.1.1.1:6881'),
      )
    await announceFrom(two, '127.1.1.1', { left: 0, event: 'stopped' })
    for (const node of [one, three])
      await expectSoon('it is removed', async () => {
        return !peersOf(await announceFrom(node, '127.1.1.2')).includes('127.1.1.1:6881')
      })
  })

  test('a client gets the same peers from each of them', async () => {
    const redis = await aRedis()
    const [one, two] = (await aSiteCluster(redis.url, 2)) as [RunningNode, RunningNode]
    const hosts = Array.from({ length: 12 }, (_, index) => `127.2.1.${index + 1}`)
    await announceFrom(one, '127.1.1.1', { left: 0 })
    for (const host of [...hosts, ...hosts]) await announceFrom(one, host)
    const handouts = new Map<string, string[]>()
    for (const host of hosts) handouts.set(host, peersOf(await announceFrom(one, host)).sort())
    await expectSoon('the other node has them', async () => (await swarmOf(two)).leechers === 12)
    for (const host of hosts)
      await expectSoon(`the other node hands out the same peers to ${host}`, async () => {
        const peers = peersOf(await announceFrom(two, host)).sort()
        return JSON.stringify(peers) === JSON.stringify(handouts.get(host))
      })
    expect((await swarmOf(one)).sites).toEqual((await swarmOf(two)).sites)
  })

  test('downloads are counted once, also where several nodes receive the event', async () => {
    const redis = await aRedis()
    const [one, two] = (await aSiteCluster(redis.url, 2)) as [RunningNode, RunningNode]
    await announceFrom(one, '127.1.1.1', { left: 5 })
    await announceFrom(one, '127.1.1.1', { left: 0, event: 'completed' })
    await announceFrom(two, '127.1.1.1', { left: 0, event: 'completed' })
    for (const node of [one, two])
      await expectSoon('the download is counted', async () =>
        (await announceFrom(node, '127.1.1.2')).includes('10:downloadedi1e'),
      )
  })

  test('a UDP client that connected to one may announce to another', async () => {
    const redis = await aRedis()
    const [one, two] = (await aSiteCluster(redis.url, 2)) as [RunningNode, RunningNode]
    const socket = createSocket('udp4')
    onTestFinished(() => void socket.close())
    await new Promise<void>((resolve) => socket.bind(0, '127.1.1.1', resolve))
    const send = async (node: RunningNode, packet: Buffer): Promise<Buffer> => {
      const response = once(socket, 'message', { signal: AbortSignal.timeout(SOON_MS) })
      socket.send(packet, Number(new URL(node.udpAnnounceUrl).port), '127.0.0.1')
      const [bytes] = (await response) as [Buffer]
      return bytes
    }
    const connect = Buffer.from('00000417271019800000000011111111', 'hex')
    const connectionId = (await send(one, connect)).subarray(8)
    const announce = Buffer.alloc(98)
    connectionId.copy(announce)
    announce.writeUInt32BE(1, 8)
    announce.writeUInt32BE(0x22222222, 12)
    Buffer.from(HASH, 'hex').copy(announce, 16)
    announce.writeUInt32BE(1000, 68)
    announce.writeUInt16BE(6881, 96)
    const response = await send(two, announce)
    expect([response.readUInt32BE(0), response.readUInt32BE(4)]).toEqual([1, 0x22222222])
  })

  test(
    'a node whose clock is an hour off does not disturb the others',
    { timeout: PATIENCE_MS },
    async () => {
      const redis = await aRedis()
      const right = await aClusterNode(redis.url)
      for (const [hours, host] of [
        [1, '127.1.1.1'],
        [-1, '127.1.1.2'],
      ] as const) {
        const loaded = loadNode({
          path: `${right.directory}/siteswarm.yaml`,
          environment: { SITESWARM_LISTEN_HTTP: '127.0.0.1:0', SITESWARM_OBSERVE_CONNECTIONS: '0' },
        })
        const wrong = new SiteswarmNode({
          ...loaded,
          version: '0',
          log: silentLog,
          droppedLogLines: () => 0,
          clock: new ManualClock(systemClock.nowMs() + hours * 3_600_000),
        })
        onTestFinished(() => wrong.stop())
        const { http } = await wrong.start()
        await announceFrom({ announceUrl: `${http}/announce` }, host, { left: 0 })
        const handsOut = async (node: Pick<RunningNode, 'announceUrl'>, requester: string) =>
          peersOf(await announceFrom(node, requester)).length > 0
        await expectSoon('the right node hands out the peer of the wrong one', () =>
          handsOut(right, '127.1.1.9'),
        )
        await announceFrom(right, host, { left: 0, event: 'stopped' })
        await expectSoon('the wrong one removes a peer that stopped at the right one', async () => {
          const { seeds } = (await (await right.admin(`/api/v1/swarms/${HASH}`)).json()) as {
            seeds: number
          }
          return seeds === 0
        })
      }
    },
  )
})

describe.skipIf(needs('redis-server'))('clients do not notice a failure of Redis', () => {
  async function aBusySite(redisUrl: string) {
    const nodes = await aSiteCluster(redisUrl, 2)
    const clients = clientsAnnounce(() => nodes)
    await clients.more(100)
    const [one, two] = nodes as [RunningNode, RunningNode]
    /** No announce failed, and the nodes agree, including one that starts now. */
    const expectAllWell = async () => {
      await storeIsUp(one, true)
      await storeIsUp(two, true)
      await clients.more(100)
      await clients.stop()
      expect(clients.failures).toEqual([])
      await expectAgreement([...nodes, await aClusterNode(redisUrl)])
    }
    return { nodes, one, two, clients, expectAllWell }
  }

  test('it is killed, and restarts empty', { timeout: PATIENCE_MS }, async () => {
    const redis = await aRedis()
    const { one, clients, expectAllWell } = await aBusySite(redis.url)
    await redis.kill()
    await storeIsUp(one, false)
    await clients.more(200)
    await redis.start()
    await expectAllWell()
  })

  test('it hangs', { timeout: PATIENCE_MS }, async () => {
    const redis = await aRedis()
    const { one, two, clients, expectAllWell } = await aBusySite(redis.url)
    redis.hang()
    await storeIsUp(one, false)
    await storeIsUp(two, false)
    expect(await (await one.admin('/readyz?verbose')).text()).toMatch(
      /warn store: .* has been unavailable for/,
    )
    expect((await one.admin('/readyz')).status).toBe(200)
    await clients.more(200)
    redis.resume()
    await expectAllWell()
  })

  test('FLUSHALL', { timeout: PATIENCE_MS }, async () => {
    const redis = await aRedis()
    const { one, clients, expectAllWell } = await aBusySite(redis.url)
    await redis.ask('flushall')
    await one.logged('"event":"log-lost"')
    await clients.more(100)
    await expectAllWell()
  })

  test('CLIENT KILL', { timeout: PATIENCE_MS }, async () => {
    const redis = await aRedis()
    const { one, clients, expectAllWell } = await aBusySite(redis.url)
    for (let times = 0; times < 3; times++) {
      await redis.ask('client', 'kill', 'type', 'normal', 'skipme', 'yes')
      await clients.more(50)
    }
    await one.logged('"event":"store-down"')
    await expectAllWell()
  })

  test('it is full', { timeout: PATIENCE_MS }, async () => {
    const redis = await aRedis()
    const { one, clients, expectAllWell } = await aBusySite(redis.url)
    await redis.ask('config', 'set', 'maxmemory', 1)
    await storeIsUp(one, false)
    expect(await (await one.admin('/readyz?verbose')).text()).toMatch(/warn store: .* refuses writes .*OOM/)
    await clients.more(200)
    await redis.ask('config', 'set', 'maxmemory', 0)
    await expectAllWell()
  })

  test('its log is trimmed', { timeout: PATIENCE_MS }, async () => {
    const redis = await aRedis()
    const { one, two, clients, expectAllWell } = await aBusySite(redis.url)
    await redis.ask('xtrim', 'siteswarm:{fra}:log', 'MAXLEN', 1)
    await Promise.race([one.logged('"event":"log-rotated"'), two.logged('"event":"log-rotated"')])
    await clients.more(100)
    await expectAllWell()
  })

  test('a replica takes over', { timeout: PATIENCE_MS }, async () => {
    const sentinels = await startSentinels()
    onTestFinished(() => sentinels.stop())
    const { one, clients, expectAllWell } = await aBusySite(sentinels.url)
    await sentinels.master.kill()
    await storeIsUp(one, false)
    await expectSoon('the Sentinels elected the replica', async () => {
      return (await sentinels.masterPort()) === sentinels.replica.port
    })
    await clients.more(100)
    await expectAllWell()
  })

  test('it requires another password', { timeout: PATIENCE_MS }, async () => {
    const redis = await aRedis({ args: ['--requirepass', 'right'], password: 'right' })
    const wrong = `redis://:wrong@127.0.0.1:${redis.port}`
    await expect(aNode({ more: `store: ${wrong}\n` })).rejects.toThrow(
      /ended with 78[^]*rejects this user and password/,
    )
    const { one, clients, expectAllWell } = await aBusySite(`redis://:right@127.0.0.1:${redis.port}`)
    // After the start, a rejected password does not end the node.
    await redis.ask('acl', 'setuser', 'default', 'resetpass', '>right', '>other', '<right')
    redis.password = 'other'
    await redis.ask('client', 'kill', 'type', 'normal', 'skipme', 'yes')
    await storeIsUp(one, false)
    await clients.more(100)
    await redis.ask('acl', 'setuser', 'default', '>right')
    await expectAllWell()
  })
})

describe.skipIf(needs('redis-server'))('nodes that start and stop', () => {
  test('one is killed, and another takes its place', { timeout: PATIENCE_MS }, async () => {
    const redis = await aRedis()
    const nodes = await aSiteCluster(redis.url, 3)
    const serving = nodes.slice(0, 2)
    const clients = clientsAnnounce(() => serving)
    await clients.more(200)
    await nodes[2]?.stop('SIGKILL')
    serving.push(await aClusterNode(redis.url))
    await clients.more(200)
    await clients.stop()
    expect(clients.failures).toEqual([])
    await expectAgreement(serving)
  })

  test('one that is stopped writes its last announces', { timeout: PATIENCE_MS }, async () => {
    const redis = await aRedis()
    const [one] = (await aSiteCluster(redis.url, 1)) as [RunningNode]
    await announceFrom(one, '127.1.1.1', { left: 0 })
    expect(await one.stop()).toBe(0)
    const two = await aClusterNode(redis.url)
    expect(peersOf(await announceFrom(two, '127.1.1.2'))).toEqual(['127.1.1.1:6881'])
  })
})

describe.skipIf(needs('redis-server', 'openssl'))('a Redis with TLS', () => {
  test(
    'is trusted by the certificate of its authority, and not without it',
    { timeout: PATIENCE_MS },
    async () => {
      const directory = await aDirectory()
      const make = (...args: readonly string[]) => {
        const made = spawnSync('openssl', args, { cwd: directory, encoding: 'utf8' })
        if (made.status !== 0) throw new Error(made.stderr)
      }
      const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
      make(
        'req',
        '-x509',
        ...key,
        '-keyout',
        'ca.key',
        '-out',
        'ca.pem',
        '-days',
        '2',
        '-subj',
        '/CN=authority',
      )
      make('req', ...key, '-keyout', 'redis.key', '-out', 'redis.csr', '-subj', '/CN=redis')
      await writeFile(join(directory, 'san'), 'subjectAltName=IP:127.0.0.1')
      const authority = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial']
      make(
        'x509',
        '-req',
        '-in',
        'redis.csr',
        ...authority,
        '-out',
        'redis.pem',
        '-days',
        '2',
        '-extfile',
        'san',
      )
      const tlsPort = await freePort()
      await aRedis({
        lines: [
          `tls-port ${tlsPort}`,
          `tls-cert-file ${directory}/redis.pem`,
          `tls-key-file ${directory}/redis.key`,
          `tls-ca-cert-file ${directory}/ca.pem`,
          'tls-auth-clients no',
        ],
      })
      const more = `store: rediss://127.0.0.1:${tlsPort}\n`
      const environment = { NODE_EXTRA_CA_CERTS: join(directory, 'ca.pem') }
      const [one, two] = await Promise.all([aNode({ more, environment }), aNode({ more, environment })])
      await announceFrom(one, '127.1.1.1', { left: 0 })
      await expectSoon('the other node has it', async () =>
        peersOf(await announceFrom(two, '127.1.1.2')).includes('127.1.1.1:6881'),
      )
      const withoutAuthority = await aNode({ more })
      expect(await (await withoutAuthority.admin('/readyz?verbose')).text()).toMatch(
        /warn store: rediss:.* has been unavailable for .*certificate/,
      )
    },
  )
})
