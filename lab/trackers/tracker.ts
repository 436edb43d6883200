/** Interface of a tracker in the laboratory: it runs in a namespace, serves given torrents, and writes each host's torrent file. */
import type { ChildProcess } from 'node:child_process'
import { get } from 'node:http'
import type { Content } from '../content.ts'
import { type LabHost, type LabShape, OBSERVER_ADDRESS } from '../plan.ts'
import type { ProgramRequirement } from '../requirement.ts'

export interface TrackerJob {
  readonly directory: string
  readonly namespace: string
  /** One for each tier; all of them reach the same tracker. */
  readonly addresses: readonly string[]
  /** Path of the built siteswarm program, for the trackers that are siteswarm. */
  readonly program: string
  readonly shape: LabShape
  readonly contents: readonly Content[]
  /** Configuration of the nodes of a site in addition to that of the laboratory, as environment variables. */
  readonly environment: (site: number) => Readonly<Record<string, string>>
}

/** Token of every admin listener of the laboratory. */
export const ADMIN_TOKEN = 'of-the-laboratory'

/** A node of siteswarm, as faults and measurements address it. */
export interface TrackerNode {
  readonly name: string
  /** 0 for the node of all sites. */
  readonly site: number
  /** The admin listener answers on port 6970 of the loopback address of this namespace. */
  readonly namespace: string
  readonly process: () => ChildProcess | undefined
}

export interface RunningTracker {
  readonly isRunning: boolean
  /** Address that the laboratory scrapes. */
  readonly observedAt: string
  /** Of all programs of the tracker; the first one is in the messages of a failed start. */
  readonly logPaths: readonly string[]
  /** The torrent file for one host; hosts may share one. */
  readonly torrentFor: (host: LabHost, content: Content) => Promise<string>
  readonly stop: () => Promise<void>
  readonly start: () => Promise<void>
  /** The nodes of siteswarm; absent for other trackers. */
  readonly nodes?: readonly TrackerNode[]
  /** Kills the tracker of one site with SIGKILL; absent where all sites share one tracker. */
  readonly killSite?: (site: number) => void
  /** The store of a site; absent where the sites have none. */
  readonly store?: { readonly kill: (site: number) => void; readonly start: (site: number) => void }
}

export interface TrackerKind {
  readonly name: string
  readonly summary: string
  /** Runs the program of a siteswarm checkout, of which there may be several in a comparison. */
  readonly isSiteswarm: boolean
  readonly requires: (program: string) => readonly ProgramRequirement[]
  readonly open: (job: TrackerJob) => Promise<RunningTracker>
}

export const announceUrl = (address: string) => `http://${address}:6969/announce`

/** Number of complete peers of a torrent; 0 also while the tracker does not answer. */
export async function completePeers(address: string, infoHash: Buffer): Promise<number> {
  return Number(/8:completei(\d+)e/.exec(await scrape(address, infoHash))?.[1] ?? 0)
}

/** The tracker accepts announces. Checked before the start, because some clients retry a refused connection only after minutes. */
export async function isListening(address: string, infoHash: Buffer): Promise<boolean> {
  return (await scrape(address, infoHash)) !== ''
}

/** The response body; empty without a response. */
function scrape(address: string, infoHash: Buffer): Promise<string> {
  const escaped = [...infoHash].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  const url = `http://${address}:6969/scrape?info_hash=${escaped}`
  return new Promise<string>((resolve) => {
    // Sent from an address in the first site: a tracker may refuse addresses that its topology does not map.
    const request = get(url, { localAddress: OBSERVER_ADDRESS, timeout: 2_000, agent: false }, (response) => {
      let text = ''
      response.setEncoding('latin1').on('data', (part: string) => (text += part))
      response.on('end', () => resolve(text))
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(''))
  })
}
