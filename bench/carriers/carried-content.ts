/**
 * Content through the carriers of this process: a relay between two clients of a site, or two sites whose carriers are
 * joined by a connection, plain or TLS. The torrent is registered, so each piece is checked (SHA-1).
 */
import { createHash } from 'node:crypto'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { Carriers } from '../../src/carriers/carriers.ts'
import { openStream } from '../../src/carriers/link/stream-socket.ts'
import { parseAddress } from '../../src/core/address.ts'
import { assert } from '../../src/core/assert.ts'
import { elapsedMs, systemClock } from '../../src/core/clock.ts'
import { SeededRandom } from '../../src/core/random.ts'
import { dialTcp } from '../../src/observers/client-socket.ts'
import { startClients } from './clients.ts'
import { geometryOf, INFO_HASH, PIECE_BYTES } from './content.ts'
import { printRate } from './print-rate.ts'
import type { Certificate } from './references.ts'

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const LOOPBACK = '127.0.0.1'

/** `link`: undefined for a relay. */
export async function carry(
  pieces: number,
  link?: { readonly certificate: Certificate | undefined },
): Promise<void> {
  const clients = await startClients(LOOPBACK, pieces)
  let complete: () => void = () => {}
  const isComplete = new Promise<void>((resolve) => (complete = resolve))
  const start = (site: string) =>
    startNode(site, pieces, (port) => {
      if (port === clients.hostPort) complete()
    })
  const near = start('near')
  const far = link === undefined ? near : start('far')
  if (link !== undefined) await join(near, far, link.certificate)
  const address = parseAddress(LOOPBACK)
  assert(address !== undefined, 'the address is valid')
  const startedMs = elapsedMs()
  const before = process.cpuUsage()
  near.updateClient(
    { site: 'near', infoHash: INFO_HASH },
    { address, port: clients.sourcePort, isAnnouncedComplete: true },
  )
  far.updateClient(
    { site: link === undefined ? 'near' : 'far', infoHash: INFO_HASH },
    { address, port: clients.hostPort, isAnnouncedComplete: false },
  )
  await isComplete
  const { user, system } = process.cpuUsage(before)
  const bytes = pieces * PIECE_BYTES
  printRate({
    name:
      link === undefined
        ? 'a relay'
        : `a carried link${link.certificate === undefined ? '' : ' with TLS'}, both nodes in one process`,
    bitsPerSecond: (bytes * 8) / ((elapsedMs() - startedMs) / 1_000),
    cpuSecondsPerGigabyte: (user + system) / 1e6 / (bytes / 1e9),
  })
  for (const node of new Set([near, far])) node.stop()
  clients.stop()
}

function startNode(ownSite: string, pieces: number, onComplete: (port: number) => void): Carriers {
  const carriers = new Carriers({
    ownSite,
    ownNode: createHash('sha1').update(ownSite).digest('hex').slice(0, 16),
    cacheBytes: 268_435_456,
    clock: systemClock,
    random: new SeededRandom(1),
    dial: dialTcp,
    log,
    onObservations: (batch) => {
      for (const { isComplete, port } of batch) if (isComplete) onComplete(port)
    },
  })
  carriers.setGeometry(INFO_HASH, geometryOf(pieces))
  carriers.start()
  return carriers
}

async function join(near: Carriers, far: Carriers, certificate: Certificate | undefined): Promise<void> {
  const accept = (socket: Socket) =>
    near.addLink({
      connect: (events) => openStream(socket, Buffer.alloc(0), events),
      isAccepted: true,
      admits: () => true,
    })
  const server: Server =
    certificate === undefined
      ? createServer({ noDelay: true }, accept)
      : createTlsServer({ ...certificate, noDelay: true }, accept)
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve))
  const to = { host: LOOPBACK, port: (server.address() as AddressInfo).port, noDelay: true }
  const socket = certificate === undefined ? connect(to) : connectTls({ ...to, rejectUnauthorized: false })
  far.addLink({
    connect: (events) => openStream(socket, Buffer.alloc(0), events),
    isAccepted: false,
    admits: () => true,
  })
  while (near.linkedNodes === 0) await delay(10)
  server.close()
}
