/**
 * The rollouts of the overview: all that are in progress, and the latest of the others. A node with 10,000 registered
 * torrents has as many rollouts, nearly all of which wait for their first client; a search finds each of them.
 */
import { useRef } from 'preact/hooks'
import { requestText } from '../api/admin-client.ts'
import { type Live, usePolled } from '../api/live.ts'
import type { Rollout, RolloutPage, RolloutState } from '../api/responses.ts'

export interface RolloutList {
  readonly rollouts: readonly Rollout[]
  /** Of each state, those that are not listed included. */
  readonly totals: Readonly<Partial<Record<RolloutState, number>>>
}

const OPEN_STATES: readonly RolloutState[] = ['stranded', 'held', 'running']
const OTHER_STATES: readonly RolloutState[] = ['complete', 'waiting']
/** The largest page. */
const OPEN_MAX = 1_000
const OTHER_MAX = 50
const FOUND_MAX = 200

/** `search`: a part of a name or infohash; empty for the overview, undefined to read nothing. */
export function useRollouts(search: string | undefined, periodMs: number): Live<RolloutList> {
  const last = useRef<{ readonly text: string; readonly list: RolloutList } | undefined>(undefined)
  return usePolled(
    search === undefined ? undefined : `rollouts ${search}`,
    { periodMs, events: ['torrent', 'rollout'] },
    async (signal) => {
      const wanted = search ?? ''
      const texts = await Promise.all(pathsOf(wanted).map((path) => requestText(path, { signal })))
      const text = texts.join('\n')
      if (last.current?.text !== text) last.current = { text, list: readList(wanted, texts) }
      return last.current.list
    },
  )
}

function pathsOf(search: string): readonly string[] {
  const path = (parameters: Readonly<Record<string, string>>) =>
    `/api/v1/rollouts?${new URLSearchParams(parameters).toString()}`
  if (search !== '') return [path({ q: search, limit: String(FOUND_MAX) })]
  const of = (limit: number) => (state: RolloutState) => path({ state, limit: String(limit) })
  return [...OPEN_STATES.map(of(OPEN_MAX)), ...OTHER_STATES.map(of(OTHER_MAX))]
}

function readList(search: string, texts: readonly string[]): RolloutList {
  const pages = texts.map((text) => JSON.parse(text) as RolloutPage)
  const rollouts = pages.flatMap((page) => page.rollouts)
  if (search !== '') return { rollouts, totals: {} }
  const states = [...OPEN_STATES, ...OTHER_STATES]
  return {
    rollouts,
    totals: Object.fromEntries(states.map((state, index) => [state, pages[index]?.total ?? 0])),
  }
}
