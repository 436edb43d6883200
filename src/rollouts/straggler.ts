/**
 * The reason for which a host is late. A host is a straggler if it makes no progress, if its client is gone, or if it is
 * far behind the other hosts of its site.
 */

/** Public values, from the API. */
export const stragglerReasons = ['port-closed', 'stalled', 'gone', 'no-peers', 'slow', 'checking'] as const

export type StragglerReason = (typeof stragglerReasons)[number]

/** A host that is not complete. */
export interface LateHost {
  /** 0 if it is not known. */
  readonly share: number
  /** The client left without a complete copy. */
  readonly isGone: boolean
  /** Does not accept connections. */
  readonly isUnreachable: boolean
  /** A node observed that it gets nothing, or it announced several times without progress. */
  readonly isStalled: boolean
  /** It announces that it has everything, and shows that it has not; or it does not know the size of the torrent yet. */
  readonly isChecking: boolean
  /** A peer was handed out to it, or a carrier serves it. */
  readonly hasPeers: boolean
  readonly sinceMs: number
  /** Share per second in the last third of its time; undefined if it has just arrived. */
  readonly sharePerSecond: number | undefined
  /** At the last measurement. */
  readonly wasLate: boolean
}

/** The other hosts of the site. */
export interface SiteProgress {
  /** Median share of the hosts, complete ones included. */
  readonly medianShare: number
  /** Median rate of the hosts that are not complete. */
  readonly medianSharePerSecond: number
  /** Share of the hosts that are complete. */
  readonly completeShare: number
}

/** A host that arrived a moment ago is not late. */
const GRACE_MS = 15_000
const BEHIND_SHARE = 0.15
/** From here on, each incomplete host is one that the others wait for. */
const LAST_HOSTS_SHARE = 0.9
/** A host that completes within this time becomes no straggler: some host is always the last one. */
const NEAR_END_SECONDS = 15
const SLOW_FACTOR = 0.5

/** undefined for a host that is not late. */
export function stragglerReason(
  host: LateHost,
  site: SiteProgress,
  nowMs: number,
): StragglerReason | undefined {
  if (host.isGone) return 'gone'
  if (nowMs - host.sinceMs < GRACE_MS) return undefined
  if (host.isChecking) return 'checking'
  const hasStopped = host.isStalled || host.sharePerSecond === 0
  if (hasStopped) {
    if (host.isUnreachable) return 'port-closed'
    return host.hasPeers ? 'stalled' : 'no-peers'
  }
  const isBehind =
    site.medianShare - host.share >= BEHIND_SHARE ||
    (site.completeShare >= LAST_HOSTS_SHARE && host.share < 1) ||
    isSlow(host, site)
  if (!isBehind || (!host.wasLate && isNearEnd(host))) return undefined
  return host.isUnreachable ? 'port-closed' : 'slow'
}

function isNearEnd({ share, sharePerSecond }: Pick<LateHost, 'share' | 'sharePerSecond'>): boolean {
  return sharePerSecond !== undefined && 1 - share <= sharePerSecond * NEAR_END_SECONDS
}

/** Its rate is far below that of the other hosts. */
function isSlow(
  { sharePerSecond }: Pick<LateHost, 'sharePerSecond'>,
  { medianSharePerSecond }: Pick<SiteProgress, 'medianSharePerSecond'>,
): boolean {
  return sharePerSecond !== undefined && sharePerSecond < SLOW_FACTOR * medianSharePerSecond
}
