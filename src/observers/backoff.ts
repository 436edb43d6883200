/**
 * Delay before a client is dialled again after failures: doubles from five seconds to five minutes, with a jitter, so
 * that clients which failed together are not dialled together.
 *
 * A firewall rule that is removed is noticed within five minutes; a client that announces again is dialled at once.
 */
import type { Random } from '../core/random.ts'

const FIRST_MS = 5_000
const LONGEST_MS = 300_000
const JITTER_SHARE = 0.2

/** `failures`: consecutive ones, at least 1. */
export function backoffMs(failures: number, random: Random): number {
  const delayMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1))
  return delayMs * (1 - (JITTER_SHARE * random.below(1_000)) / 1_000)
}
