/** A topology file of 65,000 prefixes, which is reloaded while clients announce. */
import { readFile, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { announceFrom, aNode, type RunningNode } from '../a-node.ts'
import { reportFigure } from './report-figure.ts'
import { flood, type FloodAnnounce } from './udp-flood.ts'

const PREFIXES = 65_000
const PEERS = 50_000
const UNLIMITED =
  'limits: { requestsPerSource: 1000000, torrentsPerSource: 1000000, peersPerSource: 1000000 }\n'

/** Behind a site of the prefixes, which comes first: all sites of the file get other numbers. */
function withPrefixes(topology: string): string {
  const cidrs = Array.from({ length: PREFIXES }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`)
  return topology.replace(
    'sites:\n',
    `sites:\n  big: { cidrs: [${cidrs.join(', ')}], trackers: ["http://t.example/announce"] }\n`,
  )
}

function* peers(): Generator<FloodAnnounce> {
  for (let index = 0; index < PEERS; index++) {
    const infoHash = Buffer.alloc(20, 1)
    infoHash.writeUInt32BE(index % 500, 8)
    const peerId = Buffer.from('-XX0000-............')
    peerId.writeUInt32BE(index, 8)
    yield { infoHash, peerId, port: 1024 + index }
  }
}

/** Times of announces, one after the other, until `until` is settled, in milliseconds. */
async function announceUntil(node: RunningNode, until: Promise<unknown>): Promise<number[]> {
  const state = { isOver: false }
  void until.finally(() => (state.isOver = true))
  const tookMs: number[] = []
  while (!state.isOver) {
    const startMs = performance.now()
    expect(await announceFrom(node, '127.1.1.1', { left: 0 })).toContain('8:complete')
    tookMs.push(performance.now() - startMs)
    await sleep(2)
  }
  return tookMs
}

test('while 65,000 prefixes are read and all peers change their places, announces are answered', async () => {
  const node = await aNode({ more: UNLIMITED })
  await flood(node, peers(), '127.1.2.1')
  await flood(node, peers(), '127.2.2.1')
  await writeFile(node.topologyPath, withPrefixes(await readFile(node.topologyPath, 'utf8')))
  const startMs = performance.now()
  const reload = node.admin('/api/v1/reload', { method: 'POST' })
  const announces = await announceUntil(node, reload)
  const tookMs = performance.now() - startMs
  expect((await reload).status).toBe(200)
  reportFigure(
    `reload of ${PREFIXES} prefixes with ${2 * PEERS} peers: ${Math.round(tookMs)} ms, ${announces.length} announces meanwhile, the longest ${Math.round(Math.max(...announces))} ms`,
  )
  // Two, if the node answered none while it reads the file: one before and one after.
  expect(announces.length).toBeGreaterThan(10)
  const status = (await (await node.admin('/api/v1/topology')).json()) as { sites: { site: string }[] }
  expect(status.sites.map(({ site }) => site)).toEqual(['big', 'fra', 'ams', 'nyc'])
  const metrics = await (await node.admin('/metrics')).text()
  for (const site of ['fra', 'ams'])
    expect(metrics).toContain(`siteswarm_peers{site="${site}",bubble="row-b",role="leecher"} ${PEERS}`)
})
