/**
 * Unmodified clients that the node cannot dial: it knows a closed port of each. They receive the endpoint of `listen.peers`
 * from a tracker and connect to the node.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { listenForPeers } from '../../src/carriers/accepted-socket.ts'
import { Carriers } from '../../src/carriers/carriers.ts'
import { parseAddress } from '../../src/core/address.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { Log } from '../../src/core/log.ts'
import { SeededRandom } from '../../src/core/random.ts'
import { dialFrom } from '../../src/observers/client-socket.ts'
import { aCountingSeed } from '../a-counting-seed.ts'
import { aDirectory } from '../a-node.ts'
import {
  aSmallTorrent,
  CLIENT_PORT,
  isListening,
  startAria2,
  startLibtorrent,
  startRtorrent,
} from '../observed-clients.ts'
import { needs } from '../setup/needs.ts'

const CONTENT_BYTES = 7_990_000
const CLOSED_PORT = 9

const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** A /24 for this process, because other tests use loopback addresses at the same time. */
const addressOf = (host: number) => `127.${128 + (process.pid % 100)}.77.${host}`

/** Transmission does not dial loopback addresses. */
const kinds = [startLibtorrent, startAria2, startRtorrent]

/** A tracker that answers each announce with one peer. Returns its URL. */
async function aTrackerOfOnePeer(host: string, port: number): Promise<string> {
  const peer = Buffer.from([...host.split('.').map(Number), port >> 8, port & 0xff])
  const reply = Buffer.concat([Buffer.from('d8:intervali5e5:peers6:'), peer, Buffer.from('e')])
  const server = createServer((_request, response) => response.end(reply))
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/announce`
}

/** Writes the torrent with another tracker. Returns its path. */
async function withTracker(path: string, url: string): Promise<string> {
  const before = await readFile(path, 'latin1')
  const after = `${path}.closed.torrent`
  await writeFile(after, before.replace('27:http://127.0.0.1:9/announce', `${url.length}:${url}`), 'latin1')
  return after
}

describe.skipIf(needs('libtorrent', 'aria2c', 'rtorrent'))('clients with a closed port', () => {
  test(
    'connect to the node and complete, and each block leaves the seed once',
    { timeout: 240_000 },
    async () => {
      const directory = await aDirectory()
      const torrent = await aSmallTorrent(directory, CONTENT_BYTES)
      const uploaded = await aCountingSeed({
        torrent: torrent.path,
        directory: torrent.source,
        address: addressOf(200),
      })
      const reachable = new Set<string>()
      const carriers = new Carriers({
        ownSite: '1',
        ownNode: '0000000000000001',
        cacheBytes: 67_108_864,
        clock: systemClock,
        random: new SeededRandom(4),
        dial: dialFrom(addressOf(250)),
        log,
        onObservations: (batch) => {
          for (const { address, reachability } of batch)
            if (reachability === 'reachable') reachable.add(address.toString())
        },
      })
      const server = await listenForPeers(carriers.listener, addressOf(250), 0)
      onTestFinished(() => {
        carriers.stop()
        server.close()
      })
      const { port } = server.address() as AddressInfo
      const announced = await withTracker(torrent.path, await aTrackerOfOnePeer(addressOf(250), port))
      const announce = (host: number, clientPort: number, isAnnouncedComplete: boolean) => {
        const address = parseAddress(addressOf(host))
        if (address === undefined) throw new Error('the address is valid')
        const client = { address, port: clientPort, isAnnouncedComplete }
        carriers.updateClient({ site: '1', infoHash: torrent.infoHash }, client)
      }
      carriers.start()
      announce(200, CLIENT_PORT, true)
      for (const host of kinds.keys()) announce(host + 1, CLOSED_PORT, false)
      const content = await readFile(join(torrent.source, 'content.bin'))
      await Promise.all(
        kinds.map(async (start, at) => {
          const own = join(directory, String(at))
          await start({ torrent: announced, directory: own, address: addressOf(at + 1) })
          await isListening(addressOf(at + 1))
          const isComplete = async () =>
            (await readFile(join(own, 'content.bin')).catch(() => Buffer.alloc(0))).equals(content)
          while (!(await isComplete())) await new Promise((resolve) => setTimeout(resolve, 200))
        }),
      )
      expect((await uploaded()) / CONTENT_BYTES).toBeLessThanOrEqual(1.01)
      expect([...reachable]).toEqual([addressOf(200)])
    },
  )
})
