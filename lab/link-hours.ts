/** Hours of a link that open it a while after a moment: they are written in whole minutes. */

const MINUTE_MS = 60_000
const OPEN_MS = 12 * 60 * MINUTE_MS

export interface LinkHours {
  readonly opensAtMs: number
  /** As in a topology file. */
  readonly text: string
}

export function hoursThatOpenAfter(nowMs: number, delayMs: number): LinkHours {
  const opensAtMs = Math.ceil((nowMs + delayMs) / MINUTE_MS) * MINUTE_MS
  const clock = (ms: number) => new Date(ms).toISOString().slice(11, 16)
  return { opensAtMs, text: `${clock(opensAtMs)}-${clock(opensAtMs + OPEN_MS)} UTC` }
}
