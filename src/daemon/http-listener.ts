/** The tracker's HTTP listener of a node, with its handlers and limits. */
import type { NodeConfig } from '../config/load-config.ts'
import { HttpServer, httpServerLimits } from '../server/http/http-server.ts'
import { UntrustedForwarding } from '../server/http/untrusted-forwarding.ts'
import { isInPrefixes } from '../topology/prefix-set.ts'
import type { Tracker } from '../tracker/tracker.ts'
import { type DownloadComponents, downloadHandlers } from './download-handlers.ts'

export interface HttpListenerParts extends DownloadComponents {
  readonly config: NodeConfig
  readonly tracker: Tracker
}

export function httpListener(parts: HttpListenerParts): HttpServer {
  const { config, tracker, tokens, counters, log } = parts
  const forwarding = new UntrustedForwarding(log, () => counters.ignoredForwarding())
  return new HttpServer(
    {
      tracker,
      tokens,
      ...downloadHandlers(parts),
      isTrusted: isInPrefixes(config.trustedProxies),
      onUntrustedForwarding: (from, header) => forwarding.report(from, header),
      onRefusal: (code) => counters.refusal(code),
      log,
    },
    { ...httpServerLimits, connectionsPerSourceMax: config.limits.connectionsPerSource },
  )
}
