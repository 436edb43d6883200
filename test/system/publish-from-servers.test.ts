/**
 * Tests `publish` and a node with sources on servers as they are in networks: a private authority, a proxy, mirrors
 * behind a redirect, labelled archives, and an installation without the S3 client.
 */
import { randomBytes } from 'node:crypto'
import { cp, mkdir, readdir, readFile, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ask } from '../a-download-server.ts'
import { aForwardProxy } from '../a-forward-proxy.ts'
import { aDirectory, aNode, PROGRAM, type RunningNode } from '../a-node.ts'
import { runProgram } from '../a-program-run.ts'
import { anAuthority } from '../an-authority.ts'
import { anS3Store } from '../an-s3-store.ts'
import { aWebServer } from '../a-web-server.ts'
import { readMetainfo } from '../../src/metainfo/metainfo.ts'
import { summarize } from '../../src/metainfo/summary.ts'
import { needs } from '../setup/needs.ts'

const content = randomBytes(300_000)

/** Arguments for a torrent that is written, without a node. */
const alone = (file: string) => ['-o', file, '--url', 'http://127.0.0.1:1']
const NO_NODE =
  'warning: no node responds at http://127.0.0.1:1: connection refused (ECONNREFUSED); check that the server is running, ' +
  'or give the URL of another admin listener with --url [not-registered]\n'

test.skipIf(needs('openssl'))('a source of a private authority, behind a proxy, is published', async () => {
  const authority = anAuthority()
  const [server, proxy, directory] = [
    await aWebServer(content, authority),
    await aForwardProxy('me:sesame'),
    await aDirectory(),
  ]
  onTestFinished(() => server.close())
  const torrent = join(directory, 'image.torrent')
  const environment = { https_proxy: `http://me:sesame@127.0.0.1:${proxy.port}` }
  const args = ['publish', `${server.url}/image.img`, ...alone(torrent)]

  const untrusted = await runProgram(args, { environment })
  expect(untrusted.exitCode).toBe(69)
  expect(untrusted.err).toContain(
    'set NODE_EXTRA_CA_CERTS to a PEM file with the certificate of its authority',
  )
  expect(untrusted.err).not.toContain('sesame')

  const trusted = await runProgram(args, {
    environment: { ...environment, NODE_EXTRA_CA_CERTS: authority.caPath },
  })
  expect(trusted.err).toContain(NO_NODE)
  expect(trusted.out).toContain('name         image.img\n')
  expect(summarize(readMetainfo(await readFile(torrent), 'image')).name).toBe('image.img')
  expect(new Set(proxy.requests)).toEqual(new Set([`CONNECT ${new URL(server.url).host}`]))
})

test.skipIf(needs('openssl'))('a certificate for another name is reported', async () => {
  const authority = anAuthority('DNS:other.example')
  const [server, directory] = [await aWebServer(content, authority), await aDirectory()]
  onTestFinished(() => server.close())
  const run = await runProgram(['publish', `${server.url}/image.img`, ...alone(join(directory, 'x'))], {
    environment: { NODE_EXTRA_CA_CERTS: authority.caPath },
  })
  expect(run.err).toContain(
    'the certificate is for another host name (ERR_TLS_CERT_ALTNAME_INVALID); use a name that is in the certificate',
  )
})

test.skipIf(needs('openssl'))(
  'an S3 store of a private authority is used, and the SDK prints nothing',
  async () => {
    const authority = anAuthority()
    const [store, proxy, directory] = [
      await anS3Store('images', authority),
      await aForwardProxy(),
      await aDirectory(),
    ]
    onTestFinished(() => store.close())
    await store.put('os/image.img', content)
    const run = await runProgram(['publish', 's3://images/os/', ...alone(join(directory, 'x.torrent'))], {
      environment: { ...store.environment, NODE_EXTRA_CA_CERTS: authority.caPath, https_proxy: proxy.url },
    })
    expect(run).toMatchObject({ exitCode: 69, out: expect.stringContaining('name         os\n') })
    // The whole of standard error, so that nothing else is on it.
    expect(
      run.err
        .split('\n')
        .filter((line) => !line.startsWith('siteswarm publish: the torrent is not registered')),
    ).toEqual(NO_NODE.split('\n'))
    expect(proxy.requests.length).toBeGreaterThan(0)
  },
)

test('mirrors behind a redirect, with a label, are the origin of a web seed', async () => {
  const node = await aNode()
  const date = 'Fri, 20 Nov 2020 10:00:00 GMT'
  const mirrors = [await aWebServer(content), await aWebServer(content)]
  const front = await aWebServer(Buffer.alloc(0))
  for (const server of [...mirrors, front]) onTestFinished(() => server.close())
  for (const [index, mirror] of mirrors.entries())
    mirror.headers = { etag: `"${index}"`, 'last-modified': date, 'content-encoding': 'x-gzip' }
  let count = 0
  front.interfere = ({ url }, response) => {
    response.writeHead(302, { location: `${mirrors[count++ % 2]?.url}${url}` }).end()
    return true
  }
  const run = await runProgram(['publish', `${front.url}/image.img.gz`, '--url', node.adminUrl, '--json'])
  expect(run).toMatchObject({ exitCode: 0, err: '' })
  const { infoHashV1 } = JSON.parse(run.out) as { infoHashV1: string }
  expect(await readWebSeed(node, infoHashV1)).toEqual(content)
})

test('without the S3 client, an s3:// source is rejected with the name of the package', async () => {
  const directory = await aDirectory()
  const root = dirname(dirname(PROGRAM))
  await cp(join(root, 'dist'), join(directory, 'dist'), { recursive: true })
  await cp(join(root, 'package.json'), join(directory, 'package.json'))
  await mkdir(join(directory, 'node_modules'))
  for (const name of await readdir(join(root, 'node_modules')))
    if (name !== '@aws-sdk')
      await symlink(join(root, 'node_modules', name), join(directory, 'node_modules', name))
  const run = await runProgram(['publish', 's3://images/x', ...alone('x.torrent')], {
    program: join(directory, 'dist/main.js'),
    directory,
  })
  expect(run).toMatchObject({ exitCode: 1, out: '' })
  expect(run.err).toContain(
    'siteswarm: s3:// sources need the package @aws-sdk/client-s3, an optional dependency; install it beside siteswarm\n',
  )
})

/** A host without a gateway waits for three seconds before it is served. */
async function readWebSeed(node: RunningNode, infoHash: string): Promise<Buffer> {
  const { body, status } = await ask(Number(new URL(node.announceUrl).port), `/webseed/${infoHash}/`, {
    localAddress: '127.1.1.1',
  })
  expect(status).toBe(200)
  return body
}
