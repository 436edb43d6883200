/** Each alert of deploy/ fires in a real Prometheus after a fault that the test injects into real nodes, and not before it. */
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { readFileSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { runCommand } from '../a-command-run.ts'
import { aFederation, until } from '../a-federation.ts'
import { aDirectory, aNode, announceFrom, PROGRAM, type RunningNode } from '../a-node.ts'
import { aPrometheus, type RunningPrometheus } from '../a-prometheus.ts'
import { aRedis, type RunningRedis } from '../a-redis.ts'
import { needs } from '../setup/needs.ts'

const PATIENCE_MS = 240_000

/** Alerts that a test saw firing after its fault. */
const fired = new Set<string>()

/** The alert fires after the fault, not before it. */
async function provoke(
  prometheus: RunningPrometheus,
  name: string,
  labels: Readonly<Record<string, string>>,
  fault: () => Promise<unknown> | void,
): Promise<void> {
  expect(await prometheus.firing()).not.toContain(name)
  await fault()
  await prometheus.fires(name, labels)
  fired.add(name)
}

/** Repeats a request until the end of the test. */
function repeat(act: () => Promise<unknown>, everyMs: number): { stop(): void } {
  const timer = setInterval(() => void act().catch(() => undefined), everyMs)
  const stop = () => clearInterval(timer)
  onTestFinished(stop)
  return { stop }
}

/** A store whose writes take most of a second: each pause ends before the node gives up. */
function slowDown(redis: RunningRedis): { stop(): void } {
  return repeat(() => redis.ask('client', 'pause', 900, 'WRITE'), 950)
}

/** Loaded into a node before its program: a bug in the code of announces, and a low limit of connections. */
async function faultsIn(directory: string): Promise<Record<string, string>> {
  const file = join(directory, 'faults.mjs')
  const module = (path: string) => JSON.stringify(pathToFileURL(join(dirname(PROGRAM), path)).href)
  await writeFile(
    file,
    `const { Tracker } = await import(${module('tracker/tracker.js')})
const { httpServerLimits } = await import(${module('server/http/http-server.js')})
const announce = Tracker.prototype.announce
Tracker.prototype.announce = function (request, ...rest) {
  if (request.port === 6666) throw new Error('a bug that a test injected')
  return announce.call(this, request, ...rest)
}
httpServerLimits.connectionsMax = 20
`,
  )
  return { NODE_OPTIONS: `--import=${pathToFileURL(file).href}` }
}

function workersOf(node: RunningNode): number[] {
  const pid = node.process.pid ?? 0
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return children.split(' ').filter(Boolean).map(Number)
}

describe.skipIf(needs('prometheus', 'redis-server'))('an alert fires after its fault', () => {
  test('of a node, of its store, of a site, and between sites', { timeout: PATIENCE_MS }, async () => {
    const [storeOfFra, storeOfAms] = [await aRedis(), await aRedis()]
    const federation = await aFederation({
      names: ['fra', 'ams'],
      nodes: 2,
      stores: { fra: storeOfFra.url, ams: storeOfAms.url },
    })
    await federation.connected()
    const [fra, fra2, ams] = [federation.site('fra'), federation.site('fra', 1), federation.site('ams')]
    const file = join(await aDirectory(), 'image.bin')
    await writeFile(file, randomBytes(100_000))
    const published = await runCommand(['publish', file, '--url', ams.adminUrl, '--json'])
    const { infoHashV1 } = JSON.parse(published.out) as { infoHashV1: string }

    const prometheus = await aPrometheus(
      federation.sites.map(({ name, adminUrl }) => ({ site: name, adminUrl })),
      // Minutes of lag are a lag of seconds here; below them is what a healthy node has.
      {
        change: (alerts) =>
          alerts.replace('siteswarm_store_lag_seconds > 300', 'siteswarm_store_lag_seconds > 0.4'),
      },
    )
    // The nodes of the two sites reach each other through relays, so that their files differ.
    expect(await prometheus.firing()).toEqual(['SiteswarmTopologiesDiffer'])

    // Of the panels, those that a node without remote sites does not have.
    for (const metric of ['siteswarm_federation_up', 'siteswarm_federation_age_seconds'])
      expect(await prometheus.valuesOf(metric)).toHaveLength(4)

    await provoke(prometheus, 'SiteswarmSiteStranded', { site: 'fra' }, () => announceFrom(fra, '127.1.1.1'))
    await provoke(prometheus, 'SiteswarmTorrentHeld', { site: 'fra' }, () =>
      ams.admin(`/api/v1/rollouts/${infoHashV1}/hold?site=fra`, { method: 'POST' }),
    )
    await provoke(prometheus, 'SiteswarmNodeNotReady', { node_site: 'fra' }, () =>
      fra2.admin('/api/v1/drain?reason=test', { method: 'POST' }),
    )
    const intruder = { headers: { authorization: 'Bearer a-wrong-token' } }
    await provoke(prometheus, 'SiteswarmFederationRefused', { node_site: 'fra', reason: 'token' }, () =>
      fetch(`${fra.adminUrl}/federation/v1/stream?site=ams`, intruder),
    )
    await provoke(prometheus, 'SiteswarmStoreBehind', { node_site: 'fra' }, () => {
      const announcing = repeat(() => announceFrom(fra, '127.1.1.2'), 50)
      const slow = slowDown(storeOfFra)
      setTimeout(() => {
        announcing.stop()
        slow.stop()
      }, 30_000)
    })
    await provoke(prometheus, 'SiteswarmStoreDown', { node_site: 'ams' }, () => storeOfAms.kill())
    await provoke(prometheus, 'SiteswarmSiteUnreachable', { node_site: 'fra', remote: 'ams' }, () =>
      federation.disconnect('fra', 'ams'),
    )
    await provoke(prometheus, 'SiteswarmNodeDown', { node_site: 'fra' }, () => fra2.kill())
    await provoke(prometheus, 'SiteswarmSiteDown', { node_site: 'ams' }, () =>
      Promise.all([ams.kill(), federation.site('ams', 1).kill()]),
    )
  })

  test('of its clients, of its topology, and of its program', { timeout: PATIENCE_MS }, async () => {
    const environment = await faultsIn(await aDirectory())
    const node = await aNode({ isObserving: true, environment })
    const other = await aNode({ isObserving: true })
    await writeFile(other.topologyPath, await readFile(node.topologyPath))
    await other.admin('/api/v1/reload', { method: 'POST' })
    const prometheus = await aPrometheus([node, other].map(({ adminUrl }) => ({ adminUrl, site: 'fra' })))
    expect(await prometheus.firing()).toEqual([])

    await provoke(prometheus, 'SiteswarmTopologiesDiffer', {}, async () => {
      const text = await readFile(node.topologyPath, 'utf8')
      await writeFile(other.topologyPath, text.replace('127.3.0.0/16', '127.3.0.0/17'))
      await other.admin('/api/v1/reload', { method: 'POST' })
    })
    await provoke(prometheus, 'SiteswarmTopologyRefused', { result: 'refused' }, async () => {
      await writeFile(node.topologyPath, 'sites: {}\n')
      node.process.kill('SIGHUP')
    })
    await provoke(prometheus, 'SiteswarmInternalErrors', {}, () =>
      announceFrom(node, '127.1.1.1', { port: 6666 }),
    )
    await provoke(prometheus, 'SiteswarmAddressUnmapped', {}, async () => {
      for (let host = 1; host <= 15; host++) await announceFrom(node, `127.99.0.${host}`)
    })
    await provoke(prometheus, 'SiteswarmClientsUnreachable', { site: 'fra' }, async () => {
      for (let host = 1; host <= 6; host++) await announceFrom(node, `127.1.2.${host}`, { port: 9 + host })
    })
    await provoke(prometheus, 'SiteswarmOverloaded', { node_site: 'fra' }, async () => {
      const { port } = new URL(node.announceUrl)
      const sockets: Socket[] = []
      onTestFinished(() => sockets.forEach((socket) => socket.destroy()))
      for (let host = 1; host <= 30; host++)
        sockets.push(
          connect({ port: Number(port), host: '127.0.0.1', localAddress: `127.1.3.${host}` }).on(
            'error',
            () => {},
          ),
        )
    })
  })

  test('of workers that exit', { timeout: PATIENCE_MS }, async () => {
    const node = await aNode({ serve: ['--workers', '2'] })
    await node.logged('"event":"workers-ready"')
    const prometheus = await aPrometheus([{ adminUrl: node.adminUrl, site: 'fra' }])
    expect(await prometheus.firing()).toEqual([])
    await provoke(prometheus, 'SiteswarmWorkersEnding', {}, async () => {
      for (let killed = 1; killed <= 5; killed++) {
        process.kill(workersOf(node)[1] ?? 0, 'SIGKILL')
        await until(
          'the worker is replaced',
          () => node.log().split('"event":"workers-ready"').length > killed + 1,
        )
      }
    })
  })

  test('each of them', async () => {
    const { groups } = parse(await readFile('deploy/prometheus/alerts.yaml', 'utf8')) as {
      groups: { rules: { alert: string }[] }[]
    }
    const all = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert))
    expect([...fired].toSorted()).toEqual(all.toSorted())
  })
})
