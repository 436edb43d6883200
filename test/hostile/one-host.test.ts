/** One host that takes all it can: connections, requests, torrents, peers, and the places of others in a full table. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { announceFrom, aNode, type RunningNode } from '../a-node.ts'
import { RawConnection } from '../raw-connection.ts'
import { reportFigure } from './report-figure.ts'
import { flood, type FloodAnnounce } from './udp-flood.ts'

const HOST = '127.1.1.1'
const HONEST = '127.1.2.1'
const PEER_ID = Buffer.from('-XX0000-abcdefghijkl')
/** Limits of the tests that are about another limit. */
const WIDE = 'connectionsPerSource: 10000, requestsPerSource: 1000000, torrentsPerSource: 1000000'

async function refused(node: RunningNode, code: string): Promise<number> {
  const text = await (await node.admin('/metrics')).text()
  const line = new RegExp(`^siteswarm_announce_failures_total{code="${code}"} (.*)$`, 'm').exec(text)
  return Number(line?.[1])
}

function* torrents(count: number): Generator<FloodAnnounce> {
  for (let index = 0; index < count; index++) yield { infoHash: torrent(index), peerId: PEER_ID, port: 6881 }
}

function* ports(count: number): Generator<FloodAnnounce> {
  const infoHash = Buffer.alloc(20, 0xee)
  for (let index = 0; index < count; index++) {
    const peerId = Buffer.from('-XX0000-............')
    peerId.writeUInt32BE(index, 8)
    yield { infoHash, peerId, port: 1024 + index, leftBytes: 0 }
  }
}

function torrent(index: number): Buffer {
  const infoHash = Buffer.alloc(20, 1)
  infoHash.writeUInt32BE(index, 8)
  return infoHash
}

async function connections(node: RunningNode, count: number, from: string): Promise<RawConnection[]> {
  const { port } = new URL(node.announceUrl)
  const open: RawConnection[] = []
  onTestFinished(() => {
    for (const connection of open) connection.destroy()
  })
  for (let index = 0; index < count; index++) open.push(await RawConnection.open(Number(port), from))
  return open
}

test('a host has as many connections as its limit, and one more is closed', async () => {
  const node = await aNode({ more: 'limits: { connectionsPerSource: 20 }\n' })
  await connections(node, 20, HOST)
  expect(await announceFrom(node, HONEST)).toContain('8:complete')
  expect(await refused(node, 'TRK_SOURCE_CONNECTIONS')).toBe(0)
  const [another] = await connections(node, 1, HOST)
  expect(await another?.closed()).toBe('')
  expect(await refused(node, 'TRK_SOURCE_CONNECTIONS')).toBe(1)
  expect(await announceFrom(node, HONEST)).toContain('8:complete')
})

/** Whether an announce is answered in time. */
const isAnswered = (node: RunningNode, from: string) =>
  Promise.race([
    announceFrom(node, from).then(
      (answer) => answer.includes('8:complete'),
      () => false,
    ),
    sleep(30_000, false),
  ])

/** Announces of 20 honest hosts that are answered in time, beside 10,000 idle connections of these hosts. */
async function answeredBeside(node: RunningNode, hosts: readonly string[]): Promise<number> {
  const each = 10_000 / hosts.length
  await Promise.all(hosts.map((host) => connections(node, each, host)))
  const answered = await Promise.all(
    Array.from({ length: 20 }, (_, host) => isAnswered(node, `127.1.2.${host + 1}`)),
  )
  return answered.filter(Boolean).length
}

test('10,000 idle connections of one host, or of a hundred, keep no other host out', async () => {
  for (const count of [1, 100]) {
    const node = await aNode()
    const hosts = Array.from({ length: count }, (_, index) => `127.1.3.${index + 1}`)
    const answered = await answeredBeside(node, hosts)
    reportFigure(`10,000 idle connections of ${count} hosts: ${answered} of 20 honest announces are answered`)
    expect(answered).toBe(20)
  }
})

test('a host has the requests of a second at once, and above them none until later', async () => {
  const node = await aNode({ more: 'limits: { requestsPerSource: 5 }\n' })
  // On a slow machine, more than five are accepted: one each fifth of a second. Ten rejections have a response.
  const accepted = await flood(node, ports(12), HOST)
  expect(accepted).toBeGreaterThanOrEqual(5)
  expect(accepted).toBeLessThan(12)
  expect(await refused(node, 'TRK_SOURCE_REQUESTS')).toBeGreaterThan(0)
  expect(await announceFrom(node, HONEST)).toContain('8:complete')
})

test('a host announces as many new torrents as its limit, and the next one is rejected', async () => {
  const node = await aNode({ more: 'limits: { torrentsPerSource: 60 }\n' })
  expect(await flood(node, torrents(60), HOST)).toBe(60)
  expect(await refused(node, 'TRK_SOURCE_TORRENTS')).toBe(0)
  expect(await flood(node, torrents(200), HOST)).toBeLessThan(70)
  expect(await refused(node, 'TRK_SOURCE_TORRENTS')).toBeGreaterThan(130)
  expect(await flood(node, [{ infoHash: torrent(500), peerId: PEER_ID, port: 6881 }], HONEST)).toBe(1)
})

test('a host has as many peers as its limit, and the next one is rejected', async () => {
  const node = await aNode({ more: 'limits: { peersPerSource: 50 }\n' })
  expect(await flood(node, ports(50), HOST)).toBe(50)
  expect(await refused(node, 'TRK_SOURCE_PEERS')).toBe(0)
  expect(await flood(node, ports(51), HOST)).toBe(50)
  expect(await refused(node, 'TRK_SOURCE_PEERS')).toBe(1)
  expect(await flood(node, ports(1), HONEST)).toBe(1)
})

/** 900 torrents of 900 hosts with one seed each, and a table with little more room. */
async function aFullNode(limits: string): Promise<RunningNode> {
  const node = await aNode({ more: `limits: { ${WIDE}, ${limits} }\n` })
  for (let index = 0; index < 900; index++)
    await flood(
      node,
      [{ infoHash: torrent(index), peerId: PEER_ID, port: 6881, leftBytes: 0 }],
      hostOf(index),
    )
  return node
}

const hostOf = (index: number) => `127.2.${1 + (index >>> 8)}.${index & 255}`

async function seedsLeft(node: RunningNode): Promise<number> {
  const listed = (await (await node.admin('/api/v1/swarms?limit=1')).json()) as { total: number }
  expect(listed.total).toBeGreaterThan(0)
  const text = await (await node.admin('/metrics')).text()
  return [...text.matchAll(/^siteswarm_peers{site="ams",.*role="seed"} (\d+)$/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  )
}

test('in a table that is full of torrents, a host with 20,000 torrents replaces its own', async () => {
  const node = await aFullNode('torrents: 1000, peersPerSource: 100000')
  expect(await seedsLeft(node)).toBe(900)
  await flood(node, offset(torrents(20_000), 10_000), HOST)
  const left = await seedsLeft(node)
  reportFigure(`20,000 torrents of one host in a full table: ${left} of 900 seeds of other hosts are left`)
  expect(left).toBeGreaterThanOrEqual(895)
})

test('in a table that is full of peers, a host with 20,000 ports replaces its own', async () => {
  const node = await aFullNode('peers: 1000, peersPerSource: 100000')
  await flood(node, ports(20_000), HOST)
  const left = await seedsLeft(node)
  reportFigure(`20,000 ports of one host in a full table: ${left} of 900 seeds of other hosts are left`)
  expect(left).toBeGreaterThanOrEqual(895)
})

function* offset(announces: Iterable<FloodAnnounce>, by: number): Generator<FloodAnnounce> {
  for (const announce of announces) {
    const infoHash = Buffer.from(announce.infoHash)
    infoHash.writeUInt32BE(infoHash.readUInt32BE(8) + by, 8)
    yield { ...announce, infoHash }
  }
}
