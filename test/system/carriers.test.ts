/**
 * Carriers with unmodified clients on loopback addresses of their own. The clients know no peer but those that connect to
 * them, and only the node does. Two sites: the seed is in the first one.
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
import {
  aSmallTorrent,
  CLIENT_PORT,
  isListening,
  startAria2,
  startLibtorrent,
  startRtorrent,
  startTransmission,
} from '../observed-clients.ts'
import { needs } from '../setup/needs.ts'

const CONTENT_BYTES = 15_990_000
const COPIES_MAX = 1.01

const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** A /16 for this process, because other tests use loopback addresses at the same time: one octet for the site. */
const addressOf = (site: number, host: number) => `127.${128 + (process.pid % 100)}.${site}.${host}`

async function geometryOf(path: string): Promise<TorrentGeometry> {
  const torrent = await readFile(path)
  const at = torrent.indexOf('6:pieces') + '6:pieces'.length
  const colon = torrent.indexOf(':', at)
  const length = Number(torrent.toString('latin1', at, colon))
  return new TorrentGeometry({
    totalBytes: CONTENT_BYTES,
    pieceBytes: 65_536,
    hashes: Buffer.from(torrent.subarray(colon + 1, colon + 1 + length)),
  })
}

const kinds = {
  libtorrent: startLibtorrent,
  aria2: startAria2,
  transmission: startTransmission,
  rtorrent: startRtorrent,
}

async function carry(isRegistered: boolean, hosts: readonly (keyof typeof kinds)[]) {
  const directory = await aDirectory()
  const torrent = await aSmallTorrent(directory, CONTENT_BYTES)
  const content = await readFile(join(torrent.source, 'content.bin'))
  const uploaded = await aCountingSeed({
    torrent: torrent.path,
    directory: torrent.source,
    address: addressOf(1, 200),
  })
  const carriers = new Carriers({
    ownSite: '1',
    ownNode: '0000000000000001',
    cacheBytes: 67_108_864,
    clock: systemClock,
    random: new SeededRandom(4),
    dial: dialTcp,
    log,
    onObservations: () => {},
  })
  onTestFinished(() => carriers.stop())
  if (isRegistered) carriers.setGeometry(torrent.infoHash, await geometryOf(torrent.path))
  const update = (site: number, host: number, isAnnouncedComplete: boolean) => {
    const address = parseAddress(addressOf(site, host))
    if (address === undefined) throw new Error('the address is valid')
    const client = { address, port: CLIENT_PORT, isAnnouncedComplete }
    carriers.updateClient({ site: String(site), infoHash: torrent.infoHash }, client)
  }
  const started = [1, 2].flatMap((site) =>
    hosts.map((kind, index) => ({
      kind,
      site,
      host: index + 1,
      directory: join(directory, `${site}-${index}`),
    })),
  )
  await Promise.all(
    started.map(async ({ kind, site, host, directory: own }) => {
      await kinds[kind]({ torrent: torrent.path, directory: own, address: addressOf(site, host) })
      await isListening(addressOf(site, host))
    }),
  )
  carriers.start()
  update(1, 200, true)
  for (const { site, host } of started) update(site, host, false)
  await Promise.all(
    started.map(async ({ directory: own }) => {
      const isComplete = async () =>
        (await readFile(join(own, 'content.bin')).catch(() => Buffer.alloc(0))).equals(content)
      while (!(await isComplete())) await new Promise((resolve) => setTimeout(resolve, 200))
    }),
  )
  return {
    copiesSent: (await uploaded()) / CONTENT_BYTES,
    copiesRelayed: carriers.counters.relayedBytes('2', '1') / CONTENT_BYTES,
  }
}

describe.skipIf(needs('libtorrent', 'aria2c', 'transmission-daemon', 'rtorrent'))(
  'unmodified clients that know no peer but the node',
  () => {
    const mixed = ['libtorrent', 'aria2', 'transmission', 'rtorrent'] as const

    test(
      'complete in both sites, and each block leaves the seed and crosses once',
      { timeout: 240_000 },
      async () => {
        const { copiesSent, copiesRelayed } = await carry(true, mixed)
        expect(copiesSent).toBeGreaterThanOrEqual(1)
        expect(copiesSent).toBeLessThanOrEqual(COPIES_MAX)
        expect(copiesRelayed).toBe(1)
      },
    )

    test('do the same with a torrent that is not registered', { timeout: 240_000 }, async () => {
      const { copiesSent, copiesRelayed } = await carry(false, mixed)
      expect(copiesSent).toBeLessThanOrEqual(COPIES_MAX)
      expect(copiesRelayed).toBeLessThanOrEqual(COPIES_MAX)
    })
  },
)
