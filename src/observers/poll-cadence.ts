/**
 * Interval between two polls of a client that is not observed continuously: a poll is a connection that is closed after
 * the bitfield.
 *
 * A poll is due when the client is older by a thirtieth than at the previous one, so that progress is known to about 3 %
 * of the torrent, and completion after a thirtieth of the time of the download. Near the end half of the time that the
 * client still needs is enough.
 */

const AGE_SHARE = 1 / 30
/** Before the first piece is there. */
const FIRST_MS = 1_000
/** For a client that shows its completion in no other way. */
const RECONNECTED_MS_MIN = 500
/** For a client that announces its completion: progress is known to 10 s, and 3,000 clients take 300 dials a second. */
const OTHER_MS_MIN = 5_000
/** An old, slow client is still polled once a minute. */
const MS_MAX = 60_000
/** A complete client is polled only to notice that it is gone. */
const COMPLETE_MS = 300_000

export interface PolledClient {
  readonly sendsHave: boolean
  readonly isComplete: boolean
  /** Time since the client announced first. */
  readonly ageMs: number
  readonly share: number | undefined
}

export function pollIntervalMs({ sendsHave, isComplete, ageMs, share }: PolledClient): number {
  if (isComplete) return COMPLETE_MS
  const shortestMs = sendsHave ? OTHER_MS_MIN : RECONNECTED_MS_MIN
  if (share === undefined || share === 0)
    return Math.min(MS_MAX, Math.max(shortestMs, FIRST_MS, ageMs * AGE_SHARE))
  const neededMs = (ageMs * (1 - share)) / share
  return Math.min(MS_MAX, Math.max(shortestMs, Math.min(ageMs * AGE_SHARE, neededMs / 2)))
}
