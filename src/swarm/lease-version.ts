/**
 * Versions of the decisions about a lease: numbers of which the highest stays, and no two decisions have the same. So
 * nodes that hear of decisions in any order agree on the last one.
 */

/*
  version => an integer below 2^53
    bit 0          1 where the lease ended by the decision
    bits 1 … 10    the node that decided
    above          when: milliseconds since 1970, until 2109
*/
export const VERSIONS_PER_MS = 2_048

/**
 * Numbers that nodes bear here. Two nodes of a site have the same one once in a thousand times, and then have to
 * decide about one host in the same millisecond.
 */
export const NODE_NUMBERS = VERSIONS_PER_MS / 2

/** Later than what is known of the lease so far. */
export function nextLeaseVersion(known: number, nowMs: number, node: number, isEnd: boolean): number {
  const timeMs = Math.max(nowMs, Math.floor(known / VERSIONS_PER_MS) + 1)
  return timeMs * VERSIONS_PER_MS + node * 2 + (isEnd ? 1 : 0)
}

/** The end of a lease that every node comes to by itself, of the decision that granted or changed it last. */
export function surplusVersion(version: number): number {
  return version + 1
}
