/** All contracts against a real Redis: one server, and a Cluster of three masters. */
import { afterAll, beforeAll, describe } from 'vitest'
import { needs } from '../setup/needs.ts'
import { type RunningCluster, type RunningRedis, startCluster, startRedis } from '../a-redis.ts'
import { redisSites } from './a-redis-site.ts'
import type { Skips } from './a-site.ts'
import { describeCompletionStore } from './completion-store.ts'
import { describeDocumentStore } from './document-store.ts'
import { describeGatewayLeases } from './gateway-leases.ts'
import { describeOverrideStore } from './override-store.ts'
import { describeSecretStore } from './secret-store.ts'
import { describeSiteLog } from './site-log.ts'
import { describeTorrentStore } from './torrent-store.ts'

/** Shared state outlives a node in Redis, not on the disk of the node. */
const IN_REDIS: Skips = {
  'keeps the records of a node over its restart': 'they are in Redis: the replay covers it',
  'keeps documents over a restart': 'they are in Redis: the new node covers it',
  'keeps its torrents over a restart': 'they are in Redis: the new node covers it',
  'keeps its overrides over a restart': 'they are in Redis: the new node covers it',
  'keeps its removals over a restart':
    'they are in the mirror, the same directory as that of the memory store',
}

describe.skipIf(needs('redis-server'))('one Redis', () => {
  let redis: RunningRedis | undefined
  beforeAll(async () => void (redis = await startRedis()))
  afterAll(() => redis?.stop())
  const aSite = redisSites(() => redis?.url ?? '')
  describeSiteLog('one Redis', aSite, IN_REDIS)
  describeGatewayLeases('one Redis', aSite)
  describeCompletionStore('one Redis', aSite)
  describeTorrentStore('one Redis', aSite, IN_REDIS)
  describeDocumentStore('one Redis', aSite, IN_REDIS)
  describeOverrideStore('one Redis', aSite, IN_REDIS)
  describeSecretStore('one Redis', aSite)
})

describe.skipIf(needs('redis-server'))('Redis Cluster', () => {
  let cluster: RunningCluster | undefined
  beforeAll(async () => void (cluster = await startCluster()))
  afterAll(() => cluster?.stop())
  const aSite = redisSites(() => cluster?.url ?? '')
  describeSiteLog('Redis Cluster', aSite, IN_REDIS)
  describeGatewayLeases('Redis Cluster', aSite)
  describeCompletionStore('Redis Cluster', aSite)
  describeTorrentStore('Redis Cluster', aSite, IN_REDIS)
  describeDocumentStore('Redis Cluster', aSite, IN_REDIS)
  describeOverrideStore('Redis Cluster', aSite, IN_REDIS)
  describeSecretStore('Redis Cluster', aSite)
})
