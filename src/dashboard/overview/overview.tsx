/** The overview: sites, rollouts, and the bytes between sites. */
import { useState } from 'preact/hooks'
import { useLive } from '../api/live.ts'
import type { Rollout, SiteList } from '../api/responses.ts'
import { formatBytes, formatCount } from '../elements/quantities.ts'
import { Figures } from '../elements/figures.tsx'
import { Failure, Loading } from '../elements/notices.tsx'
import { RolloutTable } from './rollout-table.tsx'
import { Savings } from './savings.tsx'
import { SiteCards } from './site-cards.tsx'
import { TrafficMatrix } from './traffic-matrix.tsx'
import { type RolloutList, useRollouts } from './use-rollouts.ts'

const PERIOD_MS = 2_000

export function Overview() {
  const sites = useLive<SiteList>('/api/v1/sites', {
    periodMs: PERIOD_MS,
    events: ['site'],
  })
  const [search, setSearch] = useState('')
  const all = useRollouts('', PERIOD_MS)
  const found = useRollouts(search.trim() === '' ? undefined : search.trim(), PERIOD_MS)
  const list = found.value ?? all.value
  const failure = found.failure ?? all.failure
  return (
    <>
      <h1>Overview</h1>
      {all.value === undefined || all.value.rollouts.length === 0 ? null : <Totals list={all.value} />}
      <section aria-labelledby="rollouts">
        <h2 id="rollouts">Rollouts</h2>
        <Failure failure={failure} />
        {list === undefined ? (
          failure === undefined ? (
            <Loading of="the rollouts" />
          ) : null
        ) : (
          <RolloutTable list={list} search={search} onSearch={setSearch} />
        )}
      </section>
      <section aria-labelledby="sites">
        <h2 id="sites">Sites</h2>
        <Failure failure={sites.failure} />
        {sites.value === undefined ? (
          sites.failure === undefined ? (
            <Loading of="the sites" />
          ) : null
        ) : (
          <SiteCards sites={sites.value.sites} />
        )}
      </section>
      <TrafficMatrix rollouts={all.value?.rollouts ?? []} />
      <Savings />
    </>
  )
}

function Totals({ list: { rollouts, totals } }: { readonly list: RolloutList }) {
  const open = rollouts.filter(({ state }) => state !== 'complete' && state !== 'waiting')
  const sum = (value: (rollout: Rollout) => number) =>
    open.reduce((total, rollout) => total + value(rollout), 0)
  const states = ['stranded', 'held', 'complete', 'waiting'] as const
  const notes = states
    .filter((state) => (totals[state] ?? 0) > 0)
    .map((state) => `${formatCount(totals[state])} ${state}`)
  return (
    <Figures
      figures={[
        { name: 'Rollouts in progress', value: formatCount(open.length), note: notes.join(', ') },
        {
          name: 'Hosts complete',
          value: `${formatCount(sum(({ hosts }) => hosts.complete))} of ${formatCount(sum(({ hosts }) => Math.max(hosts.expected ?? 0, hosts.seen)))}`,
          note: 'of rollouts in progress',
        },
        {
          name: 'Between sites',
          value: formatBytes(sum(({ bytes }) => bytes.betweenSites)),
          note: open.every(({ origin }) => origin.betweenSites === 'counted')
            ? 'counted by carriers'
            : `at most ${formatBytes(sum(({ bytes }) => bytes.betweenSitesAtMost))}`,
        },
        {
          name: 'Saved between sites',
          value: formatBytes(sum(({ bytes }) => bytes.saved)),
          note: 'compared with every host fetching from the first site',
        },
      ]}
    />
  )
}
