/**
 * Rates and holds while a torrent is on its way between two sites, with unmodified clients. Orders are given to a node of
 * one site and followed by the other.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { aCountingSeed } from '../a-counting-seed.ts'
import { aDirectory } from '../a-node.ts'
import { aFederation, type FederatedSite } from '../a-federation.ts'
import { until } from '../a-redis.ts'
import { aSmallTorrent, startLibtorrent } from '../observed-clients.ts'
import { needs } from '../setup/needs.ts'

const CONTENT_BYTES = 23_990_000
const SOON_MS = 150_000
const PATIENCE = { timeout: 240_000 }
/** 16 Mbit/s. */
const BYTES_PER_SECOND = 2_000_000

async function post(site: FederatedSite, path: string, body?: string): Promise<void> {
  const response = await site.admin(`/api/v1${path}`, {
    method: 'POST',
    ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
  })
  expect([path, response.status]).toEqual([path, 200])
}

/** Of the only link. */
async function rateAt(node: FederatedSite): Promise<number | null | undefined> {
  const { links } = (await (await node.admin('/api/v1/links')).json()) as {
    links: { rateBytesPerSecond: number | null }[]
  }
  return links[0]?.rateBytesPerSecond
}

/** A registered torrent with its seed in fra, and two leechers in ams. */
async function aRollout() {
  const federation = await aFederation({
    names: ['fra', 'ams'],
    environment: { SITESWARM_OBSERVE_CONNECTIONS: '4096' },
  })
  await federation.connected()
  const [fra, ams] = [federation.site('fra'), federation.site('ams')]
  const directory = await aDirectory()
  const torrent = await aSmallTorrent(directory, CONTENT_BYTES, fra.announceUrl)
  const hash = torrent.infoHash.toString('hex')
  const registered = await fra.admin('/api/v1/torrents', {
    method: 'POST',
    body: new Uint8Array(await readFile(torrent.path)),
    headers: { 'content-type': 'application/x-bittorrent' },
  })
  expect(registered.status).toBe(201)
  await until(SOON_MS, 'the torrent is registered in ams', async () => {
    return (await ams.admin(`/api/v1/torrents/${hash}`)).status === 200
  })
  const inAms = join(directory, 'ams.torrent')
  const written = (await readFile(torrent.path)).toString('latin1')
  const tracker = `d8:announce${ams.announceUrl.length}:${ams.announceUrl}`
  await writeFile(inAms, written.replace(/^d8:announce\d+:[^:]+:[^:]+:\d+\/announce/, tracker), 'latin1')
  await aCountingSeed({ torrent: torrent.path, directory: torrent.source, address: '127.1.1.31' })
  await until(SOON_MS, 'the seed is known in ams', async () => {
    const { status } = await ams.admin(`/api/v1/swarms/${hash}`)
    return status === 200
  })
  // No other test has clients at these addresses.
  const leechers = ['127.2.1.31', '127.2.1.32'].map((address) => ({
    address,
    directory: join(directory, address),
  }))
  const start = async () => {
    for (const leecher of leechers) await startLibtorrent({ torrent: inAms, ...leecher })
  }
  const content = await readFile(join(torrent.source, 'content.bin'))
  const complete = () =>
    until(SOON_MS, 'the clients are complete', async () => {
      for (const leecher of leechers) {
        const file = await readFile(join(leecher.directory, 'content.bin')).catch(() => Buffer.alloc(0))
        if (!file.equals(content)) return false
      }
      return true
    })
  const crossed = () => ams.metric('siteswarm_relayed_bytes_total{site="ams",from="fra"}')
  const crossedBy = (bytes: number) =>
    until(SOON_MS, `${bytes} bytes have crossed`, async () => (await crossed()) >= bytes)
  return { fra, ams, hash, start, complete, crossed, crossedBy }
}

describe.skipIf(needs('libtorrent'))('a rollout between two sites', () => {
  test(
    'keeps the rate that is set at the other site, stops within a second when it is held, and continues',
    PATIENCE,
    async () => {
      const { fra, ams, hash, start, complete, crossed, crossedBy } = await aRollout()
      const isHeldAt = async (node: FederatedSite) => {
        const { sites } = (await (await node.admin(`/api/v1/rollouts/${hash}`)).json()) as {
          sites: { site: string; isHeld: boolean }[]
        }
        return sites.find(({ site }) => site === 'ams')?.isHeld === true
      }
      await post(ams, '/links/ams/fra', '{"rate": "16Mbit"}')
      await until(SOON_MS, 'the other end has the rate', async () => (await rateAt(fra)) === BYTES_PER_SECOND)
      await start()
      await crossedBy(1_000_000)
      const [firstBytes, firstMs] = [await crossed(), performance.now()]
      await pause(5_000)
      const seconds = (performance.now() - firstMs) / 1_000
      const rate = ((await crossed()) - firstBytes) / seconds
      // A reading of the process is up to half a second old.
      expect(rate).toBeLessThan(BYTES_PER_SECOND * 1.25)
      expect(rate).toBeGreaterThan(BYTES_PER_SECOND * 0.5)

      await post(fra, `/rollouts/${hash}/hold?site=ams`)
      for (const site of [fra, ams]) await until(SOON_MS, 'it is held', () => isHeldAt(site))
      await pause(1_500)
      const heldBytes = await crossed()
      await pause(2_000)
      expect(await crossed()).toBe(heldBytes)
      expect(heldBytes).toBeLessThan(CONTENT_BYTES)

      await post(ams, `/rollouts/${hash}/release`)
      await post(fra, '/links/fra/ams', '{"rate": "0Mbit"}')
      await until(SOON_MS, 'the other end has the rate', async () => (await rateAt(ams)) === 0)
      await pause(1_500)
      const stoppedBytes = await crossed()
      await pause(1_500)
      expect(await crossed()).toBe(stoppedBytes)

      await post(fra, '/links/fra/ams', '{"rate": null}')
      await complete()
      // The sum of each rate, hold and stop is one copy.
      await crossedBy(CONTENT_BYTES)
      expect(await crossed()).toBeLessThanOrEqual(CONTENT_BYTES * 1.02)
    },
  )

  test('that is held before it starts does not start, and starts when it is released', PATIENCE, async () => {
    const { fra, ams, hash, start, complete, crossed } = await aRollout()
    await post(fra, `/rollouts/${hash}/hold`)
    await start()
    await pause(4_000)
    expect(await crossed()).toBe(0)
    await post(ams, `/rollouts/${hash}/release`)
    await complete()
  })
})
