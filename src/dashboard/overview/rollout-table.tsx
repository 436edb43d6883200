/** The rollouts with their bars, those that need attention first. */
import { useMemo } from 'preact/hooks'
import type { Rollout } from '../api/responses.ts'
import { Badge } from '../elements/badge.tsx'
import { Bar } from '../elements/bar.tsx'
import { Command } from '../elements/command.tsx'
import { siteswarm } from '../elements/commands.ts'
import { EmptyState } from '../elements/notices.tsx'
import { formatBytes, formatCount, formatDuration, formatRate } from '../elements/quantities.ts'
import { byNumber, byText } from '../elements/sort-rows.ts'
import { type Column, VirtualTable } from '../elements/virtual-table.tsx'
import { links } from '../frame/links.ts'
import type { RolloutList } from './use-rollouts.ts'

const ORDER: readonly Rollout['state'][] = ['stranded', 'held', 'running', 'waiting', 'complete']

export interface RolloutTableProps {
  readonly list: RolloutList
  readonly search: string
  readonly onSearch: (text: string) => void
}

export function RolloutTable({ list: { rollouts, totals }, search, onSearch }: RolloutTableProps) {
  const shown = useMemo(
    () =>
      rollouts.toSorted(
        (a, b) =>
          Number(isAbandoned(a)) - Number(isAbandoned(b)) ||
          ORDER.indexOf(a.state) - ORDER.indexOf(b.state) ||
          (b.startedAt ?? '').localeCompare(a.startedAt ?? ''),
      ),
    [rollouts],
  )
  if (rollouts.length === 0 && search === '') return <NoRollouts />
  const total = Object.values(totals).reduce((sum, count) => sum + count, 0)
  return (
    <>
      <div class="filters">
        <label>
          Name or infohash
          <input type="search" value={search} onInput={(event) => onSearch(event.currentTarget.value)} />
        </label>
        <p role="status">
          {search === ''
            ? countSentence(rollouts.length, total, totals)
            : `${formatCount(rollouts.length)} found`}
        </p>
      </div>
      {shown.length === 0 ? (
        <p class="note">No rollout has this name or infohash.</p>
      ) : (
        <VirtualTable label="Rollouts" rows={shown} columns={COLUMNS} keyOf={({ infoHash }) => infoHash} />
      )}
    </>
  )
}

/** Removed before the end: nothing moves any more. */
function isAbandoned({ isRegistered, state }: Rollout): boolean {
  return !isRegistered && state !== 'complete'
}

function wordOf(rollout: Rollout): string {
  return isAbandoned(rollout) ? 'removed' : rollout.state
}

function countSentence(shown: number, total: number, totals: RolloutList['totals']): string {
  if (shown >= total) return `${formatCount(total)} ${total === 1 ? 'rollout' : 'rollouts'}`
  const waiting = formatCount(totals.waiting)
  return `${formatCount(shown)} of ${formatCount(total)}, ${waiting} of which wait for a client; search finds all`
}

const COLUMNS: readonly Column<Rollout>[] = [
  {
    title: 'Name',
    cell: ({ name, infoHash }) => <a href={links.rollout(infoHash)}>{name}</a>,
    sortKey: byText(({ name }) => name),
  },
  {
    title: 'State',
    width: '8.5rem',
    isSymbol: true,
    cell: (rollout) => <Badge word={wordOf(rollout)} />,
    sortKey: byText(wordOf),
  },
  {
    title: 'Progress',
    width: 'var(--progress-width)',
    cell: ({ name, percent, state }) => (
      <Bar
        percent={percent}
        label={`Progress of ${name}`}
        tone={state === 'stranded' ? 'bad' : state === 'held' ? 'held' : 'normal'}
      />
    ),
    sortKey: byNumber(({ percent }) => percent),
  },
  {
    title: 'Hosts',
    width: '9.5rem',
    isNumber: true,
    from: 'tablet',
    cell: ({ hosts }) => `${formatCount(hosts.complete)} / ${formatCount(hosts.expected ?? hosts.seen)}`,
    sortKey: byNumber(({ hosts }) => hosts.complete),
  },
  {
    title: 'Left',
    width: '8.5rem',
    isNumber: true,
    from: 'tablet',
    cell: ({ state, etaSeconds }) => (state === 'complete' ? 'done' : formatDuration(etaSeconds)),
    sortKey: byNumber(({ etaSeconds }) => etaSeconds),
  },
  {
    title: 'Rate',
    width: '7.5rem',
    isNumber: true,
    from: 'wide',
    cell: ({ rateBytesPerSecond }) => formatRate(rateBytesPerSecond),
    sortKey: byNumber(({ rateBytesPerSecond }) => rateBytesPerSecond),
  },
  {
    title: 'Size',
    width: '6.5rem',
    isNumber: true,
    from: 'wide',
    cell: ({ sizeBytes }) => formatBytes(sizeBytes),
    sortKey: byNumber(({ sizeBytes }) => sizeBytes),
  },
  {
    title: 'Between sites',
    width: '9rem',
    isNumber: true,
    from: 'tablet',
    cell: ({ bytes }) => formatBytes(bytes.betweenSites),
    sortKey: byNumber(({ bytes }) => bytes.betweenSites),
  },
  {
    title: 'Saved',
    width: '7rem',
    isNumber: true,
    from: 'tablet',
    cell: ({ bytes }) => formatBytes(bytes.saved),
    sortKey: byNumber(({ bytes }) => bytes.saved),
  },
]

function NoRollouts() {
  return (
    <EmptyState title="No rollouts yet">
      <p>A rollout starts when a torrent is registered. Three steps:</p>
      <ol>
        <li>
          Publish a file on a machine that has it, or <a href={links.torrents}>upload a .torrent</a>:
          <Command text={siteswarm('publish', 'FILE')} />
        </li>
        <li>Start a first client that has the content. The page of the torrent has the URL for each site.</li>
        <li>Start the clients of all hosts with the URL of their site. They appear here within seconds.</li>
      </ol>
    </EmptyState>
  )
}
