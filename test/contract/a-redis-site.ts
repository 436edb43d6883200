/**
 * Sites of nodes that share a Redis, for the contract suites and for tests of outages. Each node has its own directory.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import { SeededRandom, systemSecret } from '../../src/core/random.ts'
import { isStoreUrlProblem, readStoreUrl } from '../../src/core/store-url.ts'
import { OverrideFile } from '../../src/replication/override-file.ts'
import { TorrentDirectory } from '../../src/replication/torrent-directory.ts'
import { RedisStore } from '../../src/replication/redis/redis-store.ts'
import { TextReplica, type TestNode, type TestSite } from './a-site.ts'

export const silentLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** Tests do not wait for the shortest lifetime that a configuration allows. */
const LIFETIME_MS = 3_600_000

let sites = 0

export interface RedisNodeSettings {
  readonly url: string
  readonly site: string
  readonly lifetimeMs?: number
  readonly clock?: Clock
}

export interface RedisNode extends TestNode {
  readonly store: RedisStore
}

/** A name that no other test uses. */
export const aSiteName = (): string => `site-${process.pid}-${++sites}`

/** A node that is not open yet. Closed with the test. */
export async function aRedisNode(settings: RedisNodeSettings): Promise<RedisNode> {
  const { url, site, lifetimeMs = LIFETIME_MS, clock = systemClock } = settings
  const target = readStoreUrl(url)
  if (isStoreUrlProblem(target)) throw new Error(target.message)
  const directory = await mkdtemp(join(tmpdir(), 'siteswarm-contract-'))
  const replica = new TextReplica()
  const store = new RedisStore({
    target,
    site,
    lifetimeMs,
    mirror: aDirectory(directory),
    mirrorDirectory: directory,
    overrides: new OverrideFile({ path: join(directory, 'overrides.json'), log: silentLog }),
    // The contract's torrents are any bytes.
    check: (torrent) => torrent,
    clock,
    random: new SeededRandom(1),
    newSecret: systemSecret,
    log: silentLog,
  })
  replica.attach(store)
  onTestFinished(async () => {
    await store.close()
    await rm(directory, { recursive: true, force: true })
  })
  return { store, replica }
}

export const aDirectory = (directory: string): TorrentDirectory =>
  new TorrentDirectory({
    directory,
    describe: (_bytes, path) => ({ infoHashes: [Buffer.alloc(20, path)], name: path, sizeBytes: 1 }),
    isRequired: false,
    clock: systemClock,
    log: silentLog,
  })

/** For suites whose server starts after their declaration. */
export function redisSites(url: () => string): () => Promise<TestSite> {
  return async () => {
    const site = aSiteName()
    return {
      node: async () => {
        const node = await aRedisNode({ url: url(), site })
        await node.store.open(node.replica)
        return node
      },
    }
  }
}
