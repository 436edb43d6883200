/** What the laboratory wants from a tracker: run in a namespace, serve these torrents, and write each host's file. */
import type { Content } from '../content.ts'
import type { Need } from '../need.ts'
import type { LabHost, LabShape } from '../plan.ts'

export interface TrackerJob {
  readonly directory: string
  readonly namespace: string
  /** One per tier; all of them reach the same tracker. */
  readonly addresses: readonly string[]
  readonly shape: LabShape
  readonly contents: readonly Content[]
}

export interface RunningTracker {
  /** The torrent file for one host; hosts may share one. */
  readonly torrentFor: (host: LabHost, content: Content) => Promise<string>
  readonly stop: () => Promise<void>
  readonly start: () => Promise<void>
}

export interface TrackerKind {
  readonly name: string
  readonly summary: string
  readonly needs: readonly Need[]
  readonly open: (job: TrackerJob) => Promise<RunningTracker>
}

export const announceUrl = (address: string) => `http://${address}:6969/announce`

/** Whether a tracker answers at all, and how many complete peers it knows of a torrent. */
export async function completePeers(address: string, infoHash: Buffer): Promise<number> {
  const escaped = [...infoHash].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  const answer = await fetch(`http://${address}:6969/scrape?info_hash=${escaped}`, {
    signal: AbortSignal.timeout(2_000),
  }).catch(() => undefined)
  if (answer === undefined) return 0
  const body = Buffer.from(await answer.arrayBuffer()).toString('latin1')
  return Number(/8:completei(\d+)e/.exec(body)?.[1] ?? 0)
}
