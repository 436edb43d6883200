/** A site that means ill, or whose token was stolen: turned away with a reason, and nobody else notices. */
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

/** Far above what a node with some torrents needs, far below what was sent. */
const MEMORY_BYTES_MAX = 400e6
/** Some more than are served. */
const READERS = 1_010
/** A quarter of a megabyte for each of a thousand. */
const READERS_MEMORY_BYTES_MAX = MEMORY_BYTES_MAX + 256e6

/** Two good sites, and a third whose URL leads to whatever `send` writes to whoever follows it. */
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

async function goodLinkWorks(federation: TestFederation): Promise<void> {
  const [fra, ams] = [federation.site('fra'), federation.site('ams')]
  await until('fra hears ams', async () => (await fra.metric('siteswarm_federation_up{remote="ams"}')) === 1)
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
    })
  const batch = writer.take(Date.now())
  return writeBatch(batch)
}

const manyOf = (site: number) =>
  Array.from({ length: 1_000 }, (_, host) => `127.${site}.${host >> 8}.${host & 255}`)

test('a node that says that it is of another site is left alone', async () => {
  const federation = await besideAnImposter(async (out) => {
    out.write(writeHello('ams', Date.now()))
    await flush(out)
  })
  const fra = federation.site('fra')
  await until('it is counted', async () => (await refused(fra, 'site')) > 0)
  await goodLinkWorks(federation)
  expect(await fra.metric('siteswarm_federation_up{remote="nyc"}')).toBe(0)
})

test('a node that speaks a version far from ours is left alone', async () => {
  const federation = await besideAnImposter(async (out) => {
    const hello = writeHello('nyc', Date.now())
    hello.writeUInt8(9, 5)
    out.write(hello)
    await flush(out)
  })
  await until('it is counted', async () => (await refused(federation.site('fra'), 'version')) > 0)
  await goodLinkWorks(federation)
  expect(await federation.site('fra').metric('siteswarm_federation_up{remote="nyc"}')).toBe(0)
})

test('a message without end is not waited for', async () => {
  const federation = await besideAnImposter(async (out) => {
    const head = Buffer.alloc(5, 255)
    out.write(Buffer.concat([writeHello('nyc', Date.now()), head]))
    await flush(out)
  })
  await until('it is counted', async () => (await refused(federation.site('fra'), 'size')) > 0)
  await goodLinkWorks(federation)
  expect(await federation.site('fra').metric('siteswarm_federation_up{remote="nyc"}')).toBe(0)
})

test('what is no message, or no batch, ends the stream', async () => {
  const federation = await besideAnImposter(async (out) => {
    const garbage = Buffer.alloc(20_000, 'garbage')
    out.write(Buffer.concat([writeHello('nyc', Date.now()), writeBatch(garbage)]))
    await flush(out)
  })
  const fra = federation.site('fra')
  await until('it is counted', async () => (await refused(fra, 'garbage')) > 0)
  await goodLinkWorks(federation)
  expect(await fra.metric('siteswarm_federation_up{remote="nyc"}')).toBe(0)
})

test('a URL that leads to something else is asked once a minute', async () => {
  const server = createServer((_request, response) => response.end('<html>Welcome!</html>'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const federation = await aFederation({ imposter: { site: 'nyc', url } })
  const fra = federation.site('fra')
  await until('it is counted', async () => (await refused(fra, 'garbage')) > 0)
  await goodLinkWorks(federation)
  expect(await refused(fra, 'garbage')).toBe(1)
})

test('a thousand readers are enough', async () => {
  const federation = await aFederation({ names: ['fra', 'ams'] })
  const fra = federation.site('fra')
  await federation.whole()
  const sockets: Socket[] = []
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (let reader = 0; reader < READERS; reader++) {
    const socket = connect(Number(new URL(fra.adminUrl).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(
      `GET /federation/v1/stream?site=ams HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${FEDERATION_TOKEN}\r\n\r\n`,
    )
    sockets.push(socket)
  }
  await until('it is counted', async () => (await refused(fra, 'streams')) > 0)
  await goodLinkWorks(federation)
  expect(await fra.metric('process_resident_memory_bytes')).toBeLessThan(READERS_MEMORY_BYTES_MAX)
})

test('a million contacts, and the peers of other sites, are not believed', async () => {
  const federation = await besideAnImposter(async (out, isOpen) => {
    await writeAll(out, writeHello('nyc', Date.now()))
    for (let torrent = 0; torrent < 1_000 && isOpen(); torrent++)
      await writeAll(out, aBatch(torrent, manyOf(torrent % 2 === 0 ? 3 : 1)))
  })
  const fra = federation.site('fra')
  await until(
    'it is counted',
    async () => (await refused(fra, 'contacts')) > 0 && (await refused(fra, 'address')) > 0,
  )
  await goodLinkWorks(federation)
  expect(await fra.metric('process_resident_memory_bytes')).toBeLessThan(MEMORY_BYTES_MAX)
})

test('a stream that never pauses does not keep the others from being heard', async () => {
  const beats = Buffer.concat(Array.from({ length: 5_000 }, () => writeHeartbeat(Date.now())))
  let sentBytes = 0
  const federation = await besideAnImposter(async (out, isOpen) => {
    await writeAll(out, Buffer.concat([writeHello('nyc', Date.now()), COMPLETE]))
    while (isOpen()) {
      await writeAll(out, beats)
      sentBytes += beats.length
    }
  })
  await goodLinkWorks(federation)
  await until('much was sent', () => sentBytes > 5e6)
  await goodLinkWorks(federation)
  expect(await federation.site('fra').metric('process_resident_memory_bytes')).toBeLessThan(MEMORY_BYTES_MAX)
})

test('a reader that never reads costs little, and the others are told', async () => {
  const federation = await aFederation({ names: ['fra', 'ams'] })
  const fra = federation.site('fra')
  const { port } = new URL(fra.adminUrl)
  for (let reader = 0; reader < 20; reader++) {
    const socket = connect(Number(port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.pause()
    socket.write(
      `GET /federation/v1/stream?site=ams HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${FEDERATION_TOKEN}\r\n\r\n`,
    )
  }
  await goodLinkWorks(federation)
  expect(await fra.metric('process_resident_memory_bytes')).toBeLessThan(MEMORY_BYTES_MAX)
})
