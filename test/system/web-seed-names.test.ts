/**
 * Torrents with names of all kinds, from the web seed of a node alone, in unmodified clients. One request that the node
 * does not understand ends the web seed for the whole torrent in libtorrent and aria2.
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../a-command-run.ts'
import { ask } from '../a-download-server.ts'
import { aNode, type RunningNode } from '../a-node.ts'
import { aria2, libtorrent, transmission } from '../a-real-client.ts'
import { aZeroTorrent, type ZeroTorrentCase, ZERO_FILE_BYTES } from '../a-zero-torrent.ts'
import { needs, type Requirement } from '../setup/needs.ts'

/** No other test has a client at this address. */
const HOST = '127.1.1.71'

const clients = { libtorrent, aria2, transmission } as const
type Client = keyof typeof clients
const requirements: Readonly<Record<Client, Requirement>> = {
  libtorrent: 'libtorrent',
  aria2: 'aria2c',
  transmission: 'transmission-daemon',
}

/** Names that Linux allows and some client changes, escapes or compares in a way of its own. */
const NAMES = [
  'dev-disk-by\\x2dlabel.device',
  'Foo::Bar.3pm',
  'what?.txt',
  'README',
  'readme',
  '50%.txt',
  '%41.txt',
  'a#b',
  'a+b c&d=e;f,g@h$i!j~k',
  "quote'quote",
  ' both ends ',
  'dot.',
  'con.txt',
  '\u00ed composed',
  'i\u0301 decomposed',
  'marks \u202e reversed',
  'control \u0001 character',
  'Größe/日本.iso',
  `${'n'.repeat(240)}.txt`,
]

const aNodeWithOrigin = () => aNode({ more: 'torrents: { admit: registered }\norigin: { directory: . }\n' })

async function download(node: RunningNode, infoHash: string, client: Client): Promise<readonly string[]> {
  const { status, body } = await ask(
    Number(new URL(node.announceUrl).port),
    `/torrents/${infoHash}.torrent`,
    {
      localAddress: HOST,
    },
  )
  expect(status).toBe(200)
  const torrent = join(node.directory, 'host.torrent')
  writeFileSync(torrent, body)
  const directory = join(node.directory, 'host')
  await clients[client]({ torrent, directory, address: HOST })
  return contentsBelow(directory)
}

/** The hash of each file with content, because clients change names; their own files are not counted. */
function contentsBelow(directory: string): string[] {
  const hashes: string[] = []
  const read = (folder: Buffer): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true, encoding: 'buffer' })) {
      const path = Buffer.concat([folder, Buffer.from('/'), entry.name])
      if (entry.isDirectory()) read(path)
      else if (entry.isFile() && statSync(path).size > 0 && !path.toString().endsWith('.aria2'))
        hashes.push(createHash('sha1').update(readFileSync(path)).digest('hex'))
    }
  }
  read(Buffer.from(directory))
  return hashes.toSorted()
}

async function notFound(node: RunningNode): Promise<string[]> {
  const metrics = await (await node.admin('/metrics')).text()
  return metrics
    .split('\n')
    .filter((line) => /origin_refused_total.*cause="not-found"/.test(line) && !line.endsWith(' 0'))
}

describe.each(Object.keys(clients) as Client[])('%s', (client) => {
  const missing = needs(requirements[client]) !== false

  it.skipIf(missing)(
    'completes a published folder with names of all kinds',
    { timeout: 240_000 },
    async () => {
      const node = await aNodeWithOrigin()
      const folder = join(node.directory, 'content')
      for (const name of NAMES) {
        mkdirSync(dirname(join(folder, name)), { recursive: true })
        writeFileSync(join(folder, name), randomBytes(40_000))
      }
      writeFileSync(join(folder, 'empty'), '')
      const run = await runCommand(['publish', folder, '--url', node.adminUrl, '--json'])
      expect(run.err).toBe('')
      const { infoHashV1 } = JSON.parse(run.out) as { readonly infoHashV1: string }
      expect(await download(node, infoHashV1, client)).toEqual(contentsBelow(folder))
      expect(await notFound(node)).toEqual([])
      expect(node.log()).not.toContain('webseed-not-found')
    },
  )

  const link = { path: ['link'], attr: 'l', 'symlink path': ['a.bin'] }
  const kinds: readonly (readonly [string, ZeroTorrentCase['info'], string, number, readonly Client[]])[] = [
    [
      'a name in an old encoding beside one in UTF-8',
      { name: { hex: 'cfee' }, 'name.utf-8': 'По', files: [{ path: ['a.bin'] }, { path: ['b.bin'] }] },
      'd',
      2,
      ['libtorrent', 'aria2', 'transmission'],
    ],
    [
      'one file in a folder',
      { name: 'd', files: [{ path: ['a.bin'] }] },
      'd',
      1,
      ['libtorrent', 'aria2', 'transmission'],
    ],
    [
      'a slash in the name of one file',
      { name: 'R1/beta' },
      'd/a.bin',
      1,
      ['libtorrent', 'aria2', 'transmission'],
    ],
    [
      'a link without a length',
      { name: 'd', files: [{ path: ['a.bin'] }, { ...link, length: null }] },
      'd',
      1,
      ['libtorrent'],
    ],
    [
      'a link of length 0, where the origin has the link',
      { name: 'd', files: [{ path: ['a.bin'] }, { ...link, length: 0 }] },
      'd',
      1,
      ['libtorrent', 'aria2', 'transmission'],
    ],
    [
      'names that are not UTF-8, from a folder that Transmission downloaded',
      { name: 'd', files: [{ path: [{ hex: '66e92e62696e' }] }, { path: [{ hex: '66e82e62696e' }] }] },
      'latin9',
      2,
      ['aria2', 'transmission'],
    ],
    [
      'padding',
      {
        name: 'd',
        files: [
          { path: ['a.bin'] },
          { path: ['.pad', '12768'], attr: 'p', length: 12_768 },
          { path: ['b.bin'] },
        ],
      },
      'd',
      2,
      ['libtorrent', 'aria2', 'transmission'],
    ],
  ]

  it.skipIf(missing).each(kinds.filter(([, , , , able]) => able.includes(client)))(
    'completes a registered torrent with %s',
    { timeout: 240_000 },
    async (_kind, info, origin, files) => {
      const node = await aNodeWithOrigin()
      for (const path of ['d/a.bin', 'd/b.bin', 'latin9/fé.bin', 'latin9/fè.bin']) {
        mkdirSync(dirname(join(node.directory, path)), { recursive: true })
        writeFileSync(join(node.directory, path), Buffer.alloc(ZERO_FILE_BYTES))
      }
      symlinkSync('a.bin', join(node.directory, 'd', 'link'))
      const registered = await node.admin(
        `/api/v1/torrents?origin=${encodeURIComponent(join(node.directory, origin))}`,
        {
          method: 'POST',
          body: new Uint8Array(aZeroTorrent({ info })),
          headers: { 'content-type': 'application/x-bittorrent' },
        },
      )
      const body = (await registered.json()) as {
        readonly infoHashV1: string
        readonly warnings: readonly { code: string }[]
      }
      expect({ status: registered.status, codes: body.warnings.map(({ code }) => code) }).toEqual({
        status: 201,
        codes: expect.not.arrayContaining(['origin-unusable']),
      })
      const contents = await download(node, body.infoHashV1, client)
      // aria2 and Transmission also write padding.
      expect(contents.length).toBeGreaterThanOrEqual(files)
      expect(await notFound(node)).toEqual([])
    },
  )
})
