/**
 * Unmodified clients that require an encrypted peer protocol, which the node does not speak, in a site whose node carries:
 * they get all pieces from the other clients of their site.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { aCountingSeed } from '../a-counting-seed.ts'
import { aDirectory, aNode } from '../a-node.ts'
import { until } from '../a-redis.ts'
import { aSmallTorrent, startAria2, startLibtorrent } from '../observed-clients.ts'
import { needs } from '../setup/needs.ts'

const CONTENT_BYTES = 7_990_000
const SOON_MS = 150_000

describe.skipIf(needs('libtorrent', 'aria2c'))('clients that require encryption in a carried site', () => {
  test(
    'complete through a neighbour, and each block leaves the seed once',
    { timeout: 240_000 },
    async () => {
      const node = await aNode({ carries: true })
      const directory = await aDirectory()
      const torrent = await aSmallTorrent(directory, CONTENT_BYTES, node.announceUrl)
      const uploaded = await aCountingSeed({
        torrent: torrent.path,
        directory: torrent.source,
        // No other test has clients at these addresses.
        address: '127.1.1.41',
      })
      await until(SOON_MS, 'the seed has announced', async () => {
        const { swarms } = (await (await node.admin('/api/v1/swarms')).json()) as {
          swarms: { seeds: number }[]
        }
        return swarms.some(({ seeds }) => seeds === 1)
      })
      const hostAt = (address: string) => ({
        torrent: torrent.path,
        address,
        directory: join(directory, address),
      })
      const hosts = [hostAt('127.2.1.41'), hostAt('127.2.1.42'), hostAt('127.2.2.43')] as const
      await startLibtorrent(hosts[0])
      await startLibtorrent(hosts[1], 'encrypted')
      await startAria2(hosts[2], 'encrypted')
      const content = await readFile(join(torrent.source, 'content.bin'))
      const isComplete = async ({ directory: own }: { readonly directory: string }) =>
        (await readFile(join(own, 'content.bin')).catch(() => Buffer.alloc(0))).equals(content)
      for (const host of hosts)
        await until(SOON_MS, `${host.address} is complete`, async () => isComplete(host))
      const copies = (await uploaded()) / CONTENT_BYTES
      expect(copies).toBeGreaterThanOrEqual(1)
      expect(copies).toBeLessThanOrEqual(1.02)
    },
  )
})
