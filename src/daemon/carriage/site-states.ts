/**
 * Transport of the torrents that this node carries, for each site: whether the content reaches the site through carriers,
 * from what the process of the carriers reports.
 *
 * A site whose carrier finds no source, although another site has one, falls back to gateways. Each client that becomes
 * gateway fetches what the carrier would have fetched too, so a site that had an upstream waits longer for the next one:
 * another node takes over from a lost carrier within five seconds. A site that is cut off waits for its return, because
 * gateways are cut off as well.
 */
import { infoHashKey } from '../../core/info-hash.ts'
import type { Swarm } from '../../swarm/swarm.ts'
import type { SiteTransport } from '../../tracker/ports.ts'

/** Connecting to the other sites and choosing an upstream takes a second at most. */
const FIRST_GRACE_MS = 3_000
const LOST_GRACE_MS = 8_000
/** A site whose clients the node cannot dial needs nothing before they have connected to the node. */
const UNLINKED_GRACE_MS = 10_000
/** The nodes of the site that has the source may be down permanently, and its hosts not. */
const CUT_GRACE_MS = 30_000

/** Of the process: see `CarriageMessage`. */
export interface ReportedSite {
  readonly hasSource: boolean
  readonly upstream: string | undefined
  readonly needsPieces: boolean
}

/** Another site from which this one could fetch: `cut` while its nodes are not connected. */
export type SourceElsewhere = 'connected' | 'cut' | undefined

export interface SiteStatesInit {
  readonly nowMs: () => number
  readonly reportOf: (infoHash: Buffer, site: string) => ReportedSite | undefined
  readonly sourceElsewhere: (infoHash: Buffer, site: string) => SourceElsewhere
}

interface SiteState {
  /** Since when the site needs an upstream and has none; undefined while it has what it needs. */
  lacksSinceMs: number | undefined
  hadUpstream: boolean
  isDirect: boolean
  /** As of the last look. */
  transport: SiteTransport
}

export class SiteStates {
  readonly #init: SiteStatesInit
  readonly #torrents = new Map<string, Map<string, SiteState>>()

  constructor(init: SiteStatesInit) {
    this.#init = init
  }

  /** Reads the present report of the process. Returns whether the transport changed. */
  update(infoHash: Buffer, site: string): boolean {
    const state = this.#stateOf(infoHash, site)
    this.#read(state, infoHash, site)
    const transport = this.transportOf(infoHash, site)
    const isChanged = transport !== state.transport
    state.transport = transport
    return isChanged
  }

  #read(state: SiteState, infoHash: Buffer, site: string): void {
    const report = this.#init.reportOf(infoHash, site)
    if (report?.hasSource === true || report?.upstream !== undefined) {
      state.hadUpstream = true
      state.lacksSinceMs = undefined
      state.isDirect = false
      return
    }
    const nowMs = this.#init.nowMs()
    // A site that has all that it needs has no upstream either.
    if (state.hadUpstream && report?.needsPieces === false) state.lacksSinceMs = undefined
    state.lacksSinceMs ??= nowMs
    const source = this.#init.sourceElsewhere(infoHash, site)
    const isDue = source !== undefined && nowMs - state.lacksSinceMs >= graceMs(state, source, report)
    if (isDue) state.isDirect = true
  }

  transportOf(infoHash: Buffer, site: string): SiteTransport {
    const state = this.#torrents.get(infoHashKey(infoHash))?.get(site)
    if (state?.isDirect === true) return 'direct'
    const isSettling =
      state?.hadUpstream !== true && this.#init.sourceElsewhere(infoHash, site) === 'connected'
    return isSettling ? 'settling' : 'carried'
  }

  forget(infoHash: Buffer): void {
    this.#torrents.delete(infoHashKey(infoHash))
  }

  #stateOf(infoHash: Buffer, site: string): SiteState {
    const key = infoHashKey(infoHash)
    const sites = this.#torrents.get(key) ?? new Map<string, SiteState>()
    this.#torrents.set(key, sites)
    const state = sites.get(site) ?? newState()
    sites.set(site, state)
    return state
  }
}

function graceMs(state: SiteState, source: SourceElsewhere, report: ReportedSite | undefined): number {
  if (source === 'cut') return CUT_GRACE_MS
  if (state.hadUpstream) return LOST_GRACE_MS
  return report?.needsPieces === false ? UNLINKED_GRACE_MS : FIRST_GRACE_MS
}

function newState(): SiteState {
  return { lacksSinceMs: undefined, hadUpstream: false, isDirect: false, transport: 'settling' }
}

/** `isConnected`: false for a remote site whose nodes are not connected. */
export function sourceElsewhere(
  swarm: Swarm | undefined,
  siteIndex: number,
  isConnected: (siteIndex: number) => boolean,
): SourceElsewhere {
  const sources = (swarm?.sites ?? []).filter((site) => site.site !== siteIndex && site.trustedSeeds > 0)
  if (sources.length === 0) return undefined
  return sources.some(({ site }) => isConnected(site)) ? 'connected' : 'cut'
}
