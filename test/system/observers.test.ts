/** Observers with real sockets and unmodified clients, each on a loopback address of its own. */
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parseAddress } from '../../src/core/address.ts'
import { systemClock } from '../../src/core/clock.ts'
import { SeededRandom } from '../../src/core/random.ts'
import { dialTcp } from '../../src/observers/client-socket.ts'
import type { Observation } from '../../src/observers/observation.ts'
import type { ClientUpdate } from '../../src/observers/observed-client.ts'
import { Observers } from '../../src/observers/observers.ts'
import { writeBitfield, writeHave } from '../../src/wire/peer/availability.ts'
import { writeHandshake } from '../../src/wire/peer/handshake.ts'
import { aDirectory } from '../a-node.ts'
import {
  aSmallTorrent,
  CLIENT_PORT,
  isListening,
  startAria2,
  startLibtorrent,
  startRtorrent,
  startSeed,
  startSilentHost,
  startTransmission,
} from '../observed-clients.ts'
import { needs } from '../setup/needs.ts'

/** About 15 MB, of which the seed sends 4 MB a second to all clients together. */
const CONTENT_BYTES = 15_990_000
const SEED_BYTES_PER_SECOND = 4_000_000

/** On a busy machine. The exact times are in test/unit/observers; what is not noticed by a probe takes minutes. */
const SOON_MS = 20_000

const kinds = {
  libtorrent: { start: startLibtorrent },
  aria2: { start: startAria2 },
  transmission: { start: startTransmission },
  rtorrent: { start: startRtorrent },
} as const
type Kind = keyof typeof kinds

const INFO_HASH = Buffer.alloc(20, 7)
const HELLO = Buffer.concat([
  writeHandshake(INFO_HASH, Buffer.from('-XX0000-abcdefghijkl')),
  writeBitfield(Buffer.from([0xff, 0])),
])

/** A /24 for this process, because other tests use loopback addresses at the same time. */
const addressOf = (host: number) => `127.77.${process.pid % 256}.${host}`

function aClient(host: number, options: Partial<ClientUpdate> = {}): ClientUpdate {
  const address = parseAddress(addressOf(host))
  if (address === undefined) throw new Error('the address is valid')
  const nowMs = systemClock.nowMs()
  return {
    infoHash: INFO_HASH,
    address,
    port: CLIENT_PORT,
    priority: 'other',
    isAnnouncedComplete: false,
    firstSeenMs: nowMs,
    announcedMs: nowMs,
    pieces: undefined,
    ...options,
  }
}

function startObservers() {
  const history = new Map<string, Observation[]>()
  const observers = new Observers({
    connections: 64,
    clock: systemClock,
    random: new SeededRandom(3),
    dial: dialTcp,
    onObservations: (batch) => {
      for (const observation of batch) {
        const key = observation.address.toString()
        history.set(key, [...(history.get(key) ?? []), observation])
      }
    },
  })
  onTestFinished(() => observers.stop())
  observers.start()
  return {
    observers,
    of: (client: ClientUpdate): readonly Observation[] => history.get(client.address.toString()) ?? [],
    /** Resolves with the duration until an observation of the client has the property. */
    async until(client: ClientUpdate, holds: (observation: Observation) => boolean): Promise<number> {
      const startedMs = performance.now()
      for (;;) {
        const latest = history.get(client.address.toString())?.at(-1)
        if (latest !== undefined && holds(latest)) return performance.now() - startedMs
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
  }
}

describe.skipIf(needs('libtorrent', 'aria2c', 'transmission-daemon', 'rtorrent'))(
  'unmodified clients',
  () => {
    test(
      'are reachable, show their progress and their completion, and are gone when they are killed',
      { timeout: 240_000 },
      async () => {
        const directory = await aDirectory()
        const torrent = await aSmallTorrent(directory, CONTENT_BYTES)
        const seed = startSeed(
          { torrent: torrent.path, directory: torrent.source, address: addressOf(1) },
          SEED_BYTES_PER_SECOND,
        )
        const { observers, of, until } = startObservers()
        const started = await Promise.all(
          Object.entries(kinds).map(async ([kind, { start }], index) => {
            const address = addressOf(2 + index)
            const child = await start({ torrent: torrent.path, directory: join(directory, kind), address })
            const client = aClient(2 + index, {
              infoHash: torrent.infoHash,
            })
            return { kind: kind as Kind, child, client }
          }),
        )
        await Promise.all(started.map(({ client }) => isListening(client.address.toString())))
        for (const { client } of started) {
          observers.update(client)
          seed.serve(client.address.toString())
        }
        await Promise.all(started.map(({ client }) => until(client, ({ isComplete }) => isComplete)))

        for (const { kind, client } of started) {
          const seen = of(client)
          const shares = seen.flatMap(({ share }) => (share === undefined ? [] : [share]))
          expect({ kind, reachable: seen[0]?.reachability }).toEqual({ kind, reachable: 'reachable' })
          // Pieces are never taken back: a client that has not sent its bitfield yet does not count as empty.
          expect({ kind, isSorted: shares.every((share, at) => share >= (shares[at - 1] ?? 0)) }).toEqual({
            kind,
            isSorted: true,
          })
          expect({
            kind,
            steps: new Set(shares.filter((share) => share > 0 && share < 1)).size >= 2,
          }).toEqual({
            kind,
            steps: true,
          })
        }

        for (const { client } of started)
          observers.update({ ...client, priority: 'source', isAnnouncedComplete: true })
        await new Promise((resolve) => setTimeout(resolve, 1_500))
        for (const { child } of started) child.kill('SIGKILL')
        const gone = await Promise.all(started.map(({ client }) => until(client, ({ isGone }) => isGone)))
        for (const [index, { kind }] of started.entries())
          expect({ kind, isInTime: (gone[index] ?? Infinity) <= SOON_MS }).toEqual({ kind, isInTime: true })
      },
    )

    test('that require encryption count as reachable', { timeout: 240_000 }, async () => {
      const directory = await aDirectory()
      const torrent = await aSmallTorrent(directory, 1_000_000)
      await startLibtorrent(
        { torrent: torrent.path, directory: join(directory, 'encrypted'), address: addressOf(20) },
        'encrypted',
      )
      const { observers, of, until } = startObservers()
      const client = aClient(20, { infoHash: torrent.infoHash })
      await isListening(addressOf(20))
      observers.update(client)
      await until(client, ({ reachability }) => reachability === 'reachable')
      await new Promise((resolve) => setTimeout(resolve, 500))
      expect(of(client).at(-1)).toMatchObject({ reachability: 'reachable', share: undefined })
      expect(observers.counters.observations.closed).toBeGreaterThanOrEqual(1)
    })
  },
)

describe('a client on a real socket', () => {
  test('is unreachable at once where its port is closed, and after 250 ms for an announce where it is silent', async () => {
    const { observers, until } = startObservers()
    const closed = aClient(30)
    const startedMs = performance.now()
    expect(await observers.checkReachability(closed, 60_000)).toBe('unreachable')
    expect(performance.now() - startedMs).toBeLessThan(30_000)

    await startSilentHost(addressOf(31), Buffer.alloc(0))
    const silent = aClient(31)
    const askedMs = performance.now()
    expect(await observers.checkReachability(silent, 250)).toBe('unreachable')
    // Without that deadline it is the timeout of a dial, 3.5 s.
    expect(performance.now() - askedMs).toBeLessThan(3_000)
    await until(silent, ({ reachability }) => reachability === 'unreachable')
    expect(observers.counters.observations).toMatchObject({ refused: 1, silent: 1, gone: 0 })
  })

  test('is observed at an IPv6 address', async () => {
    const server = createServer((socket) => socket.on('error', () => {}).write(HELLO))
    await new Promise<void>((resolve) => server.listen(0, '::1', resolve))
    onTestFinished(() => void server.close())
    const address = parseAddress('::1')
    if (address === undefined) throw new Error('the address is valid')
    const { observers, until } = startObservers()
    const client = aClient(1, { address, port: (server.address() as AddressInfo).port, pieces: 16 })
    observers.update(client)
    await until(client, ({ share }) => share === 0.5)
    expect(observers.census()).toEqual({ reachable: 1, unreachable: 0, falseSeeds: 0 })
  })

  test('is gone within seconds after its host has disconnected from the network, though the connection stays established', async () => {
    const host = await startSilentHost(addressOf(40), HELLO)
    const { observers, of, until } = startObservers()
    const client = aClient(40, { priority: 'gateway' })
    observers.update(client)
    await until(client, ({ share }) => share !== undefined)
    host.stdin?.write('cut\n')
    expect(await until(client, ({ isGone }) => isGone)).toBeLessThan(SOON_MS)
    expect(of(client).at(-1)).toMatchObject({ reachability: 'unreachable', isGone: true })
  })

  test('that floods is bounded, and another one is observed meanwhile', { timeout: 240_000 }, async () => {
    const flood = Buffer.concat(new Array<Buffer>(5_000).fill(writeHave(3)))
    let sentBytes = 0
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.write(HELLO)
      const pour = () => {
        while (!socket.destroyed && socket.write(flood)) sentBytes += flood.length
      }
      socket.on('drain', pour)
      pour()
    })
    await new Promise<void>((resolve) => server.listen(0, addressOf(50), resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const { observers, until } = startObservers()
    observers.update(aClient(50, { port, priority: 'source', pieces: 16 }))

    const quiet = createServer((socket) => {
      socket.on('error', () => {})
      socket.write(HELLO)
      setTimeout(() => socket.write(writeHave(8)), 3_000)
    })
    await new Promise<void>((resolve) => quiet.listen(0, addressOf(51), resolve))
    onTestFinished(() => void quiet.close())
    const other = aClient(51, {
      port: (quiet.address() as AddressInfo).port,
      priority: 'gateway',
      pieces: 16,
    })
    observers.update(other)
    await until(other, ({ share }) => share === 9 / 16)
    await new Promise((resolve) => setTimeout(resolve, 5_000))

    expect(observers.counters.observations).toMatchObject({ flooding: 1, violation: 0 })
    expect(observers.counters.bytesRead).toBeLessThan(3_000_000)
    expect(sentBytes).toBeGreaterThan(0)
  })
})
