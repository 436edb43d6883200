/** A badly run or compromised site of the federation: wrong times, wrong descriptions, an origin of its choice. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGzip } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import {
  COMPLETE,
  LISTED,
  writeHeartbeat,
  writeHello,
  writeRegistered,
  writeRemoved,
} from '../../src/federation/messages.ts'
import { aFederation, type FederatedSite, until } from '../a-federation.ts'
import { aTorrent, AWKWARD_INFO_HASH, PLAIN_INFO_HASH, PLAIN_TORRENT } from '../a-torrent.ts'
import { reportFigure } from './report-figure.ts'

const DAY_MS = 86_400_000
/** Far more than a change takes to the other site. */
const APPLIED_MS = 3_000
const AWKWARD = Buffer.from(AWKWARD_INFO_HASH, 'hex')
const PLAIN = Buffer.from(PLAIN_INFO_HASH, 'hex')

/** A node of the site nyc that sends these messages, and the torrent with this description to a node that asks for it. */
async function aBadSite(messages: () => Buffer[], torrent: Buffer, description: object) {
  let streams = 0
  const server = createServer((request, response) => {
    if (request.url?.includes('/stream') === true) {
      streams++
      response.writeHead(200, { 'content-encoding': 'gzip' })
      const out = createGzip()
      out.pipe(response)
      response.on('close', () => out.destroy())
      out.write(
        Buffer.concat([writeHello('nyc', Date.now(), 'abcdef012345'), ...messages(), LISTED, COMPLETE]),
      )
      // As a node does, once a second: a silent stream is closed.
      const beat = setInterval(() => {
        out.write(writeHeartbeat(Date.now(), 'abcdef012345'))
        out.flush()
      }, 200)
      response.on('close', () => clearInterval(beat))
      return
    }
    const described = Buffer.from(JSON.stringify(description))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(described.length)
    response.end(Buffer.concat([length, described, torrent]))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { site: 'nyc', url, streams: () => streams }
}

async function torrentsOf(site: FederatedSite): Promise<Record<string, unknown>[]> {
  const listed = await (await site.admin('/api/v1/torrents')).json()
  return (listed as { torrents: Record<string, unknown>[] }).torrents
}

const register = (site: FederatedSite, torrent: Buffer) =>
  site.admin('/api/v1/torrents', {
    method: 'POST',
    body: new Uint8Array(torrent),
    headers: { 'content-type': 'application/x-bittorrent' },
  })

test('changes of a site whose clock is a day ahead remove and replace nothing, and are counted', async () => {
  const ahead = Date.now() + DAY_MS
  const replacement = { infoHashes: [PLAIN], registeredAtMs: ahead, name: '', sizeBytes: 0, note: '' }
  const messages = [
    writeRemoved(PLAIN, ahead),
    writeRemoved(PLAIN, 2 ** 48 - 1),
    writeRegistered(replacement),
  ]
  const imposter = await aBadSite(() => messages, PLAIN_TORRENT, {})
  const federation = await aFederation({ imposter })
  const sites = ['fra', 'ams'].map((name) => federation.site(name))
  await until('both sites read the changes', () => imposter.streams() >= 2)
  await sleep(APPLIED_MS)
  await register(federation.site('fra'), PLAIN_TORRENT)
  await sleep(APPLIED_MS)
  const names = await Promise.all(
    sites.map(async (site) => (await torrentsOf(site)).map((each) => each['name'] as string)),
  )
  reportFigure(
    `a removal dated a day ahead: ${names.flat().length} of 2 sites have the torrent that is registered afterwards`,
  )
  expect(names).toEqual([['a.txt'], ['a.txt']])
  for (const site of sites)
    expect(await site.metric('siteswarm_federation_refusals_total{reason="torrent"}')).toBeGreaterThanOrEqual(
      3,
    )
})

test('name, size and origin of another site are not accepted: the torrent is read, the origin is dropped', async () => {
  const registered = { infoHashes: [AWKWARD], registeredAtMs: Date.now(), name: '', sizeBytes: 0, note: '' }
  const note = JSON.stringify({
    infoHashV1: 'x',
    infoHashV2: null,
    isPrivate: false,
    origin: 'http://127.0.0.1:1/',
  })
  const imposter = await aBadSite(() => [writeRegistered(registered)], aTorrent(), {
    name: 'lie',
    sizeBytes: 1,
    registeredAtMs: 1,
    note,
  })
  const federation = await aFederation({ imposter })
  const fra = federation.site('fra')
  await until('fra has the torrent', async () => (await torrentsOf(fra)).length === 1)
  const [torrent] = await torrentsOf(fra)
  expect(torrent).toMatchObject({ name: 't0126238.bin', infoHashV1: AWKWARD_INFO_HASH })
  expect(JSON.stringify(torrent)).not.toContain('127.0.0.1:1/')
})
