/**
 * Versions of the decisions about a lease. The decision with the highest version stays and no two have the same one, so
 * nodes that receive decisions in any order agree on the last.
 */

/*
  version => an integer below 2^53
    bit 0          1 if the decision ended the lease
    bits 1 … 10    the node that decided
    above          the time: milliseconds since 1970, until 2109
*/
export const VERSIONS_PER_MS = 2_048

/**
 * The number of node numbers. Two nodes of a site draw the same one with a probability of one in a thousand; even
 * then, equal versions need two decisions about one host in the same millisecond.
 */
export const NODE_NUMBERS = VERSIONS_PER_MS / 2

/** A version above `known`, the lease's last one. */
export function nextLeaseVersion(known: number, nowMs: number, node: number, isEnd: boolean): number {
  const timeMs = Math.max(nowMs, Math.floor(known / VERSIONS_PER_MS) + 1)
  return timeMs * VERSIONS_PER_MS + node * 2 + (isEnd ? 1 : 0)
}

/** The version of an end that each node derives by itself from the last decision that granted or changed the lease. */
export function surplusVersion(version: number): number {
  return version + 1
}
