import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runCommand } from '../a-command-run.ts'
import { aDirectory, announceFrom, aNode, peersOf, type RunningNode, topologyText } from '../a-node.ts'

const HASH = 'ab'.repeat(20)

test('an announce gets peers of the swarm, selected by the topology file', async () => {
  const node = await aNode()
  expect(peersOf(await announceFrom(node, '127.1.1.1', { left: 0 }))).toEqual([])
  expect(peersOf(await announceFrom(node, '127.2.1.1'))).toEqual(['127.1.1.1:6881'])
  expect(peersOf(await announceFrom(node, '127.2.2.1'))).toEqual(['127.2.1.1:6881'])
  const refused = await announceFrom(node, '127.9.9.9')
  expect(refused).toMatch(/^d14:failure reason\d+:.*127\.9\.9\.9/)
})

test('announces over UDP reach the same swarm, and the metrics distinguish them', async () => {
  const node = await aNode()
  await announceFrom(node, '127.1.1.1', { left: 0 })
  const flags = ['--info-hash', HASH, '--from', '127.1.1.2', '--port', '6882', '--event', 'started']
  const { exitCode, out } = await runCommand(['announce', node.udpAnnounceUrl, ...flags])
  expect(exitCode).toBe(0)
  expect(out).toContain('127.1.1.1:6881\n')
  const metrics = await (await node.admin('/metrics')).text()
  expect(metrics).toContain('siteswarm_announces_total{site="fra",protocol="udp",event="started"} 1\n')
  expect(metrics).toContain('siteswarm_udp_dropped_total{cause="unproven"} 0\n')
})

test('SIGTERM: the node is not ready and reports it, writes its snapshot, and exits 0', async () => {
  const node = await aNode()
  await announceFrom(node, '127.1.1.1', { left: 0 })
  expect(await (await node.admin('/readyz')).text()).toBe('ready\n')
  expect(await node.stop()).toBe(0)
  expect(node.log()).toContain('"event":"draining"')
  expect(await readdir(join(node.directory, 'data'))).toEqual(['swarms-fra.snapshot', 'torrents'])
})

test('a restarted node hands out the same peers to the first client', async () => {
  const before = await aNode()
  for (const host of ['127.1.1.1', '127.2.1.1', '127.2.1.2', '127.2.2.1'])
    await announceFrom(before, host, { left: host === '127.1.1.1' ? 0 : 9 })
  const peers = peersOf(await announceFrom(before, '127.2.1.1', { left: 9 }))
  await before.stop()
  const after = await aNode({ directory: before.directory })
  expect(peersOf(await announceFrom(after, '127.2.1.1', { left: 9 }))).toEqual(peers)
})

test('a damaged snapshot is set aside with a warning, and the node starts', async () => {
  const directory = await aDirectory()
  const before = await aNode({ directory })
  await announceFrom(before, '127.1.1.1', { left: 0 })
  await before.stop()
  const path = join(directory, 'data', 'swarms-fra.snapshot')
  const bytes = await readFile(path)
  await writeFile(path, bytes.subarray(0, bytes.length - 10))
  const after = await aNode({ directory })
  expect(after.log()).toContain('"event":"snapshot-damaged"')
  expect((await readdir(join(directory, 'data'))).some((name) => name.includes('damaged'))).toBe(true)
  expect(await (await after.admin('/readyz')).text()).toBe('ready\n')
})

test('SIGHUP reloads the topology, and peers have the places of the new one', async () => {
  const node = await aNode()
  await announceFrom(node, '127.9.1.1')
  await writeFile(
    node.topologyPath,
    topologyText(1).replace('127.3.0.0/16', '127.9.0.0/16').replaceAll('127.3.', '127.9.'),
  )
  node.process.kill('SIGHUP')
  await node.logged('"event":"reloaded"')
  expect(peersOf(await announceFrom(node, '127.9.1.1'))).toEqual([])
})

test('a replaced topology file is reloaded automatically', async () => {
  const node = await aNode()
  const text = topologyText(1).replaceAll('127.3.', '127.9.')
  await writeFile(`${node.topologyPath}.new`, text)
  await rename(`${node.topologyPath}.new`, node.topologyPath)
  await node.logged('"event":"reloaded"')
  expect(peersOf(await announceFrom(node, '127.9.1.1'))).toEqual([])
})

test('a wrong topology changes nothing, and the log and the metrics report it', async () => {
  const node = await aNode()
  await writeFile(node.topologyPath, 'sites:\n  fra: { cidrs: [10.0.0.1/8] }\n')
  node.process.kill('SIGHUP')
  await node.logged('"event":"reload-refused"')
  expect(node.log()).toContain('10.0.0.0/8')
  const response = await node.admin('/api/v1/reload', { method: 'POST' })
  expect(response.status).toBe(422)
  expect(peersOf(await announceFrom(node, '127.2.1.1'))).toEqual([])
  const metrics = await (await node.admin('/metrics')).text()
  expect(metrics).toMatch(/siteswarm_topology_reloads_total\{result="refused"\} [1-9]/)
})

test('a wrong configuration ends with 78 and every problem', async () => {
  await expect(aNode({ more: 'intervall: { min: 1m }\ntorrents: { admit: some }\n' })).rejects.toThrow(
    /ended with 78[^]*intervall[^]*admit/,
  )
})

test('an address in use ends with 1 and advice', async () => {
  const node = await aNode()
  const httpPort = Number(new URL(node.announceUrl).port)
  await expect(aNode({ httpPort })).rejects.toThrow(/ended with 1[^]*another program listens/)
})

test('explain gives a reason for every peer, over the admin API', async () => {
  const node = await aNode()
  for (const host of ['127.1.1.1', '127.2.1.1', '127.2.1.2'])
    await announceFrom(node, host, { left: host === '127.1.1.1' ? 0 : 9 })
  const response = await node.admin(`/api/v1/explain?info_hash=${HASH}&ip=127.2.1.1&port=6881`)
  const explained = (await response.json()) as {
    isGateway: boolean
    role: string
    peers: { address: string; role: string; reason: string }[]
  }
  expect(explained.isGateway).toBe(true)
  expect(explained.role).toBe('leecher')
  expect(explained.peers.map(({ address, role, reason }) => [address, role, reason])).toEqual([
    ['127.2.1.2', 'leecher', 'introduced'],
    ['127.1.1.1', 'seed', 'upstream'],
  ])
})

test('the admin API reports errors of a request by their code', async () => {
  const node = await aNode()
  const errorOf = async (path: string) => {
    const response = await node.admin(path)
    return [response.status, ((await response.json()) as { code: string }).code]
  }
  expect(await errorOf('/api/v1/explain?info_hash=12&ip=127.1.1.1')).toEqual([400, 'infohash-invalid'])
  expect(await errorOf(`/api/v1/explain?info_hash=${HASH}&ip=host`)).toEqual([400, 'ip-invalid'])
  expect(await errorOf(`/api/v1/explain?info_hash=${HASH}&ip=127.1.1.1`)).toEqual([404, 'swarm-unknown'])
  expect(await errorOf('/api/v1/nothing')).toEqual([404, 'not-found'])
  expect(
    (await node.admin('/api/v1/drain', { method: 'POST', headers: { origin: 'http://evil.example' } }))
      .status,
  ).toBe(403)
})

test('with an admin token the API requires it, and health and metrics do not', async () => {
  const node = await aNode({ more: 'admin: { token: correct-horse-battery }\n' })
  expect((await node.admin('/api/v1/swarms')).status).toBe(401)
  const headers = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
  expect((await node.admin('/api/v1/swarms', headers('correct-horse-batterx'))).status).toBe(401)
  expect((await node.admin('/api/v1/swarms', headers('correct-horse-battery'))).status).toBe(200)
  expect((await node.admin('/metrics')).status).toBe(200)
  expect((await node.admin('/readyz')).status).toBe(200)
})

/** A GET with exactly this request target and Host; fetch would normalize both. */
function statusOf(node: RunningNode, target: string, host = '127.0.0.1'): Promise<number | undefined> {
  const { hostname, port } = new URL(node.adminUrl)
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { hostname, port, path: target, agent: false, headers: { host } },
      (response) => {
        response.resume()
        resolve(response.statusCode)
      },
    )
    outgoing.on('error', reject).end()
  })
}

test('no spelling of an API path bypasses the admin token', async () => {
  // The router decodes escapes and accepts absolute targets; the guard once compared the raw target.
  const node = await aNode({ more: 'admin: { token: correct-horse-battery }\n' })
  expect(await statusOf(node, '/%61pi/v1/swarms')).toBe(401)
  expect(await statusOf(node, '/ap%69/v1/explain?info_hash=1')).toBe(401)
  expect(await statusOf(node, 'http://127.0.0.1/api/v1/swarms')).toBe(401)
})

test('without a token, a page whose host name resolves to loopback is rejected', async () => {
  const node = await aNode()
  expect(await statusOf(node, '/api/v1/swarms', 'evil.example:6970')).toBe(403)
  for (const host of ['127.0.0.1:6970', 'localhost:6970', '[::1]:6970', '127.0.0.1'])
    expect(await statusOf(node, '/api/v1/swarms', host)).toBe(200)
})

test('the metrics contain the duration of announces', async () => {
  const node = await aNode()
  await announceFrom(node, '127.1.1.1')
  await announceFrom(node, '127.1.1.2')
  const metrics = await (await node.admin('/metrics')).text()
  expect(metrics).toContain('siteswarm_announce_duration_seconds_count 2')
  expect(metrics).not.toContain('siteswarm_announce_duration_seconds_sum 0\n')
})

test('with admit: registered only the torrents of the directory are served', async () => {
  const node = await aNode({
    directory: await aDirectory(),
    more: 'torrents: { admit: registered, directory: . }\n',
  })
  expect(await announceFrom(node, '127.1.1.1')).toContain('does not serve that torrent')
})

test('downloads are still counted after a restart, also of a torrent without peers', async () => {
  const before = await aNode()
  await announceFrom(before, '127.1.1.1', { left: 5 })
  await announceFrom(before, '127.1.1.1', { left: 0, event: 'completed' })
  await announceFrom(before, '127.1.1.1', { left: 0, event: 'stopped' })
  await before.stop()
  const after = await aNode({ directory: before.directory })
  expect(await announceFrom(after, '127.1.1.2')).toContain('10:downloadedi1e')
})
