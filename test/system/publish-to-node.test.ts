/** Tests `publish` with a running node: each site gets the torrent with its own trackers. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { readMetainfo } from '../../src/metainfo/metainfo.ts'
import { summarize } from '../../src/metainfo/summary.ts'
import { aDirectory, aNode, freePort } from '../a-node.ts'
import { runCommand } from '../a-command-run.ts'
import { needs } from '../setup/needs.ts'

test('a published torrent is registered, and served with the trackers of each site', async () => {
  const images = await aDirectory()
  const node = await aNode({ more: `origin: { directory: ${images} }\n` })
  const content = join(images, 'image.bin')
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

test.skipIf(needs('aria2c'))(
  'the commands that publish prints make a first seed and download the content',
  async () => {
    const node = await aNode({ more: 'interval: { min: 1s, max: 2s }\n' })
    const [seedFolder, hostFolder] = [join(await aDirectory(), "it's here"), await aDirectory()]
    await mkdir(seedFolder)
    const content = randomBytes(3_000_000)
    await writeFile(join(seedFolder, 'image.bin'), content)
    const run = await runCommand(['publish', join(seedFolder, 'image.bin'), '--url', node.adminUrl])
    expect(run).toMatchObject({ exitCode: 0, err: expect.stringContaining('[origin-unusable]') })
    const [seed = '', download = ''] = run.out.split('\n').filter((line) => line.startsWith('  aria2c '))
    await runAria2(seed, '127.1.1.1', seedFolder)
    await runAria2(download, '127.1.1.2', hostFolder)
    expect(await readFile(join(hostFolder, 'image.bin'))).toEqual(content)
    // The torrent itself stays in memory; aria2 keeps a control file while it runs.
    for (const folder of [seedFolder, hostFolder])
      expect((await readdir(folder)).filter((name) => !name.endsWith('.aria2'))).toEqual(['image.bin'])
  },
)

test('a file that the node may not read is reported when it is published', async () => {
  const images = await aDirectory()
  const node = await aNode({ more: `origin: { directory: ${images} }\n` })
  const file = join(images, 'image.bin')
  await writeFile(file, randomBytes(40_000))
  expect(await runCommand(['publish', file, '--url', node.adminUrl])).toMatchObject({ exitCode: 0, err: '' })
  const folder = join(images, 'tree')
  await mkdir(folder)
  await symlink('/etc/hostname', join(folder, 'link'))
  const run = await runCommand(['publish', folder, '--url', node.adminUrl])
  expect(run.exitCode).toBe(0)
  expect(run.err).toMatch(
    /^warning: this node cannot serve the content: .*tree\/link is a link that leads out of .* \[origin-unreadable\]\n$/,
  )
})

/** Runs a printed command as a host with this address does. Resolves when the content is complete. */
async function runAria2(command: string, address: string, directory: string): Promise<void> {
  const more = `--no-conf --interface=${address} --listen-port=${await freePort()} --enable-dht=false --on-bt-download-complete=echo`
  const child = spawn('sh', ['-c', `exec ${command.trim()} ${more}`], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      // aria2 reports a seed that was complete from the start as such, and runs the hook for a download.
      if (/SEED\(|image\.bin\n/.test(output)) resolve()
    })
    child.on('close', (code) => reject(new Error(`aria2c ended with ${code}:\n${output}`)))
  })
}
