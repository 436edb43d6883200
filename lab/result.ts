/** What a run is and what it found: the JSON that is written for each run. */

/** One run, completely determined: nothing is read from elsewhere. */
export interface RunOptions {
  readonly scenario: string
  readonly tracker: string
  readonly client: string
  readonly settings: string
  readonly sites: number
  readonly hosts: number
  readonly hostsOfSite: Readonly<Record<number, number>>
  readonly bubbles: number
  readonly sizeBytes: number
  readonly wanBitsPerSecond: number
  /** Of sites with another uplink, by number. */
  readonly wanBitsPerSecondOfSite?: Readonly<Record<number, number>>
  readonly nicBitsPerSecond: number
  /** Congestion control of the hosts. */
  readonly congestion: string
  readonly seed: number
  readonly timeoutSeconds: number
  /** Where the logs of hosts that did not finish are kept; nowhere without it. */
  readonly keepLogsIn?: string
}

export interface HostResult {
  readonly name: string
  readonly site: string
  readonly bubble: string
  readonly address: string
  readonly client: string
  /** `lost` was taken down by the scenario and is not expected to finish. */
  readonly role: 'source' | 'leecher' | 'lost'
  /** Since the first leecher was started. */
  readonly startedSeconds: number
  /** Since the first leecher was started; null if it never had everything. */
  readonly doneSeconds: number | null
  /** Whether its files hold the right bytes; null if it never had everything. */
  readonly intact: boolean | null
  /** Hosts of other sites it was ever connected to. */
  readonly remotePeers: readonly string[]
}

export interface SiteResult {
  readonly site: string
  /** Payload through the uplink ÷ size of all content: headers of 66 bytes a frame are taken off. */
  readonly copiesIn: number
  readonly copiesOut: number
  /** As the interface counted it, headers included. */
  readonly bytesIn: number
  readonly bytesOut: number
  /** The least that must come in: the content that has no source here. */
  readonly copiesInFloor: number
  readonly leechers: number
  readonly done: number
  /** Seconds after its own start, of the first, the middle and the last host that is done. */
  readonly firstSeconds: number | null
  readonly medianSeconds: number | null
  readonly lastSeconds: number | null
  /** Hosts that were ever connected to another site. */
  readonly hostsWithRemotePeers: number
}

export interface CpuUse {
  /** Of all processors, by everything on the machine. */
  readonly busyShareMean: number
  readonly busyShareMax: number
  /** The share of the time in which something that could run had to wait for a processor. */
  readonly waitingShare: number
  /** Used by programs that are no part of the run. */
  readonly othersShareMean: number
}

export interface Sample {
  readonly seconds: number
  /** By site, payload bytes since the start. */
  readonly bytesIn: Readonly<Record<string, number>>
  readonly bytesOut: Readonly<Record<string, number>>
  readonly busyShare: number
}

export interface ScenarioResult {
  readonly options: RunOptions
  readonly startedAt: string
  readonly kernel: string
  /** `finished`, or what ended the run before all hosts were done. */
  readonly outcome: 'finished' | 'timeout' | 'interrupted'
  /** The least time any plan needs: max(F/W_in, F/W_out of the sources' site, F/NIC). */
  readonly boundSeconds: number
  /** The longest any host took from its own start. */
  readonly lastSeconds: number | null
  readonly ratioToBound: number | null
  /** Of the sites that had to fetch something: the worst, against what it had to fetch. */
  readonly copiesInWorst: number
  /** Hosts done more than 30 s after three quarters of all were: half the reconnect ban that makes them wait. */
  readonly stragglers: readonly string[]
  readonly unfinished: readonly string[]
  readonly damaged: readonly string[]
  readonly sites: readonly SiteResult[]
  readonly hosts: readonly HostResult[]
  readonly cpu: CpuUse
  /** How much of its rate the busiest uplink, in its busier direction, carried until the last host was done. */
  readonly uplinkShareMax: number
  /** Whether the processors, not the links, may have set the pace: the times mean little then. */
  readonly isSaturated: boolean
  readonly samples: readonly Sample[]
  /** What was done to the swarm, and when. */
  readonly events: readonly { readonly seconds: number; readonly text: string }[]
}

export const isGood = (result: ScenarioResult) =>
  result.outcome === 'finished' && result.unfinished.length === 0 && result.damaged.length === 0
