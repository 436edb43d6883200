/** Sites with nodes of their own: one torrent is one swarm, also while nodes and connections fail. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { aDirectory, announceFrom } from '../a-node.ts'
import { aFederation, type FederatedSite, handoutOf, until } from '../a-federation.ts'
import { aRedis } from '../a-redis.ts'
import { needs } from '../setup/needs.ts'

const TORRENT = 'ab'.repeat(20)

async function counts(site: FederatedSite, from: string): Promise<{ complete: number; incomplete: number }> {
  const body = await announceFrom(site, from, { event: 'stopped', port: 1 })
  const number = (key: string) => Number(new RegExp(`${key}i(\\d+)e`).exec(body)?.[1])
  return { complete: number('8:complete'), incomplete: number('10:incomplete') }
}

test('a seed that announced at one site is handed out to the gateway of another site, and to no other peer there', async () => {
  const federation = await aFederation()
  await federation.connected()
  const [fra, ams] = [federation.site('fra'), federation.site('ams')]

  await announceFrom(fra, '127.1.1.1', { left: 0, event: 'started' })
  await until('the gateway of ams is handed out the seed', async () =>
    (await handoutOf(ams, '127.2.1.1')).includes('127.1.1.1:6881'),
  )

  expect(await handoutOf(ams, '127.2.1.2')).toEqual(['127.2.1.1:6881'])
})

test('the seed is handed out the gateway that fetches from it', async () => {
  const federation = await aFederation()
  await federation.connected()
  const [fra, ams] = [federation.site('fra'), federation.site('ams')]
  await announceFrom(fra, '127.1.1.1', { left: 0 })
  await until('the gateway of ams is handed out the seed', async () =>
    (await handoutOf(ams, '127.2.1.1')).includes('127.1.1.1:6881'),
  )

  await until('fra has the gateway', async () => (await counts(fra, '127.1.9.9')).incomplete === 1)
  await until('the seed is handed out the gateway', async () =>
    (await handoutOf(fra, '127.1.1.1', { left: 0 })).includes('127.2.1.1:6881'),
  )
  expect(await handoutOf(fra, '127.1.1.1', { left: 0 })).toEqual(['127.2.1.1:6881'])
})

test('a gateway without an upstream is assigned to a seed that starts later', async () => {
  const federation = await aFederation({ names: ['fra', 'ams'] })
  await federation.connected()
  const [fra, ams] = [federation.site('fra'), federation.site('ams')]
  expect(await handoutOf(ams, '127.2.1.1')).toEqual([])

  await until('the seed is handed out the gateway', async () =>
    (await handoutOf(fra, '127.1.1.1', { left: 0 })).includes('127.2.1.1:6881'),
  )
  await until('ams has the upstream of its gateway', async () => {
    const swarm = (await (await ams.admin(`/api/v1/swarms/${TORRENT}`)).json()) as {
      sites: { site: string; gateways: { upstream: { address: string } | null }[] }[]
    }
    const own = swarm.sites.find(({ site }) => site === 'ams')
    return own?.gateways[0]?.upstream?.address === '127.1.1.1'
  })
})

test('counts are those of all sites, and a client that announces to two of them is counted once', async () => {
  const federation = await aFederation({ names: ['fra', 'ams'] })
  await federation.connected()
  const [fra, ams] = [federation.site('fra'), federation.site('ams')]
  for (const host of [1, 2, 3]) await announceFrom(fra, `127.1.1.${host}`, { left: 0 })
  for (const host of [1, 2]) {
    await announceFrom(ams, `127.2.1.${host}`)
    await announceFrom(fra, `127.2.1.${host}`)
  }

  for (const [site, from] of [
    [fra, '127.1.9.9'],
    [ams, '127.2.9.9'],
  ] as const)
    await until(`${site.name} counts all clients`, async () => {
      const { complete, incomplete } = await counts(site, from)
      return complete === 3 && incomplete === 2
    })
  expect(await counts(fra, '127.1.9.9')).toEqual(await counts(ams, '127.2.9.9'))
})

test('a client that also announces to another site receives there the decision of its own site', async () => {
  const federation = await aFederation()
  await federation.connected()
  const [fra, ams, nyc] = [federation.site('fra'), federation.site('ams'), federation.site('nyc')]
  await announceFrom(fra, '127.1.1.1', { left: 0 })
  await until('the gateway of ams is handed out the seed', async () =>
    (await handoutOf(ams, '127.2.1.1')).includes('127.1.1.1:6881'),
  )
  await announceFrom(ams, '127.2.1.2')

  await until('nyc repeats the upstream to the gateway', async () =>
    (await handoutOf(nyc, '127.2.1.1')).includes('127.1.1.1:6881'),
  )
  expect(await handoutOf(nyc, '127.2.1.2')).toEqual([])

  const explain = async (site: FederatedSite, ip: string) => {
    const answer = await site.admin(`/api/v1/explain?info_hash=${TORRENT}&ip=${ip}&port=6881`)
    const { isDecidedHere, becomesGateway, peers } = (await answer.json()) as {
      isDecidedHere: boolean
      becomesGateway: string | null
      peers: { address: string; reason: string }[]
    }
    return {
      isDecidedHere,
      becomesGateway,
      peers: peers.map(({ address, reason }) => `${address} ${reason}`),
    }
  }
  expect(await explain(nyc, '127.2.1.1')).toEqual({
    isDecidedHere: false,
    becomesGateway: null,
    peers: ['127.1.1.1 upstream'],
  })
  expect(await explain(nyc, '127.2.1.2')).toEqual({
    isDecidedHere: false,
    becomesGateway: null,
    peers: [],
  })
  expect((await explain(ams, '127.2.1.2')).isDecidedHere).toBe(true)
})

test('clients of a site without a live node are answered by another site, which removes them once the node is up again', async () => {
  const federation = await aFederation({ names: ['fra', 'ams'] })
  await federation.connected()
  const [fra, ams] = [federation.site('fra'), federation.site('ams')]
  await announceFrom(fra, '127.1.1.1', { left: 0 })
  await until('the gateway of ams is handed out the seed', async () =>
    (await handoutOf(ams, '127.2.1.1')).includes('127.1.1.1:6881'),
  )

  await ams.kill()
  await until('the gateway of ams is answered by fra', async () =>
    (await handoutOf(fra, '127.2.1.1')).includes('127.1.1.1:6881'),
  )
  await until('other clients of ams are answered by fra', async () =>
    (await handoutOf(fra, '127.2.1.2')).includes('127.2.1.1:6881'),
  )

  await ams.start()
  await until(
    'fra has removed the clients of ams',
    async () => (await counts(fra, '127.1.9.9')).incomplete === 0,
  )
  await announceFrom(ams, '127.2.1.1')
  await until(
    'fra counts the client that has announced to ams',
    async () => (await counts(fra, '127.1.9.9')).incomplete === 1,
  )
  expect(await counts(fra, '127.1.9.9')).toEqual({ complete: 1, incomplete: 1 })
})

test('sites without a connection keep their swarms, and reconnect by themselves', async () => {
  const federation = await aFederation({ names: ['fra', 'ams'] })
  await federation.connected()
  const [fra, ams] = [federation.site('fra'), federation.site('ams')]
  await announceFrom(fra, '127.1.1.1', { left: 0 })
  await until('the gateway of ams is handed out the seed', async () =>
    (await handoutOf(ams, '127.2.1.1')).includes('127.1.1.1:6881'),
  )

  federation.disconnect('fra', 'ams')
  await until('ams reports fra as down', async () => {
    const body = await (await ams.admin('/readyz?verbose')).text()
    return body.includes('fra is down') && body.endsWith('ready\n')
  })
  expect(await ams.metric('siteswarm_federation_up{remote="fra"}')).toBe(0)
  // The seed has not expired, and the site still fills.
  expect(await handoutOf(ams, '127.2.1.1')).toContain('127.1.1.1:6881')
  expect(await handoutOf(ams, '127.2.1.2')).toContain('127.2.1.1:6881')

  federation.reconnect('fra', 'ams')
  await federation.connected()
  await announceFrom(fra, '127.1.1.2', { left: 0 })
  await until('ams counts both seeds', async () => (await counts(ams, '127.2.9.9')).complete === 2)
})

// Node.js does not report the end of a server that passed a connection to a process which has ended since.
test('a node that passed connections to its carriers stops in order', async () => {
  const federation = await aFederation({
    names: ['fra', 'ams'],
    environment: { SITESWARM_OBSERVE_CONNECTIONS: '4096' },
  })
  await federation.connected()
  const [fra, ams] = [federation.site('fra'), federation.site('ams')]
  await until('the carriers are connected', () =>
    [fra, ams].every((site) => site.log().includes('"carrier-link-open"')),
  )
  await Promise.all([fra.stop(), ams.stop()])
  for (const site of [fra, ams]) expect(site.log()).toContain('"event":"stopped"')
})

test('a torrent that is registered at one site is served at all, until one of them removes it', async () => {
  const federation = await aFederation({ names: ['fra', 'ams'] })
  await federation.connected()
  const [fra, ams] = [federation.site('fra'), federation.site('ams')]
  const info = `d6:lengthi5e4:name5:hello12:piece lengthi16384e6:pieces20:${'x'.repeat(20)}e`
  const registered = await fra.admin('/api/v1/torrents', {
    method: 'POST',
    headers: { 'content-type': 'application/x-bittorrent' },
    body: `d4:info${info}e`,
  })
  const { infoHashV1 } = (await registered.json()) as { infoHashV1: string }

  await until('ams has it', async () => (await ams.admin(`/api/v1/torrents/${infoHashV1}`)).status === 200)

  await ams.admin(`/api/v1/torrents/${infoHashV1}`, { method: 'DELETE' })
  await until(
    'fra no longer has it',
    async () => (await fra.admin(`/api/v1/torrents/${infoHashV1}`)).status === 404,
  )
  expect((await ams.admin(`/api/v1/torrents/${infoHashV1}`)).status).toBe(404)
})

test('a torrent that was removed while a site was down stays removed once it is up, also after a restart of the node', async () => {
  const federation = await aFederation({ names: ['fra', 'ams'] })
  await federation.connected()
  const [fra, ams] = [federation.site('fra'), federation.site('ams')]
  const info = `d6:lengthi5e4:name5:hello12:piece lengthi16384e6:pieces20:${'x'.repeat(20)}e`
  const registered = await fra.admin('/api/v1/torrents', {
    method: 'POST',
    headers: { 'content-type': 'application/x-bittorrent' },
    body: `d4:info${info}e`,
  })
  const path = `/api/v1/torrents/${((await registered.json()) as { infoHashV1: string }).infoHashV1}`
  await until('ams has it', async () => (await ams.admin(path)).status === 200)

  federation.disconnect('fra', 'ams')
  await fra.admin(path, { method: 'DELETE' })
  await fra.kill()
  await fra.start()
  federation.reconnect('fra', 'ams')

  await until('ams no longer has it', async () => (await ams.admin(path)).status === 404)
  await federation.connected()
  expect((await fra.admin(path)).status).toBe(404)
})

test('a request without the token is rejected, and counted', async () => {
  const federation = await aFederation({ names: ['fra', 'ams'] })
  const fra = federation.site('fra')
  for (const headers of [{}, { authorization: 'Bearer wrong' }] as Record<string, string>[])
    expect((await fra.admin('/federation/v1/stream?site=ams', { headers })).status).toBe(401)
  expect(await fra.metric('siteswarm_federation_refusals_total{reason="token"}')).toBe(1)
})

/** A self-signed certificate of a proxy before the admin listeners, at 127.0.0.1. */
async function aCertificate() {
  const directory = await aDirectory()
  const [keyFile, file] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')]
  const of = ['-subj', '/CN=siteswarm', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-keyout', keyFile]
  execFileSync('openssl', ['req', '-x509', ...of, ...key, '-out', file], { stdio: 'ignore' })
  return { file, key: readFileSync(keyFile, 'utf8'), certificate: readFileSync(file, 'utf8') }
}

test.skipIf(needs('openssl'))('sites connect through TLS proxies whose certificates they trust', async () => {
  const tls = await aCertificate()
  const federation = await aFederation({
    names: ['fra', 'ams'],
    tls,
    environment: { NODE_EXTRA_CA_CERTS: tls.file },
  })
  await federation.connected()
  const [fra, ams] = [federation.site('fra'), federation.site('ams')]

  await announceFrom(fra, '127.1.1.1', { left: 0 })
  await until('the gateway of ams is handed out the seed', async () =>
    (await handoutOf(ams, '127.2.1.1')).includes('127.1.1.1:6881'),
  )
  expect(await ams.metric('siteswarm_federation_up{remote="fra"}')).toBe(1)
})

test.skipIf(needs('openssl'))(
  'a site with an untrusted certificate is down, and the readiness check has the reason',
  async () => {
    const federation = await aFederation({ names: ['fra', 'ams'], tls: await aCertificate() })
    const ams = federation.site('ams')

    await until('ams reports the reason', async () =>
      /fra is down since .*self-signed certificate/.test(await (await ams.admin('/readyz?verbose')).text()),
    )
    expect(await ams.metric('siteswarm_federation_up{remote="fra"}')).toBe(0)
  },
)

test.skipIf(needs('redis-server'))(
  'sites of several nodes: an announce to one node reaches all nodes of the other site, and another URL takes over',
  async () => {
    const stores = { fra: (await aRedis()).url, ams: (await aRedis()).url }
    const federation = await aFederation({ names: ['fra', 'ams'], nodes: 2, stores })
    await federation.connected()
    const [fra1, fra2] = [federation.site('fra'), federation.site('fra', 1)]
    const [ams1, ams2] = [federation.site('ams'), federation.site('ams', 1)]

    await announceFrom(fra1, '127.1.1.1', { left: 0 })
    for (const node of [ams1, ams2])
      await until('each node of ams hands out the seed to the gateway', async () =>
        (await handoutOf(node, '127.2.1.1')).includes('127.1.1.1:6881'),
      )
    for (const node of [ams1, ams2]) expect(await handoutOf(node, '127.2.1.2')).toEqual(['127.2.1.1:6881'])

    await fra1.kill()
    await announceFrom(fra2, '127.1.1.2', { left: 0 })
    for (const node of [ams1, ams2]) {
      await until(
        'ams is connected to the other node of fra',
        async () => (await node.metric('siteswarm_federation_up{remote="fra"}')) === 1,
      )
      await until(
        'ams counts the seed that announced to the other node',
        async () => (await counts(node, '127.2.9.9')).complete === 2,
      )
    }
  },
)
