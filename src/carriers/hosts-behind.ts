/**
 * Finds the hosts of a site that have fewer pieces than most others: a host without neighbours that deliver, such as one
 * with a closed port that announced before the others; a few hosts that know only each other; a host with a slow link.
 *
 * Such a host is offered the pieces of others until it has caught up, and no new ones. A new piece would wait there while
 * the others exchange theirs. If the host received the pieces of others only after the site has all of them, it would
 * complete that much later than its site.
 */
import type { CarriedClient } from './carried-client.ts'

/** Hosts that exchange all pieces differ by a few, and by less than a tenth. */
const BEHIND_PIECES_MIN = 8
const BEHIND_SHARE = 0.1
/** A host that has caught up differs by no more than this. */
const CAUGHT_UP_PIECES = 2

/** Transmission and rtorrent show no pieces while they download: nothing is known about their neighbours. */
export function findHostsBehind(hosts: readonly CarriedClient[], isFilling: boolean): void {
  const counts = hosts
    .filter(({ sendsHave, isComplete }) => sendsHave && !isComplete)
    .map(({ assigned }) => assigned.had.count)
    .toSorted((a, b) => a - b)
  const median = counts[counts.length >> 1] ?? 0
  for (const { assigned, sendsHave } of hosts) {
    const missing = median - assigned.had.count
    const isFar = assigned.isBehind
      ? missing > CAUGHT_UP_PIECES
      : missing >= BEHIND_PIECES_MIN && missing > median * BEHIND_SHARE
    assigned.isBehind = isFilling && sendsHave && isFar
  }
}
