/** An object in an S3 store, distributed to the hosts of two sites by the built program and unmodified clients. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { runCommand } from '../a-command-run.ts'
import { aCountingProxy } from '../a-counting-proxy.ts'
import { ask, contentTorrent } from '../a-download-server.ts'
import { aNode, type RunningNode } from '../a-node.ts'
import { aria2, libtorrent } from '../a-real-client.ts'
import { anS3Store } from '../an-s3-store.ts'
import { needs } from '../setup/needs.ts'

const SIZE = 8 * 1024 * 1024

const portOf = (node: RunningNode) => Number(new URL(node.announceUrl).port)

async function metric(node: RunningNode, line: string): Promise<number> {
  const metrics = await (await node.admin('/metrics')).text()
  const found = metrics.split('\n').find((each) => each.startsWith(`${line} `))
  return Number(found?.slice(line.length + 1))
}

async function publish(
  node: RunningNode,
  source: string,
  environment: Readonly<Record<string, string>> = {},
) {
  const run = await runCommand(['publish', source, '--url', node.adminUrl, '--json'], { environment })
  if (run.exitCode !== 0) throw new Error(run.err)
  return (JSON.parse(run.out) as { infoHashV1: string }).infoHashV1
}

/** Fetches the torrent as the host at this address; resolves with the path of the file. */
async function fetchTorrent(node: RunningNode, infoHash: string, address: string): Promise<string> {
  const { status, body } = await ask(portOf(node), `/torrents/${infoHash}.torrent`, { localAddress: address })
  expect(status).toBe(200)
  const path = join(node.directory, `${address}.torrent`)
  await writeFile(path, body)
  return path
}

describe.skipIf(needs('aria2c', 'libtorrent'))(
  'a torrent without a seed, from an object in an S3 store',
  () => {
    test(
      'reaches libtorrent and aria2 clients of two sites for about one copy each, and costs nothing more afterwards',
      { timeout: 240_000 },
      async () => {
        const store = await anS3Store('images')
        onTestFinished(() => store.close())
        const content = randomBytes(SIZE)
        await store.put('debian.img', content)
        const proxy = await aCountingProxy(Number(new URL(store.environment['AWS_ENDPOINT_URL'] ?? '').port))
        const environment = { ...store.environment, AWS_ENDPOINT_URL: `http://127.0.0.1:${proxy.port}` }
        const node = await aNode({
          environment,
          more: 'torrents: { admit: registered, directory: . }\n',
        })
        const infoHash = await publish(node, 's3://images/debian.img', environment)
        proxy.bytes = 0

        // No other test has clients at these addresses.
        const hosts = ['127.1.1.61', '127.1.1.62', '127.1.2.63', '127.2.1.61', '127.2.1.62', '127.2.2.63']
        const download = async (address: string) => {
          const torrent = await fetchTorrent(node, infoHash, address)
          const directory = join(node.directory, address)
          await (address.endsWith('2') ? aria2 : libtorrent)({ torrent, directory, address })
          return { address, isSame: content.equals(readFileSync(join(directory, 'debian.img'))) }
        }
        const downloaded = await Promise.all(hosts.map(download))
        expect(downloaded).toEqual(hosts.map((address) => ({ address, isSame: true })))

        for (const site of ['fra', 'ams'])
          expect(await metric(node, `siteswarm_origin_bytes_total{site="${site}"}`)).toBeLessThanOrEqual(
            1.1 * SIZE,
          )
        // Bytes that the store has sent, including headers and listings.
        expect(proxy.bytes).toBeLessThanOrEqual(2 * 1.1 * SIZE)

        const sent = proxy.bytes
        const newcomers = ['127.1.1.69', '127.2.1.69']
        for (const address of newcomers) {
          const asked = await ask(portOf(node), `/webseed/${infoHash}/debian.img`, { localAddress: address })
          expect({ address, status: asked.status, retry: asked.headers['retry-after'] }).toEqual({
            address,
            status: 503,
            retry: '600',
          })
          const torrent = await readFile(await fetchTorrent(node, infoHash, address), 'latin1')
          expect(torrent).not.toContain('url-list')
        }
        expect(await Promise.all(newcomers.map(download))).toEqual(
          newcomers.map((address) => ({ address, isSame: true })),
        )
        expect(proxy.bytes).toBe(sent)
        // Clients announce their completion with a delay.
        await expect
          .poll(() => metric(node, 'siteswarm_origin_saved_bytes_total{site="fra"}'), { timeout: 30_000 })
          .toBeGreaterThanOrEqual(2 * SIZE)
      },
    )
  },
)

describe('a registered torrent', () => {
  test('has the trackers of the site of each address, and is refused to an address without a site', async () => {
    const node = await aNode()
    const port = portOf(node)
    const trackers = ['http://t.fra.example:6969/announce', 'http://t.ams.example:6969/announce'] as const
    const site = (name: string, number: number, tracker: string) =>
      `  ${name}: { cidrs: [127.${number}.0.0/16], trackers: ["${tracker}"] }\n`
    const topology = `sites:\n${site('fra', 1, trackers[0])}${site('ams', 2, trackers[1])}`
    const use = async (more: string) => {
      await writeFile(node.topologyPath, `${topology}${more}`)
      expect((await node.admin('/api/v1/reload', { method: 'POST' })).status).toBe(200)
    }
    await use('')
    await mkdir(join(node.directory, 'content'))
    await writeFile(join(node.directory, 'content', 'a.bin'), randomBytes(40_000))
    const infoHash = await publish(node, join(node.directory, 'content', 'a.bin'))
    const asked = async (address: string, query = '') => {
      const { status, body } = await ask(port, `/torrents/${infoHash}.torrent${query}`, {
        localAddress: address,
      })
      return { status, announce: /^d8:announce\d+:(\S+?\/announce)/.exec(body.toString('latin1'))?.[1] }
    }
    expect(await asked('127.1.0.5')).toEqual({ status: 200, announce: trackers[0] })
    expect(await asked('127.2.0.5')).toEqual({ status: 200, announce: trackers[1] })
    expect(await asked('127.1.0.5', '?site=ams')).toEqual({ status: 200, announce: trackers[1] })
    expect(await asked('127.7.0.5')).toEqual({ status: 403, announce: undefined })
    await use('unmapped: ams\n')
    expect(await asked('127.7.0.5')).toEqual({ status: 200, announce: trackers[1] })
    await use('unmapped: isolate\nfallback: { trackers: ["http://t0.example:6969/announce"] }\n')
    expect(await asked('127.7.0.5')).toEqual({ status: 200, announce: 'http://t0.example:6969/announce' })
  })

  test('is the only torrent that a node with admit: registered accepts, by both infohashes of a hybrid one', async () => {
    const node = await aNode({ more: 'torrents: { admit: registered, directory: . }\n' })
    const announce = (infoHash: string) =>
      ask(
        portOf(node),
        `/announce?info_hash=${infoHash.replaceAll(/../g, '%$&')}&peer_id=-XX0000-000000000000&port=6881&left=1`,
        { localAddress: '127.1.1.1' },
      ).then(({ body }) => body.toString('latin1'))
    const body = contentTorrent(randomBytes(40_000), 'a.bin')
    const registered = await node.admin('/api/v1/torrents', {
      method: 'POST',
      body: new Uint8Array(body),
      headers: { 'content-type': 'application/x-bittorrent' },
    })
    const { infoHashV1 } = (await registered.json()) as { infoHashV1: string }
    expect(await announce(infoHashV1)).toContain('5:peers')
    expect(await announce('ab'.repeat(20))).toContain('this tracker does not serve that torrent')
    await node.admin(`/api/v1/torrents/${infoHashV1}`, { method: 'DELETE' })
    expect(await announce(infoHashV1)).toContain('this tracker does not serve that torrent')

    const source = join(node.directory, 'b.bin')
    await writeFile(source, randomBytes(40_000))
    const run = await runCommand(['publish', source, '--hybrid', '--url', node.adminUrl, '--json'])
    const hybrid = JSON.parse(run.out) as { infoHashV1: string; infoHashV2: string }
    expect(await announce(hybrid.infoHashV1)).toContain('5:peers')
    expect(await announce(hybrid.infoHashV2.slice(0, 40))).toContain('5:peers')
  })
})
