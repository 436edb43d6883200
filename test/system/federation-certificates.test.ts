/** Sites that know each other by certificates: two real nodes with listen.tls and federation.tls, and no token. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runCommand } from '../a-command-run.ts'
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
  const nodes = { ams: await start('ams'), fra: await start('fra') }
  return { directory, authority, pairs, ports, topology, start, nodes }
}

/** The checks of a node. */
function readyz({ adminUrl }: Pick<RunningNode, 'adminUrl'>, ca: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    request(`${adminUrl}/readyz?verbose`, { ca, agent: false }, (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('end', () => resolve(body))
    })
      .on('error', reject)
      .end()
  })
}

/** The log has the event this many times. */
async function loggedTimes(node: RunningNode, event: string, times: number): Promise<void> {
  const count = () => node.log().split(`"event":"${event}"`).length - 1
  await expect.poll(count, { timeout: 60_000, interval: 50 }).toBeGreaterThanOrEqual(times)
}

/** Both files are written before either is replaced. */
function replacePair(pair: Pair, by: Pair): void {
  for (const file of ['certificate', 'key'] as const)
    writeFileSync(`${pair[file]}.new`, readFileSync(by[file]))
  for (const file of ['certificate', 'key'] as const) renameSync(`${pair[file]}.new`, pair[file])
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
    // The carriers may connect first: a connection of theirs is opened from either side.
    await expect
      .poll(() => readyz(nodes.ams, ca), { timeout: 60_000, interval: 100 })
      .toMatch(/connected to 1 remote site/)
  }, 240_000)

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
  }, 240_000)

  test('replace certificates and authority without a disconnect', async () => {
    const { nodes, authority, pairs, directory, start } = await twoSites()
    const both = [nodes.ams, nodes.fra]
    const old = readFileSync(authority.caPath)
    const isConnected = (ca: Buffer) => () => readyz(nodes.ams, ca)
    await Promise.all(both.map((node) => node.logged('"carrier-link-open"')))
    await expect
      .poll(isConnected(old), { timeout: 60_000, interval: 100 })
      .toMatch(/connected to 1 remote site/)
    // Both nodes dial, and one of the two connections is closed: what is logged until here belongs to that.
    const before = both.map((node) => node.log().length)
    const oldPair = { certificate: join(directory, 'old.pem'), key: join(directory, 'old.key') }
    for (const file of ['certificate', 'key'] as const)
      writeFileSync(oldPair[file], readFileSync(pairs.fra[file]))

    const next = anAuthority()
    const replaceAuthority = (pem: Buffer) => {
      writeFileSync(`${authority.caPath}.new`, pem)
      renameSync(`${authority.caPath}.new`, authority.caPath)
    }
    const renewed = (site: 'ams' | 'fra') => issue(next, directory, `${site}-next`, ofSite(site))
    replaceAuthority(Buffer.concat([old, readFileSync(next.caPath)]))
    for (const node of both) await loggedTimes(node, 'certificate-reloaded', 1)
    for (const site of ['ams', 'fra'] as const) replacePair(pairs[site], renewed(site))
    for (const node of both) await loggedTimes(node, 'certificate-reloaded', 3)
    const current = readFileSync(next.caPath)
    replaceAuthority(current)
    for (const node of both) await loggedTimes(node, 'certificate-reloaded', 4)

    // The streams and links that began with the old certificates continue.
    expect(await readyz(nodes.ams, current)).toMatch(/connected to 1 remote site/)
    for (const [index, node] of both.entries()) {
      const since = node.log().slice(before[index])
      expect(since).not.toContain('federation-cut')
      expect(since).not.toContain('carrier-link-closed')
    }
    // A new connection needs the new ones.
    const stream = `${nodes.ams.adminUrl}/federation/v1/stream?site=fra`
    expect(await statusOf(stream, current, oldPair)).toBe(401)
    expect(await statusOf(stream, current, pairs.fra)).toBe(200)
    await nodes.fra.stop()
    const again = await start('fra')
    await expect
      .poll(() => readyz(again, current), { timeout: 60_000, interval: 100 })
      .toMatch(/connected to 1 remote site/)
  }, 240_000)

  test('keep the certificate when the new one is of another site, and report the file and both sites', async () => {
    const { nodes, authority, pairs, directory } = await twoSites()
    replacePair(pairs.fra, issue(authority, directory, 'wrong', ofSite('nyc')))
    await nodes.fra.logged('"event":"certificate-refused"')
    expect(nodes.fra.log()).toContain(
      `${pairs.fra.certificate}: the certificate names site nyc, and this is a node of fra`,
    )
    const reload = await new Promise<string>((resolve, reject) => {
      const outgoing = request(
        `${nodes.fra.adminUrl}/api/v1/reload`,
        { ca: readFileSync(authority.caPath), method: 'POST', agent: false },
        (response) => {
          let body = `${response.statusCode ?? 0} `
          response.on('data', (chunk: Buffer) => (body += chunk.toString()))
          response.on('end', () => resolve(body))
        },
      )
      outgoing.on('error', reject).end()
    })
    expect(reload).toMatch(/^422 .*names site nyc, and this is a node of fra/s)
    // It still presents the old one: the other site admits a new stream of it.
    expect(nodes.ams.log()).not.toContain('federation-refused')
    expect(nodes.fra.process.exitCode).toBeNull()
  }, 240_000)

  test('are checked with the certificate of the configuration', async () => {
    const { nodes, authority, pairs, directory, ports, topology } = await twoSites()
    const path = join(directory, 'siteswarm.yaml')
    const check = async (settings: {
      readonly site?: string
      readonly pair?: Pair
      readonly authority?: string
      readonly topology?: string
    }) => {
      const { site = 'fra', pair = pairs.fra } = settings
      const tls = `{ certificate: ${pair.certificate}, key: ${pair.key}`
      writeFileSync(
        path,
        `site: ${site}\ntopology: ${settings.topology ?? topology}\nlisten: { tls: ${tls} } }\n` +
          `federation: { tls: ${tls}, authority: ${settings.authority ?? authority.caPath} } }\n`,
      )
      const run = await runCommand(['check', '--config', path, '--online', '--json'])
      const { contacts } = JSON.parse(run.out) as { contacts: readonly { readonly result: string }[] }
      return [run.exitCode, ...contacts.map(({ result }) => result)]
    }
    expect(await check({})).toEqual([0, 'a node of site ams', 'a node of site fra'])

    // Signed by an authority that the nodes do not have.
    const foreign = anAuthority(ofSite('fra'))
    const untrusted = { certificate: foreign.certPath, key: foreign.keyPath }
    const rejected = 'a node that rejects the certificate in federation.tls'
    expect(await check({ pair: untrusted })).toEqual([1, rejected, rejected])

    const distrusted = `the certificate is not trusted (SELF_SIGNED_CERT_IN_CHAIN); add the certificate of its authority to ${foreign.caPath}`
    expect(await check({ authority: foreign.caPath })).toEqual([69, distrusted, distrusted])

    const swapped = join(directory, 'swapped.yaml')
    const swap = new Map([
      [String(ports.ams), String(ports.fra)],
      [String(ports.fra), String(ports.ams)],
    ])
    writeFileSync(
      swapped,
      readFileSync(topology, 'utf8').replace(/(?<=127\.0\.0\.1:)\d+/g, (port) => swap.get(port) ?? port),
    )
    expect(await check({ topology: swapped })).toEqual([
      1,
      'a node of site fra, not of ams',
      'a node of site ams, not of fra',
    ])
    expect(nodes.ams.process.exitCode).toBeNull()
  }, 240_000)
})
