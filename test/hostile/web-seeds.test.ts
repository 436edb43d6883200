/** The web seed of a node: a reader that holds the place of its site, links out of the directory, and redirects. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { runCommand } from '../a-command-run.ts'
import { ask } from '../a-download-server.ts'
import { aDirectory, aNode, type RunningNode } from '../a-node.ts'
import { aWebServer } from '../a-web-server.ts'
import { reportFigure } from './report-figure.ts'

const [SLOW, HONEST] = ['127.1.1.1', '127.1.1.2']
/** More than the buffers of a connection on loopback hold. */
const LARGE_BYTES = 64 * 1024 * 1024
const SECRET = 'root:x:0:0:root:/root:/bin/bash\n'
/** As long as the secret, which would not be served with another length. */
const CONTENT = 'c'.repeat(SECRET.length)
/** It takes less than 30 s on a quiet machine; a node without the rule never serves the other host. */
const TAKEOVER_MS_MAX = 180_000

const portOf = (node: RunningNode) => Number(new URL(node.announceUrl).port)

async function publish(node: RunningNode, source: string): Promise<string> {
  const run = await runCommand(['publish', source, '--url', node.adminUrl, '--json'], { environment: {} })
  if (run.exitCode !== 0) throw new Error(run.err)
  return (JSON.parse(run.out) as { infoHashV1: string }).infoHashV1
}

async function originBytes(node: RunningNode): Promise<number> {
  const metrics = await (await node.admin('/metrics')).text()
  return Number(/^siteswarm_origin_bytes_total\{site="fra"\} (\d+)$/m.exec(metrics)?.[1])
}

/** The bytes that a host is sent for this file, or an empty text. */
async function served(node: RunningNode, path: string): Promise<{ status: number; text: string }> {
  try {
    const { status, body } = await ask(portOf(node), `/webseed/${path}`, { localAddress: HONEST })
    return { status, text: body.toString('latin1') }
  } catch {
    // The response ended before its length.
    return { status: 0, text: '' }
  }
}

test('a reader of 1 KB every five seconds loses the place of its site to a host that waits', async () => {
  const directory = await aDirectory()
  await writeFile(join(directory, 'image.bin'), randomBytes(LARGE_BYTES))
  const node = await aNode({ directory, more: 'origin: { directory: . }\n' })
  const infoHash = await publish(node, join(directory, 'image.bin'))
  const slow = connect({ host: '127.0.0.1', port: portOf(node), localAddress: SLOW })
  onTestFinished(() => void slow.destroy())
  slow.on('error', () => {})
  await once(slow, 'connect')
  slow.pause()
  slow.write(`GET /webseed/${infoHash}/image.bin HTTP/1.1\r\nHost: x\r\n\r\n`)
  const timer = setInterval(() => void slow.read(1_024), 5_000)
  onTestFinished(() => clearInterval(timer))
  await expect.poll(() => originBytes(node), { timeout: 60_000 }).toBeGreaterThan(0)
  const startMs = performance.now()
  const range = { localAddress: HONEST, headers: { range: 'bytes=0-65535' } }
  let status = 0
  while (status !== 206 && performance.now() - startMs < TAKEOVER_MS_MAX)
    // The node closes the connection of a host that waited for too long.
    status = await ask(portOf(node), `/webseed/${infoHash}/image.bin`, range).then(
      (answer) => answer.status,
      () => 0,
    )
  const tookMs = performance.now() - startMs
  reportFigure(
    `a reader of 1 KB every 5 s: another host of its site is served after ${Math.round(tookMs / 1000)} s`,
  )
  expect(status).toBe(206)
})

async function linkFile(directory: string, folder: string): Promise<void> {
  await rm(join(folder, 'sub', 'a'))
  await symlink(join(directory, 'outside', 'a'), join(folder, 'sub', 'a'))
}

/**
 * How a file below the folder `served/all` of a node leads outside of it. A node attempts to open such a file for 15 s, so
 * that the cases are served at the same time.
 */
const links: readonly {
  readonly name: string
  /** Before the torrent is registered, or after the file has been served. */
  readonly when: 'before' | 'after'
  readonly link: (directory: string, folder: string) => Promise<void>
}[] = [
  {
    name: 'the file became a link after the torrent was registered',
    when: 'after',
    link: linkFile,
  },
  {
    name: 'its folder became a link after the torrent was registered',
    when: 'after',
    link: async (directory, folder) => {
      await rename(join(folder, 'sub'), join(directory, 'before'))
      await symlink(join(directory, 'outside'), join(folder, 'sub'))
    },
  },
  {
    name: 'its folder had a link to it when the torrent was registered',
    when: 'before',
    link: linkFile,
  },
]

async function servedThroughLink({ name, when, link }: (typeof links)[number]) {
  const directory = await aDirectory()
  const folder = join(directory, 'served', 'all')
  await mkdir(join(folder, 'sub'), { recursive: true })
  await mkdir(join(directory, 'outside'))
  await writeFile(join(folder, 'sub', 'a'), CONTENT)
  await writeFile(join(folder, 'b'), CONTENT)
  await writeFile(join(directory, 'outside', 'a'), SECRET)
  if (when === 'before') await link(directory, folder)
  const node = await aNode({ directory, more: 'origin: { directory: ./served }\n' })
  const infoHash = await publish(node, folder)
  const path = `${infoHash}/all/sub/a`
  const before = when === 'after' ? (await served(node, path)).text : undefined
  if (when === 'after') await link(directory, folder)
  return { ...leak(name, await served(node, path)), before }
}

/** A response that gives away a file or a service has its status or its text. */
const leak = (name: string, { status, text }: { readonly status: number; readonly text: string }) => ({
  name,
  isServed: status === 200,
  hasSecret: text.includes('root:'),
})

const nothing = (name: string) => ({ name, isServed: false, hasSecret: false })

describe('a file outside the directory of the origins is not served', () => {
  test('where it is behind a link, from the start or later', async () => {
    const found = await Promise.all(links.map(servedThroughLink))
    // It was served before it became a link.
    expect(found).toEqual(
      links.map(({ name, when }) => ({ ...nothing(name), before: when === 'after' ? CONTENT : undefined })),
    )
  })

  test('by a path with dots, in any encoding', async () => {
    const directory = await aDirectory()
    await mkdir(join(directory, 'served'))
    await writeFile(join(directory, 'served', 'a'), 'content')
    await writeFile(join(directory, 'secret'), SECRET)
    const node = await aNode({ directory, more: 'origin: { directory: ./served }\n' })
    const infoHash = await publish(node, join(directory, 'served', 'a'))
    for (const path of [
      '../secret',
      '..%2fsecret',
      '%2e%2e/secret',
      'a/../../secret',
      `/${directory}/secret`,
    ]) {
      const { status, text } = await served(node, `${infoHash}/${path}`)
      expect({ path, status }).toEqual({ path, status: 404 })
      expect(text).not.toContain('root:')
    }
  })
})

const redirects: readonly (readonly [string, (port: number) => string])[] = [
  ['another loopback address', (port) => `http://127.0.0.2:${port}/latest/meta-data/`],
  ['a name of loopback', (port) => `http://localhost:${port}/latest/meta-data/`],
  ['the metadata service of a cloud', () => 'http://169.254.169.254/latest/meta-data/'],
]

test('a redirect of an HTTP origin into the machine of the node or its cloud is not followed', async () => {
  // It stands for a service that only this machine reaches, at all of its loopback addresses.
  const requests: string[] = []
  const internal = createServer((request, response) => {
    requests.push(request.url ?? '')
    response.end(SECRET)
  })
  internal.listen(0, '0.0.0.0')
  await once(internal, 'listening')
  onTestFinished(() => void internal.close())
  const { port } = internal.address() as AddressInfo
  const node = await aNode()
  const servedAfterRedirect = async ([name, location]: (typeof redirects)[number]) => {
    // Of the length of the secret, which would not be served with another one.
    const origin = await aWebServer(Buffer.from(name.padEnd(SECRET.length)))
    onTestFinished(() => origin.close())
    const infoHash = await publish(node, `${origin.url}/f`)
    origin.interfere = (_request, response) => {
      response.writeHead(302, { location: location(port) }).end()
      return true
    }
    return leak(name, await served(node, `${infoHash}/f`))
  }
  const found = await Promise.all(redirects.map(servedAfterRedirect))
  expect(found).toEqual(redirects.map(([name]) => nothing(name)))
  expect(requests).toEqual([])
})
