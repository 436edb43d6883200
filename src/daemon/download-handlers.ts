/** Handlers of downloads on the tracker's listener: torrents for the place of a client, and content of origins. */
import type { AnnounceTokens } from '../core/announce-tokens.ts'
import type { RefusalCode } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Counters } from '../observe/counters.ts'
import type { TorrentRegistry } from '../registry/torrent-registry.ts'
import { TorrentVariants } from '../registry/torrent-variants.ts'
import { TorrentHandler } from '../server/http/torrent-handler.ts'
import { WebSeedHandler } from '../server/http/web-seed-handler.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { WebSeeds } from '../webseed/web-seeds.ts'

interface DownloadComponents {
  readonly registry: TorrentRegistry
  readonly topology: CurrentTopology
  readonly webSeeds: WebSeeds
  readonly tokens: AnnounceTokens
  readonly counters: Counters
  readonly log: Log
}

export function downloadHandlers({
  registry,
  topology,
  webSeeds,
  tokens,
  counters,
  log,
}: DownloadComponents): {
  readonly torrents: TorrentHandler
  readonly webSeeds: WebSeedHandler
} {
  const shared = { registry, topology, onRefusal: (code: RefusalCode) => counters.refusal(code) }
  const variants = new TorrentVariants({
    ...shared,
    webSeedFor: (registration, place) => webSeeds.urlFor(registration, place),
    tokenFor: (site) => tokens.tokenFor(site),
  })
  return {
    torrents: new TorrentHandler({ ...shared, variants }),
    webSeeds: new WebSeedHandler({ ...shared, webSeeds, metrics: counters.origins, log }),
  }
}
