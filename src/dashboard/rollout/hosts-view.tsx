/** Every host of a rollout, with filters; the list stays smooth with thousands of hosts that move. */
import { useMemo, useRef, useState } from 'preact/hooks'
import { requestText } from '../api/admin-client.ts'
import { useLive, usePolled } from '../api/live.ts'
import type { RolloutDetail } from '../api/responses.ts'
import { Badge } from '../elements/badge.tsx'
import { Bar } from '../elements/bar.tsx'
import { SameAsCommand } from '../elements/command.tsx'
import { curl } from '../elements/commands.ts'
import { EmptyState, Failure, Loading } from '../elements/notices.tsx'
import { formatCount } from '../elements/quantities.ts'
import { byNumber, byText } from '../elements/sort-rows.ts'
import { type Column, VirtualTable } from '../elements/virtual-table.tsx'
import { clientColumn, endpointColumn, lastSeenColumn } from '../frame/host-columns.tsx'
import { links } from '../frame/links.ts'
import { type Host, type HostLists, readHosts } from './hosts.ts'
import { REASONS } from './stragglers.tsx'

const PERIOD_MS = 3_000
const SITES_PERIOD_MS = 15_000

type Filter = 'all' | 'incomplete' | 'unreachable' | 'stragglers'

const FILTERS: Readonly<Record<Filter, { readonly title: string; readonly holds: (host: Host) => boolean }>> =
  {
    all: { title: 'all', holds: () => true },
    incomplete: { title: 'incomplete', holds: ({ state }) => state !== 'complete' },
    unreachable: { title: 'unreachable', holds: ({ isUnreachable }) => isUnreachable },
    stragglers: { title: 'late', holds: ({ reason }) => reason !== null },
  }

export function HostsView({ infoHash }: { readonly infoHash: string }) {
  const rollout = useLive<RolloutDetail>(`/api/v1/rollouts/${infoHash}`, { periodMs: SITES_PERIOD_MS }).value
  const sites = rollout?.sites.map(({ site }) => site)
  const hosts = useHosts(infoHash, sites)
  const [filter, setFilter] = useState<Filter>('all')
  const [text, setText] = useState('')
  const shown = useMemo(
    () =>
      (hosts.value?.hosts ?? []).filter(
        (host) => FILTERS[filter].holds(host) && (text === '' || matches(host, text.trim().toLowerCase())),
      ),
    [hosts.value, filter, text],
  )
  return (
    <>
      <p class="crumbs">
        <a href={links.overview}>Overview</a> /{' '}
        <a href={links.rollout(infoHash)}>{rollout?.name ?? 'Rollout'}</a>
      </p>
      <h1>Hosts</h1>
      <Failure failure={hosts.failure?.status === 404 ? undefined : hosts.failure} />
      {hosts.value?.problems.map((problem) => (
        <p key={problem} class="warning">
          {problem}
        </p>
      ))}
      <SameAsCommand text={curl('GET', `/api/v1/rollouts/${infoHash}/hosts`)} />
      <div class="filters">
        <label>
          Address, site, bubble or client
          <input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <label>
          Show
          <select value={filter} onChange={(event) => setFilter(event.currentTarget.value as Filter)}>
            {Object.entries(FILTERS).map(([value, { title }]) => (
              <option key={value} value={value}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <p role="status">
          {hosts.value === undefined
            ? ''
            : `${formatCount(shown.length)} of ${formatCount(hosts.value.hosts.length)} hosts`}
        </p>
      </div>
      {hosts.value === undefined && hosts.failure === undefined ? <Loading of="the hosts" /> : null}
      {hosts.value?.hosts.length === 0 || hosts.failure?.status === 404 ? (
        <NoHosts infoHash={infoHash} />
      ) : null}
      {shown.length === 0 ? null : (
        <VirtualTable
          label="Hosts"
          rows={shown}
          columns={COLUMNS}
          keyOf={({ address, port }) => `${address} ${port}`}
        />
      )}
    </>
  )
}

function useHosts(infoHash: string, sites: readonly string[] | undefined) {
  const last = useRef<HostLists | undefined>(undefined)
  const key = sites === undefined ? undefined : `hosts ${infoHash} ${sites.join(' ')}`
  return usePolled(key, { periodMs: PERIOD_MS }, async (signal) => {
    const lists = await readHosts(infoHash, sites ?? [], (path) => requestText(path, { signal }))
    const before = last.current?.texts
    const isSame =
      before?.length === lists.texts.length && before.every((each, at) => each === lists.texts[at])
    if (!isSame) last.current = lists
    return last.current ?? lists
  })
}

function matches({ address, site, bubble, client }: Host, text: string): boolean {
  return [address, site, bubble, client].some((value) => value?.toLowerCase().includes(text) === true)
}

const COLUMNS: readonly Column<Host>[] = [
  endpointColumn('Host'),
  {
    title: 'Progress',
    cell: ({ address, percent, reason }) => (
      <Bar percent={percent} label={`Progress of ${address}`} tone={reason === null ? 'normal' : 'bad'} />
    ),
    sortKey: byNumber(({ percent }) => percent),
  },
  {
    title: 'Place',
    width: '11rem',
    from: 'tablet',
    cell: ({ site, bubble }) => (bubble === '-' || bubble === '' ? site : `${site} / ${bubble}`),
    sortKey: byText(({ site, bubble }) => `${site} ${bubble}`),
  },
  {
    title: 'State',
    width: '11rem',
    from: 'tablet',
    cell: ({ reason, state }) =>
      reason !== null ? (
        <span title={REASONS[reason]}>
          <Badge word={reason} tone="warn" />
        </span>
      ) : (
        <Badge word={state} tone={state === 'complete' ? 'good' : 'active'} />
      ),
    sortKey: byText(({ reason, state }) => reason ?? state),
  },
  {
    title: 'Known by',
    width: '13rem',
    from: 'tablet',
    cell: ({ progressFrom, isUnreachable }) =>
      isUnreachable ? `${progressFrom}, port closed` : progressFrom,
    sortKey: byText(({ progressFrom }) => progressFrom),
  },
  clientColumn('tablet'),
  lastSeenColumn(),
]

function NoHosts({ infoHash }: { readonly infoHash: string }) {
  return (
    <EmptyState title="No client has announced this torrent">
      <p>
        A host appears with its first announce. If clients run and none appears, their torrent has trackers of
        another place: use the <a href={links.torrent(infoHash)}>URL of their site</a>.
      </p>
    </EmptyState>
  )
}
