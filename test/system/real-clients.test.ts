/**
 * Unmodified aria2 clients on loopback, each bound to an address of its own, with rewritten torrents: every client
 * completes the file, and only gateways connect to another site.
 */
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { SeededRandom } from '../../src/core/random.ts'
import { aNode, fetchOnce, freePort, PROGRAM, type RunningNode } from '../a-node.ts'
import { needs } from '../setup/needs.ts'

const execute = promisify(execFile)
const CONTENT_BYTES = 6 * 1024 * 1024
/** The node, which connects to its clients without content. */
const OBSERVER = '127.0.0.1'
/** Slow enough that the clients meet; the seed alone would need seconds for each of six clients. */
const SEED_BYTES_PER_SECOND = 3 * 1024 * 1024

interface Client {
  readonly address: string
  readonly directory: string
  /** Addresses of all peers that it was connected to. */
  readonly met: Set<string>
}

async function rpc(port: number, method: string, ...params: unknown[]): Promise<unknown> {
  const response = await fetchOnce(`http://127.0.0.1:${port}/jsonrpc`, {
    method: 'POST',
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: `aria2.${method}`, params }),
  })
  const { result } = (await response.json()) as { result: unknown }
  return result
}

async function startClient(
  address: string,
  torrent: string,
  directory: string,
  isSeed: boolean,
): Promise<{ readonly client: Client; readonly done: Promise<void> }> {
  await mkdir(directory, { recursive: true })
  const rpcPort = await freePort()
  const child = spawn('aria2c', [
    `--dir=${directory}`,
    `--interface=${address}`,
    `--listen-port=${await freePort()}`,
    '--enable-rpc',
    `--rpc-listen-port=${rpcPort}`,
    '--enable-dht=false',
    '--seed-ratio=0',
    '--no-conf',
    '--quiet',
    ...(isSeed ? ['--check-integrity', `--max-upload-limit=${SEED_BYTES_PER_SECOND}`] : []),
    torrent,
  ])
  onTestFinished(() => void child.kill('SIGKILL'))
  const client: Client = { address, directory, met: new Set() }
  return { client, done: isSeed ? Promise.resolve() : watch(client, rpcPort) }
}

/** Resolves when the download is complete. */
async function watch(client: Client, rpcPort: number): Promise<void> {
  for (;;) {
    const [download] = ((await rpc(rpcPort, 'tellActive').catch(() => [])) ?? []) as {
      gid: string
      seeder?: string
    }[]
    if (download === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      continue
    }
    const peers = ((await rpc(rpcPort, 'getPeers', download.gid)) ?? []) as { ip: string }[]
    for (const { ip } of peers) client.met.add(ip)
    if (download.seeder === 'true') return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function rewriteFor(node: RunningNode, torrent: string, site: string): Promise<string> {
  const target = join(node.directory, `${site}.torrent`)
  await execute(process.execPath, [
    PROGRAM,
    'rewrite',
    torrent,
    '--site',
    site,
    '--topology',
    node.topologyPath,
    '-o',
    target,
  ])
  return target
}

describe.skipIf(needs('aria2c', 'mktorrent'))('aria2 clients of three sites', () => {
  test(
    'download a file from a seed at another site with rewritten torrents, and only gateways connect to that site',
    { timeout: 240_000 },
    async () => {
      const node = await aNode({ isObserving: true })
      const random = new SeededRandom(11)
      const content = Buffer.from(Uint8Array.from({ length: CONTENT_BYTES }, () => random.below(256)))
      const source = join(node.directory, 'image.bin')
      const torrent = join(node.directory, 'image.torrent')
      await writeFile(source, content)
      await execute('mktorrent', [
        '-p',
        '-l',
        '17',
        '-a',
        'http://tracker.example.org/announce',
        '-o',
        torrent,
        source,
      ])

      const torrents = {
        fra: await rewriteFor(node, torrent, 'fra'),
        ams: await rewriteFor(node, torrent, 'ams'),
        nyc: await rewriteFor(node, torrent, 'nyc'),
      }
      const seedDirectory = join(node.directory, 'seed')
      await mkdir(seedDirectory)
      await copyFile(source, join(seedDirectory, 'image.bin'))
      await startClient('127.1.1.1', torrents.fra, seedDirectory, true)
      await seedIsKnown(node)

      const hosts = ['127.2.1.1', '127.2.1.2', '127.2.2.3', '127.3.1.1', '127.3.2.2', '127.1.2.2']
      const started = await Promise.all(
        hosts.map((address) => {
          const site = { 1: 'fra', 2: 'ams', 3: 'nyc' }[address.split('.')[1] ?? ''] as keyof typeof torrents
          return startClient(address, torrents[site], join(node.directory, address), false)
        }),
      )
      await Promise.all(started.map(({ done }) => done))

      const hash = sha256(content)
      for (const { client } of started) {
        const copy = await readFile(join(client.directory, 'image.bin'))
        expect({ address: client.address, hash: sha256(copy) }).toEqual({ address: client.address, hash })
      }
      for (const site of ['2', '3']) {
        const reachedOver = started.filter(
          ({ client }) =>
            client.address.split('.')[1] === site &&
            [...client.met].some((peer) => peer !== OBSERVER && peer.split('.')[1] !== site),
        )
        expect({ site, hosts: reachedOver.length }).toEqual({ site, hosts: 1 })
      }
      const metrics = await (await node.admin('/metrics')).text()
      expect(metrics).toContain('siteswarm_gateway_elections_total{site="ams",cause="first"} 1')
      expect(metrics).toContain('siteswarm_gateway_elections_total{site="nyc",cause="first"} 1')
    },
  )
})

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The seed announces as soon as it has checked its file. */
async function seedIsKnown(node: RunningNode): Promise<void> {
  for (;;) {
    const { swarms } = (await (await node.admin('/api/v1/swarms')).json()) as {
      swarms: { seeds: number }[]
    }
    if (swarms.some(({ seeds }) => seeds === 1)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
