/**
 * A running node that observes clients on real sockets: scripted ones that speak the handshake and bitfield, and aria2.
 * They announce from loopback addresses of their own, and the node dials them there.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { writeBitfield, writeHave } from '../../src/wire/peer/availability.ts'
import { writeHandshake } from '../../src/wire/peer/handshake.ts'
import { announceFrom, aDirectory, aNode, freePort, peersOf, type RunningNode } from '../a-node.ts'
import { aRedis, until } from '../a-redis.ts'
import { aSmallTorrent } from '../observed-clients.ts'
import { needs } from '../setup/needs.ts'

const HASH = 'ab'.repeat(20)
const INFO_HASH = Buffer.from(HASH, 'hex')
const SOON_MS = 60_000
const PATIENCE = { timeout: 240_000 }

/** Sixteen pieces. The half has the last one, by which the node knows their number. */
const COMPLETE = [0xff, 0xff]
const HALF = [0xfe, 0x01]
const EMPTY = [0, 0]

interface Peer {
  readonly address: string
  readonly percent: number | null
  readonly progressFrom: string
  readonly reachability: string
  readonly isGateway: boolean
}

interface TestClient {
  readonly address: string
  readonly port: number
  /** Connections that the client accepted. */
  accepted(): number
  /** As its process is killed: the port is closed, and so is every connection. */
  kill(): void
}

type OnConnection = (socket: Socket) => void

const hello = (bits: readonly number[], infoHash = INFO_HASH) =>
  Buffer.concat([
    writeHandshake(infoHash, Buffer.from('-XX0000-abcdefghijkl')),
    writeBitfield(Buffer.from(bits)),
  ])

const shows =
  (bits: readonly number[]): OnConnection =>
  (socket) =>
    void socket.write(hello(bits))

async function aClient(address: string, onConnection: OnConnection): Promise<TestClient> {
  const open = new Set<Socket>()
  let accepted = 0
  const server: Server = createServer((socket) => {
    accepted++
    open.add(socket)
    socket.on('error', () => {}).on('close', () => open.delete(socket))
    socket.resume()
    onConnection(socket)
  })
  server.listen(0, address)
  await once(server, 'listening')
  const kill = () => {
    server.close()
    for (const socket of open) socket.destroy()
  }
  onTestFinished(kill)
  return { address, port: (server.address() as AddressInfo).port, accepted: () => accepted, kill }
}

const observingNode = () => aNode({ isObserving: true })

const announce = (
  node: RunningNode,
  { address, port }: Pick<TestClient, 'address' | 'port'>,
  left = 1_000_000,
) => announceFrom(node, address, { port, left })

async function peersIn(node: RunningNode): Promise<readonly Peer[]> {
  const answer = await node.admin(`/api/v1/swarms/${HASH}/peers?limit=1000`)
  return answer.ok ? ((await answer.json()) as { peers: readonly Peer[] }).peers : []
}

const peerAt = async (node: RunningNode, address: string) =>
  (await peersIn(node)).find((peer) => peer.address === address)

async function becomes(node: RunningNode, address: string, expected: Partial<Peer>): Promise<void> {
  await until(SOON_MS, `${address} is ${JSON.stringify(expected)}`, async () => {
    const peer = await peerAt(node, address)
    return (
      peer !== undefined &&
      Object.entries(expected).every(([name, value]) => peer[name as keyof Peer] === value)
    )
  })
}

const isGone = (node: RunningNode, address: string) =>
  until(SOON_MS, `${address} is gone`, async () => (await peerAt(node, address)) === undefined)

async function resultsOf(node: RunningNode): Promise<Readonly<Record<string, number>>> {
  const metrics = await (await node.admin('/metrics')).text()
  const found = metrics.matchAll(/siteswarm_observations_total\{site="fra",result="([\w-]+)"\} (\d+)/g)
  return Object.fromEntries([...found].map(([, result = '', count]) => [result, Number(count)]))
}

async function explained(node: RunningNode, { address, port }: TestClient): Promise<string | null> {
  const answer = await node.admin(`/api/v1/explain?info_hash=${HASH}&ip=${address}&port=${port}`)
  return ((await answer.json()) as { observed: string | null }).observed
}

describe('a node that observes its clients', () => {
  test('does not hand out a client whose port is closed, and reports why', PATIENCE, async () => {
    const node = await observingNode()
    const seed = await aClient('127.1.1.1', shows(COMPLETE))
    const closed = { address: '127.1.1.2', port: await freePort() }
    const open = await aClient('127.1.1.3', shows(EMPTY))
    await announce(node, seed, 0)
    await becomes(node, seed.address, { reachability: 'reachable', percent: 100, progressFrom: 'observed' })
    // Its own response is deferred for seconds, until there are more reachable neighbours.
    const deferred = announce(node, closed)
    await becomes(node, closed.address, { reachability: 'unreachable' })
    const peers = peersOf(await announce(node, open))
    expect(peers).toContain(`${seed.address}:${seed.port}`)
    expect(peers).not.toContain(`${closed.address}:${closed.port}`)
    expect(peersOf(await deferred)).toContain(`${seed.address}:${seed.port}`)
    const answer = await node.admin(
      `/api/v1/explain?info_hash=${HASH}&ip=${closed.address}&port=${closed.port}`,
    )
    expect(await answer.json()).toMatchObject({ observed: 'port does not answer' })
  })

  test(
    'removes a client that is killed, and its lease ends before it announces again',
    PATIENCE,
    async () => {
      const node = await observingNode()
      const source = await aClient('127.1.1.1', shows(COMPLETE))
      const gateway = await aClient('127.2.1.1', shows(HALF))
      const next = await aClient('127.2.1.2', shows(EMPTY))
      await announce(node, source, 0)
      await announce(node, gateway)
      await becomes(node, gateway.address, { isGateway: true, percent: 50 })
      expect(peersOf(await announce(node, next))).not.toContain(`${source.address}:${source.port}`)
      gateway.kill()
      await isGone(node, gateway.address)
      expect(peersOf(await announce(node, next))).toEqual([`${source.address}:${source.port}`])
      expect(await peerAt(node, next.address)).toMatchObject({ isGateway: true })
    },
  )

  test('elects a gateway in a site whose only seed lacks pieces', PATIENCE, async () => {
    const node = await observingNode()
    const source = await aClient('127.1.1.1', shows(COMPLETE))
    const falseSeed = await aClient('127.2.1.1', shows(HALF))
    const leecher = await aClient('127.2.1.2', shows(EMPTY))
    await announce(node, source, 0)
    await announce(node, falseSeed, 0)
    await becomes(node, falseSeed.address, { percent: 50 })
    expect(await explained(node, falseSeed)).toBe('false seed: announces left=0, has 50 %')
    expect(peersOf(await announce(node, leecher))).toContain(`${source.address}:${source.port}`)
    expect(await peerAt(node, leecher.address)).toMatchObject({ isGateway: true })
  })

  test('dials no client with observe.connections: 0', PATIENCE, async () => {
    const node = await aNode()
    const one = await aClient('127.1.1.1', shows(COMPLETE))
    const other = await aClient('127.1.1.2', shows(EMPTY))
    await announce(node, one, 0)
    expect(peersOf(await announce(node, other))).toEqual([`${one.address}:${one.port}`])
    // The first dials of a node that observes are over within this time.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect([one.accepted(), other.accepted()]).toEqual([0, 0])
    expect(await (await node.admin('/readyz?verbose')).text()).toContain('off: observe.connections is 0')
  })

  test('reports that none of its clients accepts a connection, and stays ready', PATIENCE, async () => {
    const node = await observingNode()
    const port = await freePort()
    for (let host = 1; host <= 5; host++) await announce(node, { address: `127.1.1.${host}`, port }, 0)
    await until(SOON_MS, 'it is reported', async () => {
      const answer = await node.admin('/readyz?verbose')
      return answer.ok && (await answer.text()).includes('none of 5 clients accepts a connection')
    })
    expect(await (await node.admin('/readyz')).text()).toBe('ready\n')
  })
})

/** Repeats the bytes as fast as the node reads them, or for as long as it stays connected. */
const pours =
  (bytes: Buffer): OnConnection =>
  (socket) => {
    const pour = () => {
      while (!socket.destroyed && socket.write(bytes));
    }
    socket.on('drain', pour)
    pour()
  }

/** A message head: length and id. */
const head = (length: number, id: number) => {
  const bytes = Buffer.alloc(5)
  bytes.writeUInt32BE(length)
  bytes[4] = id
  return bytes
}
const BITFIELD = 5
const HAVE = 4

const haves = Buffer.concat(Array.from({ length: 5_000 }, () => writeHave(3)))

/** Client, accepted results, and what it announces. */
const hostile: readonly (readonly [string, OnConnection, readonly string[], number?])[] = [
  [
    'an endless bitfield',
    (socket) => {
      socket.write(Buffer.concat([hello(EMPTY).subarray(0, 68), head(0xffff_ffff, BITFIELD)]))
      pours(Buffer.alloc(65_536, 0xff))(socket)
    },
    ['violation', 'flooding'],
  ],
  [
    'a message of a wrong length',
    (socket) => void socket.write(Buffer.concat([hello(EMPTY), head(3, HAVE), Buffer.alloc(2)])),
    ['violation'],
  ],
  [
    'the handshake of another torrent',
    (socket) => void socket.write(hello(EMPTY, Buffer.alloc(20, 9))),
    ['violation'],
  ],
  [
    'a million HAVE messages',
    (socket) => {
      socket.write(hello(EMPTY))
      pours(haves)(socket)
    },
    ['flooding'],
    // A source is read four times a second; another client is read so slowly that it cannot flood.
    0,
  ],
  [
    'an open connection without a byte, whose other side is never read',
    (socket) => void socket.pause(),
    ['mute'],
  ],
  [
    'one byte at a time',
    (socket) => {
      const bytes = hello(EMPTY)
      let at = 0
      const timer = setInterval(() => void socket.write(bytes.subarray(at, ++at)), 200)
      socket.on('close', () => clearInterval(timer))
    },
    ['mute', 'violation'],
  ],
]

describe('a hostile client', () => {
  test.each(hostile.map(([name, onConnection, ends, left]) => ({ name, onConnection, ends, left })))(
    'with $name is disconnected and counted, and others are served',
    PATIENCE,
    async ({ onConnection, ends, left = 1_000_000 }) => {
      const node = await observingNode()
      const seed = await aClient('127.1.1.1', shows(COMPLETE))
      const bad = await aClient('127.1.1.2', onConnection)
      await announce(node, seed, 0)
      const announcing = announce(node, bad, left)
      await until(SOON_MS, 'it is disconnected', async () => {
        // Other clients are answered meanwhile.
        const body = await announceFrom(node, '127.1.1.9', { left: 0 })
        expect(body).toContain('8:complete')
        const results = await resultsOf(node)
        return ends.some((end) => (results[end] ?? 0) > 0)
      })
      await announcing
      const other = await aClient('127.1.1.3', shows(HALF))
      await announce(node, other)
      await becomes(node, other.address, { percent: 50, progressFrom: 'observed' })
    },
  )
})

describe.skipIf(needs('redis-server'))('two nodes of a site', () => {
  test(
    'divide the clients, share what they observe, and one takes over those of the other when it dies',
    PATIENCE,
    async () => {
      const redis = await aRedis()
      const settings = { more: `store: ${redis.url}\n`, isObserving: true }
      const [one, two] = await Promise.all([aNode(settings), aNode(settings)])
      const clients = await Promise.all(
        Array.from({ length: 12 }, (_, index) => aClient(`127.1.1.${index + 1}`, shows(COMPLETE))),
      )
      await Promise.all(clients.map((client, index) => announce(index % 2 === 0 ? one : two, client, 0)))

      const both = async () => [await observedBy(one), await observedBy(two)] as const
      await until(SOON_MS, 'the clients are divided', async () => {
        const [ofOne, ofTwo] = await both()
        return ofOne > 0 && ofTwo > 0 && ofOne + ofTwo === clients.length
      })
      for (const node of [one, two])
        for (const { address } of clients)
          await becomes(node, address, { reachability: 'reachable', percent: 100, progressFrom: 'observed' })

      await one.stop('SIGKILL')
      await until(SOON_MS, 'the other node observes all clients', async () => {
        const { reachable = 0 } = await resultsOf(two)
        return (await observedBy(two)) === clients.length && reachable >= clients.length
      })
      expect(await observedBy(two)).toBe(clients.length)
    },
  )
})

async function observedBy(node: RunningNode): Promise<number> {
  const metrics = await (await node.admin('/metrics')).text()
  return Number(/siteswarm_observers\{site="fra"\} (\d+)/.exec(metrics)?.[1] ?? 0)
}

describe.skipIf(needs('libtorrent', 'aria2c'))('aria2', () => {
  test('is observed, and gone when it is killed', PATIENCE, async () => {
    const node = await observingNode()
    const directory = await aDirectory()
    const torrent = await aSmallTorrent(directory, 2_000_000)
    const empty = join(directory, 'aria2')
    await mkdir(empty)
    const child: ChildProcess = spawn(
      'aria2c',
      [
        '--no-conf',
        `--dir=${empty}`,
        '--interface=127.1.1.1',
        `--listen-port=${await freePort()}`,
        '--enable-dht=false',
        '--bt-exclude-tracker=*',
        `--bt-tracker=${node.announceUrl}`,
        '--quiet',
        torrent.path,
      ],
      { stdio: 'ignore' },
    )
    onTestFinished(() => void child.kill('SIGKILL'))
    const peers = async () => {
      const answer = await node.admin(`/api/v1/swarms/${torrent.infoHash.toString('hex')}/peers`)
      return answer.ok ? ((await answer.json()) as { peers: readonly Peer[] }).peers : []
    }
    await until(SOON_MS, 'it is observed', async () => {
      const [peer] = await peers()
      return peer?.reachability === 'reachable' && peer.progressFrom === 'observed'
    })
    child.kill('SIGKILL')
    await until(SOON_MS, 'it is gone', async () => (await peers()).length === 0)
    expect(await peers()).toEqual([])
  })
})
