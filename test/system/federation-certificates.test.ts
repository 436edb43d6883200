/** Sites that know each other by certificates: two real nodes with listen.tls and federation.tls, and no token. */
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { aDirectory, aNode, freePort, type RunningNode } from '../a-node.ts'
import { type Authority, anAuthority } from '../an-authority.ts'
import { needs } from '../setup/needs.ts'

interface Pair {
  readonly certificate: string
  readonly key: string
}

/** A certificate of the authority with these names. */
function issue(authority: Authority, directory: string, name: string, names: string): Pair {
  authority.renew(names)
  const pair = { certificate: join(directory, `${name}.pem`), key: join(directory, `${name}.key`) }
  writeFileSync(pair.certificate, readFileSync(authority.certPath))
  writeFileSync(pair.key, readFileSync(authority.keyPath))
  return pair
}

const HOST = 'IP:127.0.0.1'
const ofSite = (site: string) => `${HOST},URI:urn:siteswarm:site:${site}`

async function twoSites() {
  const [directory, authority] = [await aDirectory(), anAuthority()]
  const ports = { ams: await freePort(), fra: await freePort() }
  const topology = join(directory, 'topology.yaml')
  const site = (name: 'ams' | 'fra', number: number) =>
    `  ${name}: { cidrs: [127.${number}.0.0/16], federation: ["https://127.0.0.1:${ports[name]}"] }\n`
  writeFileSync(topology, `sites:\n${site('ams', 2)}${site('fra', 1)}`)
  const pairs = {
    ams: issue(authority, directory, 'ams', ofSite('ams')),
    fra: issue(authority, directory, 'fra', ofSite('fra')),
  }
  const start = (name: 'ams' | 'fra'): Promise<RunningNode> =>
    aNode({
      carries: true,
      environment: {
        SITESWARM_SITE: name,
        SITESWARM_TOPOLOGY: topology,
        SITESWARM_LISTEN_ADMIN: `127.0.0.1:${ports[name]}`,
        SITESWARM_LISTEN_PEERS: '127.0.0.1:0',
        SITESWARM_LISTEN_TLS_CERTIFICATE: pairs[name].certificate,
        SITESWARM_LISTEN_TLS_KEY: pairs[name].key,
        SITESWARM_FEDERATION_TLS_CERTIFICATE: pairs[name].certificate,
        SITESWARM_FEDERATION_TLS_KEY: pairs[name].key,
        SITESWARM_FEDERATION_TLS_AUTHORITY: authority.caPath,
      },
    })
  return { directory, authority, pairs, nodes: { ams: await start('ams'), fra: await start('fra') } }
}

/** The status of a request; a stream is closed after its head. */
function statusOf(
  url: string,
  ca: Buffer,
  pair?: Pair,
  headers: Record<string, string> = {},
): Promise<number> {
  const own = pair === undefined ? {} : { cert: readFileSync(pair.certificate), key: readFileSync(pair.key) }
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { ca, ...own, headers, agent: false })
    outgoing.on('response', (response) => {
      resolve(response.statusCode ?? 0)
      response.destroy()
    })
    outgoing.on('upgrade', (_response, stream) => {
      resolve(101)
      stream.destroy()
    })
    outgoing.on('error', reject).end()
  })
}

describe.skipIf(needs('openssl'))('sites with certificates and without a token', () => {
  test('exchange their swarms and connect their carriers', async () => {
    const { nodes, authority } = await twoSites()
    await Promise.all([nodes.ams.logged('"carrier-link-open"'), nodes.fra.logged('"carrier-link-open"')])
    const ca = readFileSync(authority.caPath)
    const verbose = (): Promise<string> =>
      new Promise((resolve, reject) => {
        request(`${nodes.ams.adminUrl}/readyz?verbose`, { ca, agent: false }, (response) => {
          let body = ''
          response.on('data', (chunk: Buffer) => (body += chunk.toString()))
          response.on('end', () => resolve(body))
        })
          .on('error', reject)
          .end()
      })
    // The carriers may connect first: a connection of theirs is opened from either side.
    await expect.poll(verbose, { timeout: 30_000, interval: 100 }).toMatch(/connected to 1 remote site/)
  }, 40_000)

  test('admit a certificate as its own site only, and no other client', async () => {
    const { nodes, authority, pairs, directory } = await twoSites()
    const ca = readFileSync(authority.caPath)
    const stream = (site: string) => `${nodes.ams.adminUrl}/federation/v1/stream?site=${site}`
    const carry = `${nodes.ams.adminUrl}/federation/v1/carry`
    const upgrade = { connection: 'Upgrade', upgrade: 'siteswarm-carry' }
    expect(await statusOf(stream('fra'), ca, pairs.fra)).toBe(200)
    expect(await statusOf(stream('nyc'), ca, pairs.fra)).toBe(403)
    expect(await statusOf(carry, ca, pairs.fra, upgrade)).toBe(101)
    const none = issue(authority, directory, 'none', HOST)
    const two = issue(authority, directory, 'two', `${ofSite('fra')},URI:urn:siteswarm:site:nyc`)
    const foreign = anAuthority(ofSite('fra'))
    const untrusted = { certificate: foreign.certPath, key: foreign.keyPath }
    for (const pair of [undefined, none, two, untrusted]) {
      expect(await statusOf(stream('fra'), ca, pair)).toBe(401)
      expect(await statusOf(carry, ca, pair, upgrade)).toBe(401)
    }
  }, 40_000)
})
