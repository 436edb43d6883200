/**
 * A failure as a client reads it: one bencoded dictionary, whatever went wrong.
 *
 * It always carries `interval` and `min interval`: without them libtorrent, qBittorrent and Deluge stay away for
 * 30 minutes.
 */
import { REFUSAL_INTERVAL_SECONDS } from '../../core/limits.ts'

/** `reason` is for people; every client shows it. One character a byte (`latin1`), as all our answers. */
export function writeFailure(reason: string): string {
  const text = Buffer.from(reason).toString('latin1')
  const interval = REFUSAL_INTERVAL_SECONDS
  return `d14:failure reason${text.length}:${text}8:intervali${interval}e12:min intervali${interval}ee`
}

/** Longer than any address or header entry that makes sense; short enough for a client's status line. */
const QUOTED_CHARACTERS_MAX = 60

/** Something a peer sent, fit to be shown inside a reason: printable ASCII, in quotes, cut to a line. */
export function quoteForReason(text: string): string {
  const shown: string[] = []
  for (let at = 0; at < Math.min(text.length, QUOTED_CHARACTERS_MAX); at++) {
    const code = text.charCodeAt(at)
    shown.push(code >= 32 && code < 127 ? text.charAt(at) : '?')
  }
  return `"${shown.join('')}${text.length > QUOTED_CHARACTERS_MAX ? '…' : ''}"`
}
