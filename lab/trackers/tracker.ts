/** What the laboratory wants from a tracker: run in a namespace, serve these torrents, and write each host's file. */
import { get } from 'node:http'
import type { Content } from '../content.ts'
import type { Need } from '../need.ts'
import { type LabHost, type LabShape, OBSERVER_ADDRESS } from '../plan.ts'

export interface TrackerJob {
  readonly directory: string
  readonly namespace: string
  /** One per tier; all of them reach the same tracker. */
  readonly addresses: readonly string[]
  readonly shape: LabShape
  readonly contents: readonly Content[]
}

export interface RunningTracker {
  readonly isRunning: boolean
  /** Where the laboratory asks how many complete peers there are. */
  readonly observedAt: string
  readonly logPath: string
  /** The torrent file for one host; hosts may share one. */
  readonly torrentFor: (host: LabHost, content: Content) => Promise<string>
  readonly stop: () => Promise<void>
  readonly start: () => Promise<void>
  /** Ends what serves one site, without a word; absent where all sites share one tracker. */
  readonly killSite?: (site: number) => void
}

export interface TrackerKind {
  readonly name: string
  readonly summary: string
  readonly needs: readonly Need[]
  readonly open: (job: TrackerJob) => Promise<RunningTracker>
}

export const announceUrl = (address: string) => `http://${address}:6969/announce`

/** How many complete peers the tracker knows of a torrent; 0 also while it does not answer. */
export async function completePeers(address: string, infoHash: Buffer): Promise<number> {
  return Number(/8:completei(\d+)e/.exec(await scrape(address, infoHash))?.[1] ?? 0)
}

/** Whether a client that announces now is heard: some come back from a refused connection only minutes later. */
export async function isListening(address: string, infoHash: Buffer): Promise<boolean> {
  return (await scrape(address, infoHash)) !== ''
}

/** The answer; nothing where there is none. */
function scrape(address: string, infoHash: Buffer): Promise<string> {
  const escaped = [...infoHash].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  const url = `http://${address}:6969/scrape?info_hash=${escaped}`
  return new Promise<string>((resolve) => {
    // Asked as a host of the first site would: a tracker may answer nobody it cannot place.
    const request = get(url, { localAddress: OBSERVER_ADDRESS, timeout: 2_000, agent: false }, (answer) => {
      let text = ''
      answer.setEncoding('latin1').on('data', (part: string) => (text += part))
      answer.on('end', () => resolve(text))
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(''))
  })
}
