/** Creates the store of the site from the configuration: Redis for the nodes of a site, memory for a single node. */
import { join } from 'node:path'
import type { NodeConfig } from '../config/load-config.ts'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import { type Random, systemSecret } from '../core/random.ts'
import { InputError } from '../core/errors.ts'
import { SiteClock } from '../core/site-clock.ts'
import { infoHashesOf, readMetainfo } from '../metainfo/metainfo.ts'
import { summarize } from '../metainfo/summary.ts'
import { formatNote, metadataOf, readRegistration } from '../registry/registration.ts'
import { MemoryStore } from '../replication/memory/memory-store.ts'
import { OverrideFile } from '../replication/override-file.ts'
import { SnapshotFile } from '../replication/memory/snapshot-file.ts'
import { TorrentDirectory } from '../replication/torrent-directory.ts'
import { RedisStore } from '../replication/redis/redis-store.ts'
import { announceSecondsMinLongest } from '../tracker/client-profile.ts'
import { lifetimeSeconds } from '../tracker/interval.ts'
import type { RegisteredTorrent, SiteStore } from '../replication/site-store.ts'

export interface NodeStore {
  readonly store: SiteStore
  /** Reads the directory of torrents: files that were added are registered, files that were removed are not any more. */
  readonly reloadTorrents: () => Promise<void>
  /** Registers what was added to the directory since the last poll. */
  readonly pollTorrents: () => Promise<void>
}

/** Reads nothing and connects to nothing; `SiteStore.open` does. */
export function openStore(
  { site, store, dataDirectory, torrents, interval }: NodeConfig,
  { clock: ownClock, random, log }: { readonly clock: Clock; readonly random: Random; readonly log: Log },
): NodeStore {
  const siteClock = new SiteClock(ownClock)
  const clock = store.kind === 'memory' ? siteClock : ownClock
  const directory = new TorrentDirectory({
    directory: torrents.directory,
    describe: describeTorrent,
    isRequired: torrents.admit === 'registered' && store.kind === 'memory',
    clock,
    log,
  })
  const overrides = new OverrideFile({ path: join(dataDirectory, `overrides-${site}.json`), log })
  if (store.kind === 'memory') {
    const snapshots = new SnapshotFile(join(dataDirectory, `swarms-${site}.snapshot`), clock)
    const documents = new SnapshotFile(join(dataDirectory, `rollouts-${site}.snapshot`), clock)
    return {
      store: new MemoryStore({
        snapshots,
        documents,
        torrents: directory,
        overrides,
        clock,
        followClock: () => {
          const atMs = siteClock.elapsed()
          return siteClock.read({ referenceMs: ownClock.nowMs(), requestedMs: atMs, respondedMs: atMs })
        },
        newSecret: systemSecret,
        log,
      }),
      reloadTorrents: () => directory.reload(),
      pollTorrents: () => directory.poll(),
    }
  }
  const redis = new RedisStore({
    target: store.target,
    site,
    lifetimeMs: lifetimeSeconds(interval.maxMs / 1000, announceSecondsMinLongest) * 1000,
    mirror: directory,
    mirrorDirectory: torrents.directory,
    overrides,
    check: checkStoredTorrent,
    clock,
    random,
    newSecret: systemSecret,
    log,
  })
  return {
    store: redis,
    reloadTorrents: () => redis.torrents.reload(),
    pollTorrents: () => redis.torrents.poll(),
  }
}

function describeTorrent(bytes: Buffer, path: string) {
  const metainfo = readMetainfo(bytes, path)
  const { name, contentBytes } = summarize(metainfo)
  return { infoHashes: infoHashesOf(metainfo), name: name ?? '', sizeBytes: contentBytes }
}

/** See `CheckTorrent`. */
function checkStoredTorrent(torrent: RegisteredTorrent, bytes: Buffer): RegisteredTorrent {
  const described = describeTorrent(bytes, 'the torrent in the store')
  const [first] = torrent.infoHashes
  if (first === undefined || described.infoHashes[0]?.equals(first) !== true)
    throw new InputError('the torrent in the store has another infohash')
  return { ...torrent, ...described }
}

/**
 * See `DescribeRemoteTorrent`. The origin with which the torrent is registered at this site stays: a site decides for
 * itself where its nodes fetch content.
 */
export function describeRemoteTorrent(
  bytes: Buffer,
  known: RegisteredTorrent | undefined,
): Omit<RegisteredTorrent, 'registeredAtMs'> {
  const metainfo = readMetainfo(bytes, 'a torrent of another site')
  const { name, contentBytes, isPrivate, pieceCount } = summarize(metainfo)
  const origin = known === undefined ? undefined : readRegistration(known).origin
  return {
    infoHashes: infoHashesOf(metainfo),
    name: name ?? '',
    sizeBytes: contentBytes,
    note: formatNote(metadataOf(metainfo, isPrivate), { pieces: pieceCount, origin }),
  }
}
