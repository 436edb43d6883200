/** Responses of the admin API, as far as the dashboard shows them (docs/reference/api.md). */

export type RolloutState = 'waiting' | 'running' | 'held' | 'stranded' | 'complete'

/** `mixed`: of some hosts observed, of others announced. */
export type ProgressOrigin = 'observed' | 'announced' | 'mixed' | 'unknown'
/** `bound`: an upper bound, because gateways fetched and clients report only their own content. */
export type BytesOrigin = 'counted' | 'bound'

export interface HostCounts {
  /** null if the operator has not stated a number. */
  readonly expected: number | null
  readonly seen: number
  readonly complete: number
  readonly unreachable: number
  /** Clients that had the content from the start; not counted in `seen`. */
  readonly sources: number
}

export interface RolloutBytes {
  readonly downloaded: number
  readonly betweenSites: number
  readonly betweenSitesAtMost: number
  readonly saved: number
}

/** A row of the list. */
export interface Rollout {
  readonly infoHash: string
  readonly name: string
  readonly sizeBytes: number
  readonly state: RolloutState
  readonly isRegistered: boolean
  readonly startedAt: string | null
  readonly completedAt: string | null
  readonly sentence: string
  readonly percent: number
  readonly rateBytesPerSecond: number
  readonly etaSeconds: number | null
  readonly hosts: HostCounts
  readonly bytes: RolloutBytes
  readonly origin: {
    readonly percent: ProgressOrigin
    readonly downloaded: ProgressOrigin
    readonly betweenSites: BytesOrigin
    readonly saved: BytesOrigin
  }
}

export interface RolloutDetail extends Rollout {
  /** Numbers for this torrent, by `site` or `site/bubble`; those of the topology are not contained. */
  readonly expect: Readonly<Record<string, number>>
  readonly sites: readonly RolloutSite[]
}

export interface RolloutSite {
  readonly site: string
  readonly state: 'idle' | 'filling' | 'warm' | 'stranded'
  readonly isHeld: boolean
  readonly isComplete: boolean
  readonly hadSource: boolean
  readonly sentence: string
  readonly percent: number
  readonly copiesIn: number
  readonly rateBytesPerSecond: number
  readonly etaSeconds: number | null
  /** Older where the nodes of the site are unreachable. */
  readonly measuredAt: string
  readonly hosts: HostCounts
  readonly bytes: {
    readonly betweenSites: number
    readonly from: readonly { readonly site: string; readonly bytes: number }[]
  }
  readonly origin: { readonly percent: ProgressOrigin; readonly betweenSites: BytesOrigin }
  readonly bubbles: readonly RolloutBubble[]
  readonly carrier: {
    readonly node: string
    readonly upstreamSite: string | null
    readonly rateBytesPerSecond: number
  } | null
  readonly gateway: {
    readonly address: string
    readonly port: number
    readonly percent: number
    readonly upstream: { readonly site: string; readonly address: string; readonly port: number } | null
  } | null
  readonly stragglers: readonly Straggler[]
  /** More than are listed. */
  readonly stragglersTotal: number
}

export interface RolloutBubble {
  readonly bubble: string
  readonly percent: number
  readonly hosts: HostCounts
}

export interface Straggler {
  readonly address: string
  readonly port: number
  readonly bubble: string
  readonly client: string | null
  readonly percent: number
  readonly progressFrom: ProgressOrigin
  readonly lastSeenAt: string
  readonly reason: string
}

/** An element of `GET /api/v1/rollouts/{infohash}/hosts`, which lists one site. */
export interface RolloutHost extends Omit<Straggler, 'reason'> {
  readonly state: 'complete' | 'downloading' | 'gone'
  /** Why the host is late; null if it is not. */
  readonly reason: string | null
  readonly rateBytesPerSecond: number
  readonly isUnreachable: boolean
  readonly isGatewayHost: boolean
}

/** Response of `GET /api/v1/node`. */
export interface NodeInformation {
  readonly site: string
  readonly version: string
  readonly startedAt: string
  readonly topologyHash: string
  readonly isReady: boolean
  readonly drain: { readonly since: string; readonly reason: string | null } | null
  readonly checks: readonly NodeCheck[]
  readonly configuration: unknown
}

export interface NodeCheck {
  readonly check: string
  readonly isOk: boolean
  /** A check that is not required does not make the node unready. */
  readonly isRequired: boolean
  readonly sentence: string
  readonly worker: number | null
}

export interface TopologySite {
  readonly site: string
  readonly region: string | null
  readonly gateways: 'auto' | number
  readonly trackers: readonly string[]
  readonly federation: readonly string[]
  readonly bubbles: readonly { readonly bubble: string; readonly trackers: readonly string[] }[]
  readonly costs: Readonly<Record<string, number>>
}

export interface TopologyResponse {
  readonly topologyHash: string
  readonly unmapped: string
  readonly sites: readonly TopologySite[]
}

export interface SiteStatus {
  readonly site: string
  readonly region: string | null
  readonly isOwn: boolean
  /** `here`: this node answers for the site. */
  readonly state: 'here' | 'up' | 'stale' | 'down'
  readonly since: string | null
  readonly reason: string | null
  readonly ageSeconds: number | null
  readonly topologyHash: string | null
  readonly torrents: number
}

export interface Torrent {
  readonly infoHash: string
  readonly infoHashV1: string | null
  readonly infoHashV2: string | null
  readonly name: string
  readonly sizeBytes: number
  readonly isPrivate: boolean
  readonly origin: string | null
  readonly registeredAt: string
}

export interface TorrentDetail extends Torrent {
  readonly sites: readonly {
    readonly site: string
    readonly bubble: string
    readonly torrentUrl: string
    readonly magnetUrl: string
  }[]
  readonly warnings: readonly { readonly code: string; readonly message: string }[]
}

/** Response of `GET /api/v1/hosts/{ip}`. */
export interface HostInformation {
  readonly address: string
  readonly site: string | null
  readonly bubble: string | null
  readonly prefix: string | null
  readonly total: number
  readonly torrents: readonly HostTorrentInformation[]
}

export interface HostTorrentInformation {
  readonly infoHash: string
  /** null if the torrent is not registered. */
  readonly name: string | null
  readonly port: number
  readonly role: 'leecher' | 'seed' | 'partial'
  readonly isGateway: boolean
  readonly percent: number | null
  readonly progressFrom: 'observed' | 'announced' | 'unknown'
  readonly reachability: 'reachable' | 'unreachable' | 'unknown'
  readonly isStalled: boolean
  readonly lastSeenAt: string
}

export interface Explanation {
  readonly infoHash: string
  readonly address: string
  readonly port: number | null
  readonly site: string | null
  readonly bubble: string | null
  readonly isKnown: boolean
  readonly role: string
  readonly state: string
  readonly observed: string | null
  readonly problem: string | null
  readonly isGateway: boolean
  readonly isDecidedHere: boolean
  readonly becomesGateway: string | null
  readonly loopbackWithheld: number
  readonly peers: readonly {
    readonly address: string
    readonly port: number
    readonly site: string | null
    readonly bubble: string | null
    readonly role: string
    readonly ring: string
    readonly reason: string
    readonly because: string
    readonly observed: string | null
  }[]
}

export interface LocatedAddress {
  readonly address: string
  readonly site: string | null
  readonly bubble: string | null
  readonly prefix: string | null
}

/** Response of `POST /api/v1/topology/check`. */
export interface TopologyCheck {
  readonly topologyHash: string | null
  readonly isSame: boolean
  readonly problems: readonly {
    readonly line: number
    readonly column: number
    readonly message: string
    readonly hint: string | null
  }[]
  readonly changes: readonly string[]
}

/** An element of `GET /api/v1/links`: one link, the same in both directions. */
export interface Link {
  readonly between: readonly [string, string]
  readonly cost: number
  readonly carry: 'nodes' | 'direct'
  /** null: not limited. */
  readonly rateBytesPerSecond: number | null
  /** `override`: an operator has replaced the rate of the topology. */
  readonly rateFrom: 'override' | 'topology' | null
  readonly rateSetAt: string | null
  readonly hours: string | null
  readonly isOpen: boolean
  readonly nextChangeAt: string | null
}

/** An element of `GET /api/v1/savings`. */
export interface SavingsRow {
  /** `2030-01`, or `all`. */
  readonly period: string
  /** The site, or the infohash of the torrent. */
  readonly subject: string
  readonly name: string
  readonly rollouts: number
  readonly downloadedBytes: number
  readonly betweenSitesBytes: number
  readonly betweenSitesBytesAtMost: number
  readonly savedBytes: number
  readonly origin: BytesOrigin
}
