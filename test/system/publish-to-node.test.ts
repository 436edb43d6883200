/** Tests `publish` with a running node: each site gets the torrent with its own trackers. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { readMetainfo } from '../../src/metainfo/metainfo.ts'
import { summarize } from '../../src/metainfo/summary.ts'
import { aDirectory, aNode } from '../a-node.ts'
import { runCommand } from '../a-command-run.ts'

test('a published torrent is registered, and served with the trackers of each site', async () => {
  const node = await aNode()
  const content = join(await aDirectory(), 'image.bin')
  await writeFile(content, Buffer.alloc(1_000_000, 'x'))
  const run = await runCommand(['publish', content, '--url', node.adminUrl, '--json'])
  expect(run).toMatchObject({ exitCode: 0, err: '' })
  const published = JSON.parse(run.out) as {
    readonly infoHashV1: string
    readonly sites: readonly { readonly site: string; readonly torrentUrl: string }[]
  }
  expect(published.sites.map(({ site }) => site)).toEqual(expect.arrayContaining(['fra', 'ams', 'nyc']))

  const listed = (await (await node.admin('/api/v1/torrents')).json()) as { torrents: unknown[] }
  expect(listed.torrents).toMatchObject([
    { infoHashV1: published.infoHashV1, name: 'image.bin', sizeBytes: 1_000_000 },
  ])
  const ams = published.sites.find(({ site }) => site === 'ams')
  const metainfo = readMetainfo(await fetchFrom('127.2.1.1', ams?.torrentUrl ?? ''), 'served')
  expect(metainfo.infoHashV1?.toString('hex')).toBe(published.infoHashV1)
  expect(summarize(metainfo).tiers).toEqual([[node.announceUrl]])
})

/** The node determines the site of a client by its address. */
async function fetchFrom(localAddress: string, url: string): Promise<Buffer> {
  const [response] = (await once(get(url, { localAddress }), 'response')) as [IncomingMessage]
  return buffer(response)
}
