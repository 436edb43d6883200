/** A malicious site, or a stolen token: rejected with a reason, without an effect on other sites. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { createGzip, type Gzip } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { parseAddress, type Address } from '../../src/core/address.ts'
import { COMPLETE, writeBatch, writeHeartbeat, writeHello } from '../../src/federation/messages.ts'
import { BatchWriter } from '../../src/replication/record-codec.ts'
import { announceFrom } from '../a-node.ts'
import {
  aFederation,
  type FederatedSite,
  FEDERATION_TOKEN,
  type TestFederation,
  until,
} from '../a-federation.ts'

const HASH = '0123456789ab'

/** Far above the need of a node with some torrents, far below the bytes that are sent. */
const MEMORY_BYTES_MAX = 400e6
/** Slightly more than the limit. */
const SUBSCRIBERS = 1_010
/** A quarter of a megabyte for each of a thousand. */
const SUBSCRIBERS_MEMORY_BYTES_MAX = MEMORY_BYTES_MAX + 256e6

/** Two good sites, and an imposter at the URL of the third, which `send` writes the stream of. */
async function besideAnImposter(
  send: (out: Gzip, isOpen: () => boolean) => Promise<void> | void,
): Promise<TestFederation> {
  const server: Server = createServer((_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, { 'content-encoding': 'gzip' })
    const out = createGzip({ level: 1 })
    out.on('error', () => {})
    out.pipe(response)
    let isOpen = true
    response.on('close', () => {
      isOpen = false
      out.destroy()
    })
    void send(out, () => isOpen)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return aFederation({
    imposter: { site: 'nyc', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
  })
}

const refused = (site: FederatedSite, reason: string) =>
  site.metric(`siteswarm_federation_refusals_total{reason="${reason}"}`)

async function goodSitesWork(federation: TestFederation): Promise<void> {
  const [fra, ams] = [federation.site('fra'), federation.site('ams')]
  await until(
    'fra is connected to ams',
    async () => (await fra.metric('siteswarm_federation_up{remote="ams"}')) === 1,
  )
  await announceFrom(fra, '127.1.1.1', { left: 0 })
  await until('ams counts the seed of fra', async () =>
    (await announceFrom(ams, '127.2.1.9', { event: 'stopped', port: 1 })).includes('8:completei1e'),
  )
}

async function flush(out: Gzip): Promise<void> {
  await new Promise<void>((resolve) => out.flush(() => resolve()))
}

async function writeAll(out: Gzip, bytes: Buffer): Promise<void> {
  if (out.write(bytes)) return
  await new Promise<void>((resolve) => {
    const done = () => {
      out.off('drain', done).off('close', done)
      resolve()
    }
    out.once('drain', done).once('close', done)
  })
}

function aBatch(torrent: number, ips: readonly string[]): Buffer {
  const infoHash = Buffer.alloc(20)
  infoHash.writeUInt32BE(torrent)
  const writer = new BatchWriter(Buffer.alloc(8))
  writer.siteCounts({ infoHash, seeds: ips.length, leechers: 0, partial: 0, leftKib: 0, downloaded: 0 })
  for (const [index, ip] of ips.entries())
    writer.peer({
      infoHash,
      address: parseAddress(ip) as Address,
      port: 6881,
      identity: index,
      role: 'seed',
      leftKib: 0,
      downloadedKib: 0,
      lastSeenMs: Date.now(),
      lifetimeSeconds: 3_600,
      stalls: 0,
      isUnverifiedSeed: false,
      isVerifiedSeed: false,
      isUnreachable: false,
      isSlowToForward: false,
      clientCode: undefined,
    })
  const batch = writer.take(Date.now())
  return writeBatch(batch)
}

const manyOf = (site: number) =>
  Array.from({ length: 1_000 }, (_, host) => `127.${site}.${host >> 8}.${host & 255}`)

test('a node that belongs to another site is disconnected', async () => {
  const federation = await besideAnImposter(async (out) => {
    out.write(writeHello('ams', Date.now(), HASH))
    await flush(out)
  })
  const fra = federation.site('fra')
  await until('it is counted', async () => (await refused(fra, 'site')) > 0)
  await goodSitesWork(federation)
  expect(await fra.metric('siteswarm_federation_up{remote="nyc"}')).toBe(0)
})

test('a node with a protocol version far from ours is disconnected', async () => {
  const federation = await besideAnImposter(async (out) => {
    const hello = writeHello('nyc', Date.now(), HASH)
    hello.writeUInt8(9, 5)
    out.write(hello)
    await flush(out)
  })
  await until('it is counted', async () => (await refused(federation.site('fra'), 'version')) > 0)
  await goodSitesWork(federation)
  expect(await federation.site('fra').metric('siteswarm_federation_up{remote="nyc"}')).toBe(0)
})

test('a message above the size limit ends the stream', async () => {
  const federation = await besideAnImposter(async (out) => {
    const head = Buffer.alloc(5, 255)
    out.write(Buffer.concat([writeHello('nyc', Date.now(), HASH), head]))
    await flush(out)
  })
  await until('it is counted', async () => (await refused(federation.site('fra'), 'size')) > 0)
  await goodSitesWork(federation)
  expect(await federation.site('fra').metric('siteswarm_federation_up{remote="nyc"}')).toBe(0)
})

test('a malformed message or batch ends the stream', async () => {
  const federation = await besideAnImposter(async (out) => {
    const malformed = Buffer.alloc(20_000, 'malformed')
    out.write(Buffer.concat([writeHello('nyc', Date.now(), HASH), writeBatch(malformed)]))
    await flush(out)
  })
  const fra = federation.site('fra')
  await until('it is counted', async () => (await refused(fra, 'garbage')) > 0)
  await goodSitesWork(federation)
  expect(await fra.metric('siteswarm_federation_up{remote="nyc"}')).toBe(0)
})

test('a URL that does not lead to a node is requested once a minute', async () => {
  const server = createServer((_request, response) => response.end('<html>Welcome!</html>'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const federation = await aFederation({ imposter: { site: 'nyc', url } })
  const fra = federation.site('fra')
  await until('it is counted', async () => (await refused(fra, 'garbage')) > 0)
  await goodSitesWork(federation)
  expect(await refused(fra, 'garbage')).toBe(1)
})

test('more than a thousand subscribers are rejected', async () => {
  const federation = await aFederation({ names: ['fra', 'ams'] })
  const fra = federation.site('fra')
  await federation.connected()
  const sockets: Socket[] = []
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (let subscriber = 0; subscriber < SUBSCRIBERS; subscriber++) {
    const socket = connect(Number(new URL(fra.adminUrl).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(
      `GET /federation/v1/stream?site=ams HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${FEDERATION_TOKEN}\r\n\r\n`,
    )
    sockets.push(socket)
  }
  await until('it is counted', async () => (await refused(fra, 'streams')) > 0)
  await goodSitesWork(federation)
  expect(await fra.metric('process_resident_memory_bytes')).toBeLessThan(SUBSCRIBERS_MEMORY_BYTES_MAX)
})

test('a million advertised peers, and peers of other sites, are rejected', async () => {
  const federation = await besideAnImposter(async (out, isOpen) => {
    await writeAll(out, writeHello('nyc', Date.now(), HASH))
    for (let torrent = 0; torrent < 1_000 && isOpen(); torrent++)
      await writeAll(out, aBatch(torrent, manyOf(torrent % 2 === 0 ? 3 : 1)))
  })
  const fra = federation.site('fra')
  await until(
    'it is counted',
    async () => (await refused(fra, 'contacts')) > 0 && (await refused(fra, 'address')) > 0,
  )
  await goodSitesWork(federation)
  expect(await fra.metric('process_resident_memory_bytes')).toBeLessThan(MEMORY_BYTES_MAX)
})

test('a stream without pauses does not delay the updates of other sites', async () => {
  const beats = Buffer.concat(Array.from({ length: 5_000 }, () => writeHeartbeat(Date.now(), HASH)))
  let sentBytes = 0
  const federation = await besideAnImposter(async (out, isOpen) => {
    await writeAll(out, Buffer.concat([writeHello('nyc', Date.now(), HASH), COMPLETE]))
    while (isOpen()) {
      await writeAll(out, beats)
      sentBytes += beats.length
    }
  })
  await goodSitesWork(federation)
  await until('much was sent', () => sentBytes > 5e6)
  await goodSitesWork(federation)
  expect(await federation.site('fra').metric('process_resident_memory_bytes')).toBeLessThan(MEMORY_BYTES_MAX)
})

test('a subscriber that never reads costs little memory, and the others receive updates', async () => {
  const federation = await aFederation({ names: ['fra', 'ams'] })
  const fra = federation.site('fra')
  const { port } = new URL(fra.adminUrl)
  for (let subscriber = 0; subscriber < 20; subscriber++) {
    const socket = connect(Number(port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.pause()
    socket.write(
      `GET /federation/v1/stream?site=ams HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${FEDERATION_TOKEN}\r\n\r\n`,
    )
  }
  await goodSitesWork(federation)
  expect(await fra.metric('process_resident_memory_bytes')).toBeLessThan(MEMORY_BYTES_MAX)
})
