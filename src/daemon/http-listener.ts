/** The tracker's HTTP listener of a node, with its handlers and limits. */
import type { NodeConfig } from '../config/load-config.ts'
import type { ListenerTls } from '../core/tls-pair.ts'
import { HttpServer, httpServerLimits } from '../server/http/http-server.ts'
import { UntrustedForwarding } from '../server/http/untrusted-forwarding.ts'
import { isInPrefixes } from '../topology/prefix-set.ts'
import type { Tracker } from '../tracker/tracker.ts'
import { type DownloadComponents, downloadHandlers } from './download-handlers.ts'

export interface HttpListenerParts extends DownloadComponents {
  readonly config: NodeConfig
  readonly tracker: Tracker
  readonly tls: ListenerTls | undefined
}

export function httpListener(parts: HttpListenerParts): HttpServer {
  const { config, tracker, tokens, counters, log } = parts
  const forwarding = new UntrustedForwarding(log, () => counters.ignoredForwarding())
  return new HttpServer(
    {
      tracker,
      tokens,
      tls: parts.tls,
      ...downloadHandlers(parts),
      isTrusted: isInPrefixes(config.trustedProxies),
      onUntrustedForwarding: (from, header) => forwarding.report(from, header),
      onInvalidProxyHeader: (from, reason) => forwarding.reportInvalid(from, reason),
      onRefusal: (code) => counters.refusal(code),
      log,
    },
    { ...httpServerLimits, connectionsPerSourceMax: config.limits.connectionsPerSource },
  )
}
