/**
 * A failure response: one bencoded dictionary for every kind of failure.
 *
 * It always contains `interval` and `min interval`: without them libtorrent, qBittorrent and Deluge wait 30 minutes
 * before the next announce.
 */
import { REFUSAL_INTERVAL_SECONDS } from '../../core/limits.ts'

/** `reason` is for people; every client shows it. One character per byte (`latin1`), as in all responses. */
export function writeFailure(reason: string): string {
  const text = Buffer.from(reason).toString('latin1')
  const interval = REFUSAL_INTERVAL_SECONDS
  return `d14:failure reason${text.length}:${text}8:intervali${interval}e12:min intervali${interval}ee`
}

/** Longer than any meaningful address or header entry, and short enough for the status line of a client. */
const QUOTED_CHARACTERS_MAX = 60

/** Received text for use inside a reason: printable ASCII, in quotes, cut to a line. */
export function quoteForReason(text: string): string {
  const shown: string[] = []
  for (let at = 0; at < Math.min(text.length, QUOTED_CHARACTERS_MAX); at++) {
    const code = text.charCodeAt(at)
    shown.push(code >= 32 && code < 127 ? text.charAt(at) : '?')
  }
  return `"${shown.join('')}${text.length > QUOTED_CHARACTERS_MAX ? '…' : ''}"`
}
