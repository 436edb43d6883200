/** The torrents of one host: the API answers for one torrent at a time, so that the largest ones are asked for. */
import { ApiFailure, requestJson } from '../api/admin-client.ts'
import { type Live, usePolled } from '../api/live.ts'
import type { Explanation, SwarmTotals } from '../api/responses.ts'

/** Requests for one view of a host. */
const TORRENTS_MAX = 60
/** At the same time; more would only wait in the node. */
const REQUESTS_MAX = 6
const PERIOD_MS = 5_000

export interface HostTorrents {
  readonly found: readonly Explanation[]
  readonly checked: number
  readonly total: number
}

export function useHostTorrents(ip: string): Live<HostTorrents> {
  return usePolled(`host ${ip}`, PERIOD_MS, (signal) => readHostTorrents(ip, signal))
}

async function readHostTorrents(ip: string, signal: AbortSignal): Promise<HostTorrents> {
  const { total, swarms } = await requestJson<{
    readonly total: number
    readonly swarms: readonly SwarmTotals[]
  }>(`/api/v1/swarms?limit=${TORRENTS_MAX}`, { signal })
  const checked = swarms.slice(0, TORRENTS_MAX)
  const waiting = [...checked.entries()]
  const answers: (Explanation | undefined)[] = []
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      answers[next[0]] = await explain(next[1].infoHash, ip, signal)
  }
  await Promise.all(Array.from({ length: REQUESTS_MAX }, work))
  return {
    found: answers.filter((answer) => answer?.isKnown === true) as Explanation[],
    checked: checked.length,
    total,
  }
}

/** undefined if the torrent has lost its last client meanwhile. */
async function explain(infoHash: string, ip: string, signal: AbortSignal): Promise<Explanation | undefined> {
  const query = new URLSearchParams({ info_hash: infoHash, ip })
  try {
    return await requestJson<Explanation>(`/api/v1/explain?${query.toString()}`, { signal })
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 404) return undefined
    throw error
  }
}
