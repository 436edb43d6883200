/** The tracker's HTTP listener of a node, with its handlers and limits. */
import type { NodeConfig } from '../config/load-config.ts'
import type { AnnounceTokens } from '../core/announce-tokens.ts'
import type { TrackerService } from '../core/announce.ts'
import type { Log } from '../core/log.ts'
import type { ListenerTls } from '../core/tls-pair.ts'
import type { Counters } from '../observe/counters.ts'
import type { DownloadHandler } from '../server/http/announce-handler.ts'
import { HttpServer, httpServerLimits } from '../server/http/http-server.ts'
import { UntrustedForwarding } from '../server/http/untrusted-forwarding.ts'
import { isInPrefixes } from '../topology/prefix-set.ts'

/** Handlers of `/torrents/` and `/webseed/`. */
export interface Downloads {
  readonly torrents: DownloadHandler
  readonly webSeeds: DownloadHandler
}

export interface HttpListenerParts {
  readonly config: NodeConfig
  readonly tracker: TrackerService
  readonly downloads: Downloads
  readonly tokens: AnnounceTokens
  readonly counters: Counters
  readonly tls: ListenerTls | undefined
  readonly log: Log
}

export function httpListener(parts: HttpListenerParts): HttpServer {
  const { config, tracker, tokens, counters, log } = parts
  const forwarding = new UntrustedForwarding(log, () => counters.ignoredForwarding())
  return new HttpServer(
    {
      tracker,
      tokens,
      tls: parts.tls,
      ...parts.downloads,
      isTrusted: isInPrefixes(config.trustedProxies),
      onUntrustedForwarding: (from, header) => forwarding.report(from, header),
      onInvalidProxyHeader: (from, reason) => forwarding.reportInvalid(from, reason),
      onRefusal: (code) => counters.refusal(code),
      log,
    },
    { ...httpServerLimits, connectionsPerSourceMax: config.limits.connectionsPerSource },
  )
}
