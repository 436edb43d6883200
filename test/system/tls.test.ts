/** Listeners with TLS, as clients and operators reach them: a real node, and certificates made by openssl. */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { aDirectory, aNode, type NodeSettings, peersOf, type RunningNode } from '../a-node.ts'
import { runProgram } from '../a-program-run.ts'
import { announceTarget, aTlsClient } from '../a-tls-client.ts'
import { type Authority, anAuthority } from '../an-authority.ts'
import { aRedis, until } from '../a-redis.ts'
import { aTorrent, AWKWARD_INFO_HASH } from '../a-torrent.ts'
import { needs } from '../setup/needs.ts'

interface SecureNode extends RunningNode {
  readonly authority: Authority
  readonly ca: Buffer
  /** Of the tracker's listener. */
  readonly url: string
}

async function aSecureNode(settings: NodeSettings = {}): Promise<SecureNode> {
  const authority = anAuthority()
  const node = await aNode({
    ...settings,
    environment: {
      SITESWARM_LISTEN_TLS_CERTIFICATE: authority.certPath,
      SITESWARM_LISTEN_TLS_KEY: authority.keyPath,
      ...settings.environment,
    },
  })
  const url = node.announceUrl.replace(/^http:(.*)\/announce$/, 'https:$1')
  return { ...node, authority, ca: readFileSync(authority.caPath), url }
}

/** A request to the admin listener; resolves with status and body. */
function admin({ adminUrl, ca }: SecureNode, path: string, method = 'GET'): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${adminUrl}${path}`, { ca, method, agent: false }, (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('end', () => resolve([response.statusCode ?? 0, body]))
    })
    outgoing.on('error', reject).end()
  })
}

describe.skipIf(needs('openssl'))('a node with listen.tls', () => {
  test('answers announces over TLS 1.2 and 1.3, and no earlier version', async () => {
    const node = await aSecureNode()
    const { ca, url } = node
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const client = await aTlsClient(url, {
        ca,
        minVersion: version,
        maxVersion: version,
        from: '127.1.1.1',
      })
      expect(client.socket.getProtocol()).toBe(version)
      expect(await client.get(announceTarget(6881))).toMatch(/^HTTP\/1\.1 200 .*8:intervali/s)
      // The server of Node takes over what is not an announce, on the same connection.
      expect(await client.get('/scrape')).toContain('at least one info_hash')
    }
    const old = { ca, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const
    await expect(aTlsClient(url, old)).rejects.toThrow(/alert protocol version|ECONNRESET/i)
  })

  test('knows a client by its address, and closes a plain connection', async () => {
    const { ca, url, announceUrl } = await aSecureNode()
    const first = await aTlsClient(url, { ca, from: '127.1.1.1' })
    await first.get(announceTarget(6881))
    const second = await aTlsClient(url, { ca, from: '127.1.1.2' })
    expect(peersOf(await second.get(announceTarget(6882)))).toEqual(['127.1.1.1:6881'])
    await expect(fetch(announceUrl)).rejects.toThrow('fetch failed')
  })

  test('serves the admin API over HTTPS, also to its own commands', async () => {
    const node = await aSecureNode()
    expect(node.adminUrl).toMatch(/^https:/)
    expect((await admin(node, '/readyz'))[0]).toBe(200)
    const environment = { NODE_EXTRA_CA_CERTS: node.authority.caPath }
    const status = await runProgram(['status', '--json', '--url', node.adminUrl], { environment })
    expect(status).toMatchObject({ exitCode: 0, err: '' })
    const announce = [
      'announce',
      `${node.url}/announce`,
      '--info-hash',
      'ab'.repeat(20),
      '--from',
      '127.1.1.1',
    ]
    expect((await runProgram(announce, { environment })).exitCode).toBe(0)
    const untrusted = await runProgram(['status', '--url', node.adminUrl])
    expect(untrusted.err).toContain('the certificate is not trusted')
  })

  test('uses a renewed certificate for new connections, and keeps the open ones', async () => {
    const node = await aSecureNode()
    const { ca, url, authority } = node
    const kept = await aTlsClient(url, { ca, from: '127.1.1.1' })
    await kept.get(announceTarget(6881))
    authority.renew()
    await node.logged('"event":"certificate-reloaded"')
    expect(await kept.get(announceTarget(6881))).toContain('8:interval')
    const renewed = await aTlsClient(url, { ca, from: '127.1.1.1' })
    expect(renewed.serial).not.toBe(kept.serial)
    expect((await aTlsClient(node.adminUrl, { ca })).serial).toBe(renewed.serial)
  }, 240_000)

  test('keeps its certificate when the new one is wrong, and reports the file and the reason', async () => {
    const node = await aSecureNode()
    const { ca, url, authority } = node
    const { serial } = await aTlsClient(url, { ca })
    writeFileSync(authority.keyPath, anAuthority().key)
    await node.logged('"event":"certificate-refused"')
    expect(node.log()).toContain(`${authority.keyPath}: it is not the key of ${authority.certPath}`)
    expect((await aTlsClient(url, { ca })).serial).toBe(serial)
    const [status, body] = await admin(node, '/api/v1/reload', 'POST')
    expect(status).toBe(422)
    expect(body).toContain('it is not the key of')
    authority.renew()
    expect((await admin(node, '/api/v1/reload', 'POST'))[0]).toBe(200)
    expect((await aTlsClient(url, { ca })).serial).not.toBe(serial)
    expect(node.process.exitCode).toBeNull()
  }, 240_000)
})

test.skipIf(needs('openssl'))(
  'SIGHUP reads the certificate again',
  async () => {
    const node = await aSecureNode()
    node.authority.renew()
    node.process.kill('SIGHUP')
    await node.logged('"event":"certificate-reloaded"')
    expect(node.log()).not.toContain('certificate-refused')
  },
  240_000,
)

test.skipIf(needs('openssl', 'redis-server'))(
  'every worker uses the certificate, and the renewed one',
  async () => {
    const { url: store } = await aRedis()
    const node = await aSecureNode({ serve: ['--workers', '2'], more: `store: ${store}\n` })
    await node.logged('"event":"workers-ready"')
    const { ca, url, authority } = node
    const serials = async () => {
      const clients = await Promise.all(Array.from({ length: 24 }, () => aTlsClient(url, { ca })))
      return new Set(clients.map(({ serial }) => serial))
    }
    const [before = ''] = await serials()
    authority.renew()
    expect((await admin(node, '/api/v1/reload', 'POST'))[0]).toBe(200)
    const after = await serials()
    expect(after.size).toBe(1)
    expect(after.has(before)).toBe(false)
  },
  240_000,
)

test.skipIf(needs('openssl', 'aria2c'))(
  'aria2 announces over HTTPS with the authority',
  async () => {
    const node = await aSecureNode()
    const directory = await aDirectory()
    const torrent = join(directory, 'a.torrent')
    const announce = `${node.url}/announce`
    writeFileSync(torrent, aTorrent({ before: `8:announce${announce.length}:${announce}` }))
    const options = [
      '--no-conf',
      '--quiet',
      '--enable-dht=false',
      '--interface=127.1.1.7',
      `--dir=${directory}`,
    ]
    const client = spawn('aria2c', [...options, `--ca-certificate=${node.authority.caPath}`, torrent])
    onTestFinished(() => void client.kill('SIGKILL'))
    let swarm = ''
    await until(60_000, 'the swarm has the client', async () => {
      swarm = (await admin(node, `/api/v1/swarms/${AWKWARD_INFO_HASH}`))[1]
      return swarm.includes('"leechers":1')
    })
    expect(swarm).toContain('127.1.1.7')
  },
  240_000,
)
