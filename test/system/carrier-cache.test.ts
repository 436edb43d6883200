/**
 * A torrent larger than the cache of its carriers, with unmodified clients on loopback addresses of their own: three hosts
 * in each of two sites that exchange pieces at their own pace. The blocks that the cache has lost come from hosts.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Carriers } from '../../src/carriers/carriers.ts'
import { TorrentGeometry } from '../../src/carriers/torrent-geometry.ts'
import { parseAddress } from '../../src/core/address.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { Log } from '../../src/core/log.ts'
import { SeededRandom } from '../../src/core/random.ts'
import { dialTcp } from '../../src/observers/client-socket.ts'
import { aCountingSeed } from '../a-counting-seed.ts'
import { aDirectory } from '../a-node.ts'
import { aSmallTorrent, CLIENT_PORT, isListening, startLibtorrent } from '../observed-clients.ts'
import { needs } from '../setup/needs.ts'

const MIB = 1_048_576
const PIECE_BYTES = 65_536
const HOSTS = 3

const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** A /16 for this process, because other tests use loopback addresses at the same time: one octet for the site. */
const addressOf = (site: number, host: number) => `127.${20 + (process.pid % 100)}.${20 + site}.${host}`

async function geometryOf(path: string, totalBytes: number): Promise<TorrentGeometry> {
  const torrent = await readFile(path)
  const at = torrent.indexOf('6:pieces') + '6:pieces'.length
  const colon = torrent.indexOf(':', at)
  const length = Number(torrent.toString('latin1', at, colon))
  const hashes = Buffer.from(torrent.subarray(colon + 1, colon + 1 + length))
  return new TorrentGeometry({ totalBytes, pieceBytes: PIECE_BYTES, hashes })
}

/** Both sites in one process, each with `HOSTS` clients; the seed is in the first site. */
async function carry(contentBytes: number, cacheBytes: number) {
  const directory = await aDirectory()
  const torrent = await aSmallTorrent(directory, contentBytes)
  const uploaded = await aCountingSeed({
    torrent: torrent.path,
    directory: torrent.source,
    address: addressOf(1, 200),
  })
  const complete = new Set<string>()
  let cachedBytesMax = 0
  const carriers = new Carriers({
    ownSite: '1',
    ownNode: '0000000000000001',
    cacheBytes,
    clock: systemClock,
    random: new SeededRandom(4),
    dial: dialTcp,
    log,
    onObservations: (batch) => {
      cachedBytesMax = Math.max(cachedBytesMax, carriers.cachedBytes)
      for (const { address, isComplete } of batch) if (isComplete) complete.add(address.toString())
    },
  })
  onTestFinished(() => carriers.stop())
  carriers.setGeometry(torrent.infoHash, await geometryOf(torrent.path, contentBytes))
  const hosts = [1, 2].flatMap((site) =>
    Array.from({ length: HOSTS }, (_, host) => ({ site, host: host + 1 })),
  )
  for (const { site, host } of hosts) {
    const own = join(directory, `${site}-${host}`)
    await startLibtorrent({ torrent: torrent.path, directory: own, address: addressOf(site, host) })
    await isListening(addressOf(site, host))
  }
  carriers.start()
  const announce = (site: number, host: number, isAnnouncedComplete: boolean) => {
    const address = parseAddress(addressOf(site, host))
    if (address === undefined) throw new Error('the address is valid')
    const client = { address, port: CLIENT_PORT, isAnnouncedComplete }
    carriers.updateClient({ site: String(site), infoHash: torrent.infoHash }, client)
  }
  announce(1, 200, true)
  for (const { site, host } of hosts) announce(site, host, false)
  // The seed is the seventh.
  while (complete.size <= hosts.length) await new Promise((resolve) => setTimeout(resolve, 100))
  const content = await readFile(join(torrent.source, 'content.bin'))
  for (const { site, host } of hosts) {
    const received = await readFile(join(directory, `${site}-${host}`, 'content.bin'))
    expect(received.equals(content)).toBe(true)
  }
  return {
    copiesSent: (await uploaded()) / contentBytes,
    copiesRelayed: carriers.counters.relayedBytes('2', '1') / contentBytes,
    copiesBack: carriers.counters.relayedBytes('1', '2') / contentBytes,
    cachedBytesMax,
  }
}

describe.skipIf(needs('libtorrent'))('a torrent that is larger than the cache', () => {
  test(
    'leaves the seed once and enters the other site once, and the memory stays within its limit',
    { timeout: 240_000 },
    async () => {
      const { copiesSent, copiesRelayed, copiesBack, cachedBytesMax } = await carry(48 * MIB, 8 * MIB)
      expect(copiesSent).toBeLessThanOrEqual(1.005)
      expect(copiesRelayed).toBeLessThanOrEqual(1.005)
      expect(copiesBack).toBe(0)
      expect(cachedBytesMax).toBeLessThanOrEqual(8 * MIB)
    },
  )
})
