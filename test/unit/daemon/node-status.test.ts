/** Readiness checks that report a set-up in which sites do not meet, and files that differ. */
import { expect, test } from 'vitest'
import { missingFederation, nodeHealth, type NodeStatus } from '../../../src/daemon/node-status.ts'
import { writeReadiness } from '../../../src/observe/health.ts'
import type { RemoteStatus } from '../../../src/federation/federation.ts'
import type { Topology } from '../../../src/topology/topology.ts'
import { aTopology } from '../../a-topology.ts'

const SHARED = 'http://t.example:6969/announce'

/** Three sites, of which each has its own tracker, or all have the same. */
function withTrackers(isShared: boolean): Topology {
  const topology = aTopology()
  const sites = topology.sites.map((site) => ({
    ...site,
    trackers: [isShared ? SHARED : `http://${site.name}.example:6969/announce`],
  }))
  return { ...topology, sites, siteNamed: (name) => sites.find((site) => site.name === name) }
}

function status(more: Partial<NodeStatus>): string {
  const health = nodeHealth(() => ({
    isRestored: true,
    drain: undefined,
    peers: 0,
    store: {
      isUp: true,
      isCaughtUp: true,
      lagSeconds: 0,
      backlogBytes: 0,
      droppedBatches: 0,
      invalidValues: 0,
      sentence: '',
    },
    topology: withTrackers(true),
    site: 'fra',
    topologyRejection: undefined,
    federation: undefined,
    clientObservers: undefined,
    carriers: undefined,
    ...more,
  }))
  return writeReadiness(health.readiness())
}

function aFederation(remote: Partial<RemoteStatus>) {
  const remotes = () => [
    {
      site: 'ams',
      state: 'up',
      sinceMs: Date.UTC(2030, 0, 2),
      reason: 'heartbeats arrive',
      ageSeconds: 1,
      torrents: 0,
      topologyHash: undefined,
      ...remote,
    },
  ]
  const commonCredentials = 'the same federation.token'
  return { remotes, commonCredentials } as unknown as NonNullable<NodeStatus['federation']>
}

test('sites with trackers of their own and without federation are reported, sites that share a tracker are not', () => {
  expect(missingFederation(withTrackers(true), 'fra')).toBeUndefined()
  expect(missingFederation(withTrackers(false), 'fra')).toContain(
    'not federated, although ams, nyc have trackers',
  )
  expect(status({ topology: withTrackers(false) })).toContain('warn federation: not federated')
  expect(status({})).toContain('ok   federation: off: this node answers for all sites')
})

test('a remote site that never answered differs from one that is down, and the advice names what to check', () => {
  const never = aFederation({ state: 'down', ageSeconds: undefined, reason: 'http://ams:6970: ECONNREFUSED' })
  expect(status({ federation: never })).toContain(
    'ams is down since 2030-01-02T00:00:00.000Z (http://ams:6970: ECONNREFUSED) and has never answered: its federation URLs must lead to the admin listeners of its nodes, and all sites need the same federation.token',
  )
  const down = aFederation({ state: 'down', ageSeconds: 60, reason: 'no message for 5 s' })
  expect(status({ federation: down })).toMatch(/ams is down since \S+ \(no message for 5 s\);/)
})

test('a topology file that was rejected is reported until it is fixed, with its position', () => {
  expect(status({ topologyRejection: 'topology.yaml:7:3  unknown key "prot"' })).toMatch(
    /warn topology: the file was rejected, the topology \S+ stays: topology\.yaml:7:3\s+unknown key "prot"/,
  )
})

test('a remote site with another topology is reported with both hashes', () => {
  const body = status({ federation: aFederation({ topologyHash: 'fedcba987654' }) })
  expect(body).toContain(`ams has fedcba987654, this node has ${withTrackers(true).hash}: copy the same file`)
  expect(status({ federation: aFederation({ topologyHash: withTrackers(true).hash }) })).toContain(
    'ok   topology',
  )
})

test('a node whose observers and carriers reach none of five clients is reported', () => {
  const withClients = (reachable: number, unreachable: number) => {
    const census = { clients: reachable + unreachable, carried: 4, reachable, unreachable }
    return status({
      clientObservers: { census: () => census } as unknown as NonNullable<NodeStatus['clientObservers']>,
    })
  }
  expect(withClients(0, 5)).toContain('warn observers: none of 5 clients accepts a connection from this node')
  expect(withClients(0, 4)).toContain('ok   observers: 4 clients observed, 4 of them by carriers')
  expect(withClients(1, 5)).toContain('5 do not accept connections')
})
