/**
 * Program of the process that carries content for a node, so that announces never wait for blocks. When the node ends,
 * the channel closes and this process ends too.
 */
import type { AddressInfo, Server, Socket } from 'node:net'
import { parseAddress } from '../../core/address.ts'
import { systemClock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import { SeededRandom, systemSecret } from '../../core/random.ts'
import { dialFrom } from '../../observers/client-socket.ts'
import type { Observation } from '../../observers/observation.ts'
import { listenForPeers } from '../accepted-socket.ts'
import { Carriers } from '../carriers.ts'
import { NODE_DIGITS } from '../link/frame.ts'
import { LinkDialer } from '../link/link-dialer.ts'
import { openStream } from '../link/stream-socket.ts'
import { TorrentGeometry } from '../torrent-geometry.ts'
import type {
  CarrierArguments,
  CarrierCommand,
  CarrierObservation,
  CarrierReading,
  FromCarriers,
  ToCarriers,
} from './messages.ts'

const READING_MS = 500
/** A node that has sent nothing for this time may have lost its torrents to another node of its site. */
const ALIVE_MS_MAX = 3_000

/** The first message. Arguments and the environment would show the token to other programs of the machine. */
const {
  ownSite,
  cacheBytes,
  credentials: first,
  peers,
  seed,
} = await new Promise<CarrierArguments>((resolve) => {
  process.once('message', (message: CarrierArguments) => resolve(message))
})
const send = (message: FromCarriers) => {
  if (process.connected) process.send?.(message)
}
const write =
  (level: 'debug' | 'info' | 'warn' | 'error'): Log['info'] =>
  (fields, text) =>
    send({ kind: 'log', level, fields, text })
const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }

let sites: readonly string[] = []
let credentials = first
const random = new SeededRandom(seed)
const carriers = new Carriers({
  ownSite,
  ownNode: systemSecret().toString('hex', 0, NODE_DIGITS / 2),
  cacheBytes,
  clock: systemClock,
  random,
  dial: dialFrom(peers?.host),
  log,
  onObservations: (batch) => send({ kind: 'observations', batch: batch.map(toMessage) }),
  onCarriage: (changed, ended) => send({ kind: 'carriage', changed, ended }),
})
const isExpected = (site: string) => sites.includes(site)
const dialer =
  credentials === undefined
    ? undefined
    : new LinkDialer({
        ownSite,
        credentials: () => credentials ?? { token: undefined, pair: undefined },
        random,
        log,
        nowMs: () => systemClock.nowMs(),
        onUpgraded: (site, { stream, head }, onEnd) =>
          carriers.addLink({
            connect: (events) => openStream(stream, head, events),
            isAccepted: false,
            admits: (name) => name === site && isExpected(name),
            onEnd,
          }),
      })

let aliveMs = systemClock.nowMs()
process.on('message', (message: ToCarriers, handle: Socket | undefined) => {
  aliveMs = systemClock.nowMs()
  carriers.setSuspended(false)
  switch (message.kind) {
    case 'commands':
      for (const command of message.commands) execute(command)
      return
    case 'connection':
      if (handle === undefined) return
      handle.setNoDelay(true)
      carriers.addLink({
        connect: (events) => openStream(handle, Buffer.from(message.head), events),
        isAccepted: true,
        admits: (name) => isExpected(name) && (message.site === undefined || message.site === name),
      })
      return
    case 'alive':
      return
    case 'stop':
      process.disconnect()
  }
})
/** Nothing keeps the process alive afterwards. */
process.on('disconnect', () => {
  carriers.stop()
  server?.close()
  clearInterval(timer)
})
// Both reach every process of a terminal. The node decides.
process.on('SIGINT', () => undefined)
process.on('SIGHUP', () => undefined)

carriers.start()
const timer = setInterval(() => {
  dialer?.tick()
  carriers.setSuspended(systemClock.nowMs() - aliveMs >= ALIVE_MS_MAX)
  send({ kind: 'reading', reading: read() })
}, READING_MS)
const server = peers === undefined ? undefined : await listen(peers)
send({ kind: 'ready', peersPort: (server?.address() as AddressInfo | undefined)?.port })

function execute(command: CarrierCommand): void {
  switch (command.kind) {
    case 'client':
    case 'remove': {
      const address = parseAddress(command.address)
      if (address === undefined) return
      const at = { site: command.site, infoHash: Buffer.from(command.infoHash) }
      const client = { address, port: command.port }
      if (command.kind === 'remove') carriers.removeClient(at, client)
      else {
        const { isAnnouncedComplete, leftKib } = command
        carriers.updateClient(at, { ...client, isAnnouncedComplete, leftKib })
      }
      return
    }
    case 'geometry': {
      const { infoHash, hashes, totalBytes, pieceBytes } = command
      const geometry = new TorrentGeometry({ totalBytes, pieceBytes, hashes: Buffer.from(hashes) })
      return carriers.setGeometry(Buffer.from(infoHash), geometry)
    }
    case 'forget':
      return carriers.removeTorrent(Buffer.from(command.infoHash))
    case 'sites': {
      sites = command.sites.map(({ site }) => site)
      const costs = new Map(command.costs.map(([a, b, cost]) => [`${a}\n${b}`, cost]))
      carriers.setCost((a, b) => costs.get(`${a}\n${b}`) ?? costs.get(`${b}\n${a}`) ?? Infinity)
      carriers.isForAllSites = command.isForAllSites
      dialer?.setSites(command.sites, command.hasOwnUrls)
      return carriers.keepLinks(isExpected)
    }
    case 'credentials':
      credentials = command.credentials
      return
    case 'rate':
      return carriers.setRate(command.from, command.to, command.bytesPerSecond)
    case 'hold':
      return carriers.setHold(Buffer.from(command.infoHash), command.site, command.isOnHold)
  }
}

async function listen({
  host,
  port,
}: {
  readonly host: string
  readonly port: number
}): Promise<Server | undefined> {
  try {
    return await listenForPeers(carriers.listener, host, port)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    log.error(
      { event: 'peers-listen-failed', host, port, reason },
      'listen.peers cannot be opened; clients that cannot be dialled receive nothing from this node',
    )
    return undefined
  }
}

function toMessage(observation: Observation): CarrierObservation {
  return { ...observation, address: observation.address.toString() }
}

function read(): CarrierReading {
  const relays = new Map<string, number>()
  for (const { site } of carriers.carried()) relays.set(site, (relays.get(site) ?? 0) + 1)
  const { counters, linkedSites, linkedNodes, cachedBytes } = carriers
  return {
    relays: [...relays],
    relayed: [...counters.relayed()].map(({ to, from, bytes }) => [to, from, bytes] as const),
    linkedSites,
    linkedNodes,
    cachedBytes,
    liars: counters.liars,
    rejectedPeers: carriers.listener.rejected,
    piecesInvalid: counters.piecesInvalid,
    faults: { ...counters.faults },
    observations: { ...counters.observations },
  }
}
