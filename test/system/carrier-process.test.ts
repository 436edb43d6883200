/**
 * Carriers in processes of their own: two nodes, each of another site, joined by an upgraded HTTP connection, with
 * unmodified clients on loopback addresses. Needs the built program.
 */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { acceptUpgrade } from '../../src/carriers/link/upgrade.ts'
import { CarrierProcess } from '../../src/carriers/process/carrier-process.ts'
import type { Log, LogFields } from '../../src/core/log.ts'
import type { Observation } from '../../src/observers/observation.ts'
import { aCountingSeed } from '../a-counting-seed.ts'
import { aDirectory } from '../a-node.ts'
import { aSmallTorrent, CLIENT_PORT, isListening, startLibtorrent } from '../observed-clients.ts'
import { needs } from '../setup/needs.ts'

const PROGRAM = fileURLToPath(new URL('../../dist/carriers/process/carrier-main.js', import.meta.url))
const TOKEN = 'federation-token-of-the-test'
const CONTENT_BYTES = 15_990_000

/** A /16 for this process and test file: one octet for the site. */
const addressOf = (site: string, host: number) =>
  `127.${30 + (process.pid % 90)}.${site === 'ams' ? 1 : 2}.${host}`

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50))
}

/** A node of the site as far as its carriers are concerned: an HTTP listener and the process. */
async function startNode(site: string) {
  const lines: (LogFields & { readonly text: string })[] = []
  const observations: Observation[] = []
  const write = (fields: LogFields, text: string) => void lines.push({ ...fields, text })
  const log: Log = { debug: write, info: write, warn: write, error: write }
  const carrier = new CarrierProcess({
    arguments: {
      ownSite: site,
      cacheBytes: 67_108_864,
      credentials: { token: TOKEN, pair: undefined },
      seed: 3,
    },
    program: PROGRAM,
    log,
    onObservations: (batch) => observations.push(...batch),
    onRunning: () => {},
  })
  const server = createServer((_request, response) => response.writeHead(404).end())
  server.on('upgrade', (request, socket, head) =>
    acceptUpgrade(request, socket, { token: TOKEN, isFederated: true }, () =>
      carrier.takeConnection(socket as Socket, head),
    ),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  carrier.start()
  onTestFinished(async () => {
    await carrier.stop()
    server.closeAllConnections()
    server.close()
  })
  await until(() => carrier.isRunning)
  return {
    site,
    carrier,
    lines,
    observations,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  }
}

async function startTwoNodes() {
  const [ams, fra] = [await startNode('ams'), await startNode('fra')]
  const costs = [['ams', 'fra', 10]] as const
  ams.carrier.command({
    kind: 'sites',
    sites: [{ site: 'fra', urls: [fra.url] }],
    hasOwnUrls: true,
    isForAllSites: false,
    costs,
  })
  fra.carrier.command({
    kind: 'sites',
    sites: [{ site: 'ams', urls: [ams.url] }],
    hasOwnUrls: true,
    isForAllSites: false,
    costs,
  })
  await until(() => fra.carrier.reading?.linkedSites.includes('ams') === true)
  return { ams, fra }
}

describe.skipIf(needs('libtorrent'))('carrier processes of two nodes', () => {
  async function rollOut(bytesPerSecond: number) {
    const directory = await aDirectory()
    const torrent = await aSmallTorrent(directory, CONTENT_BYTES)
    const content = await readFile(join(torrent.source, 'content.bin'))
    const nodes = await startTwoNodes()
    const { infoHash } = torrent
    const uploaded = await aCountingSeed({
      torrent: torrent.path,
      directory: torrent.source,
      address: addressOf('ams', 200),
      bytesPerSecond,
    })
    const bytes = await readFile(torrent.path)
    const at = bytes.indexOf('6:pieces') + '6:pieces'.length
    const colon = bytes.indexOf(':', at)
    const hashes = bytes.subarray(colon + 1, colon + 1 + Number(bytes.toString('latin1', at, colon)))
    const leechers = ['ams', 'fra'].flatMap((site) =>
      [1, 2].map((host) => ({ site: site as 'ams' | 'fra', host, own: join(directory, `${site}-${host}`) })),
    )
    for (const { site, host, own } of leechers) {
      await startLibtorrent({ torrent: torrent.path, directory: own, address: addressOf(site, host) })
      await isListening(addressOf(site, host))
    }
    for (const { carrier } of Object.values(nodes))
      carrier.command({ kind: 'geometry', infoHash, totalBytes: CONTENT_BYTES, pieceBytes: 65_536, hashes })
    const announce = (site: 'ams' | 'fra', host: number, isAnnouncedComplete: boolean) =>
      nodes[site].carrier.command({
        kind: 'client',
        site,
        infoHash,
        address: addressOf(site, host),
        port: CLIENT_PORT,
        isAnnouncedComplete,
      })
    announce('ams', 200, true)
    for (const { site, host } of leechers) announce(site, host, false)
    const isDone = async () => {
      for (const { own } of leechers)
        if (!(await readFile(join(own, 'content.bin')).catch(() => Buffer.alloc(0))).equals(content))
          return false
      return true
    }
    return { ...nodes, copiesSent: async () => (await uploaded()) / CONTENT_BYTES, isDone }
  }

  test(
    'complete the clients of both sites, and each block leaves the seed and crosses once',
    { timeout: 240_000 },
    async () => {
      const { ams, fra, copiesSent, isDone } = await rollOut(0)
      await until(isDone)
      await new Promise((resolve) => setTimeout(resolve, 600))
      expect(await copiesSent()).toBe(1)
      expect(fra.carrier.relayedBytes('fra', 'ams')).toBe(CONTENT_BYTES)
      expect(ams.carrier.relayedBytes('ams', 'fra')).toBe(0)
      expect(new Map(fra.carrier.reading?.relays)).toEqual(new Map([['fra', 1]]))
      await until(() => fra.observations.some(({ isComplete }) => isComplete))
    },
  )

  test('are replaced when one is killed, and the rollout completes', { timeout: 240_000 }, async () => {
    const { ams, fra, copiesSent, isDone } = await rollOut(4_000_000)
    await until(async () => (await copiesSent()) > 0.4)
    process.kill(fra.carrier.processId!, 'SIGKILL')
    await until(() => !fra.carrier.isRunning)
    await until(() => fra.carrier.isRunning)
    await until(isDone)
    expect(fra.carrier.exits).toBe(1)
    expect(fra.lines).toContainEqual(
      expect.objectContaining({ event: 'carrier-process-exited', reason: 'SIGKILL' }),
    )
    expect(ams.carrier.exits).toBe(0)
    expect(await copiesSent()).toBeLessThanOrEqual(1.02)
  })

  test('reject a connection without the token of the federation', { timeout: 240_000 }, async () => {
    const node = await startNode('ams')
    const other = new CarrierProcess({
      arguments: {
        ownSite: 'aaa',
        cacheBytes: 16_777_216,
        credentials: { token: 'another-token', pair: undefined },
        seed: 1,
      },
      program: PROGRAM,
      log: {
        debug: () => {},
        info: () => {},
        warn: (fields) => void node.lines.push({ ...fields, text: '' }),
        error: () => {},
      },
      onObservations: () => {},
      onRunning: () => {},
    })
    onTestFinished(() => other.stop())
    other.start()
    await until(() => other.isRunning)
    other.command({
      kind: 'sites',
      sites: [{ site: 'ams', urls: [node.url] }],
      hasOwnUrls: true,
      isForAllSites: false,
      costs: [],
    })
    await until(() => node.lines.some(({ event }) => event === 'carrier-link-failed'))
    expect(node.lines.find(({ event }) => event === 'carrier-link-failed')).toMatchObject({
      reason: 'response 401 instead of 101',
    })
    expect(node.carrier.reading?.linkedSites ?? []).toEqual([])
  })
})
