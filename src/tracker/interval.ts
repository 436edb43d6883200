/**
 * Announce interval of a peer.
 *
 * A leecher announces often, so that a lost gateway is replaced soon; a seed announces seldom. Large swarms and a busy
 * node stretch both. Jitter keeps a flash crowd from announcing in step.
 */
import type { Random } from '../core/random.ts'

export interface IntervalLimits {
  readonly secondsMin: number
  readonly secondsMax: number
}

/** Announces of one swarm: 600 peers a minute. In larger swarms the interval grows. */
const SWARM_ANNOUNCES_PER_SECOND = 10
/** Announces of all swarms that a node answers at rest: nine million peers at 30 minutes are 5,000 a second. */
const NODE_ANNOUNCES_PER_SECOND = 5_000
/**
 * `min interval` is half the interval, but not less than this: aria2 announces again after the smaller of both, and
 * rtorrent, when it has few peers, after this one. It may exceed the interval, and those clients then use the interval.
 * A smaller `interval.max` of the operator limits it.
 */
const INTERVAL_SECONDS_MIN_FLOOR = 300
/** ± 10 %. */
const JITTER = 0.1
/** A late announce does not mean a dead peer: its link may be full, or it tried another tracker of the tier first. */
const LIFETIME_SLACK_SECONDS = 30

export interface AnnounceInterval {
  readonly intervalSeconds: number
  readonly intervalSecondsMin: number
}

export function computeInterval(
  limits: IntervalLimits,
  peer: { readonly isWaiting: boolean; readonly swarmPeers: number; readonly nodePeers: number },
  load: number,
  random: Random,
): AnnounceInterval {
  const atRest = peer.isWaiting ? limits.secondsMin : Math.max(limits.secondsMin, limits.secondsMax / 2)
  const bySwarm = peer.swarmPeers / SWARM_ANNOUNCES_PER_SECOND
  const byNode = peer.nodePeers / NODE_ANNOUNCES_PER_SECOND
  const wanted = Math.max(atRest, bySwarm, byNode) * Math.max(1, load)
  const jittered = wanted * (1 - JITTER + (2 * JITTER * random.below(1 << 16)) / (1 << 16))
  const intervalSeconds = Math.round(Math.min(limits.secondsMax, Math.max(limits.secondsMin, jittered)))
  const intervalSecondsMin = Math.max(INTERVAL_SECONDS_MIN_FLOOR, Math.floor(intervalSeconds / 2))
  return { intervalSeconds, intervalSecondsMin: Math.min(limits.secondsMax, intervalSecondsMin) }
}

/**
 * Lifetime of a peer after an announce: two intervals as its client keeps them, and slack. With one interval, each
 * live client whose announce is a little late would vanish from the responses.
 */
export function lifetimeSeconds(intervalSeconds: number, announceSecondsMin: number): number {
  return 2 * Math.max(intervalSeconds, announceSecondsMin) + LIFETIME_SLACK_SECONDS
}

/** Recent announces as a multiple of those that a node answers at rest. */
export class LoadMeter {
  #windowStartMs = 0
  #announces = 0
  #load = 0

  /** Counts one announce and returns the load of the last full window; below 1 the node is not busy. */
  count(nowMs: number): number {
    const elapsedMs = nowMs - this.#windowStartMs
    if (elapsedMs >= WINDOW_MS || elapsedMs < 0) {
      this.#load =
        elapsedMs > 2 * WINDOW_MS ? 0 : (this.#announces * 1000) / elapsedMs / NODE_ANNOUNCES_PER_SECOND
      this.#windowStartMs = nowMs
      this.#announces = 0
    }
    this.#announces++
    return this.#load
  }
}

const WINDOW_MS = 5_000
