/** The hosts that are late, each with the reason, and the numbers of those that never came. */
import { type AbsentHosts, absentHosts, absentSentence } from '../../rollouts/absent-hosts.ts'
import type { RolloutDetail, Straggler } from '../api/responses.ts'
import { Badge } from '../elements/badge.tsx'
import { Bar } from '../elements/bar.tsx'
import { byNumber, byText } from '../elements/sort-rows.ts'
import { type Column, VirtualTable } from '../elements/virtual-table.tsx'
import { clientColumn, endpointColumn, lastSeenColumn } from '../frame/host-columns.tsx'
import { links } from '../frame/links.ts'

export const REASONS: Readonly<Record<string, string>> = {
  'port-closed': 'its port does not accept connections; open it in the firewall of the host',
  stalled: 'it lacks pieces and gets none; restart its client',
  gone: 'it does not announce any more; check the host',
  'no-peers': 'no neighbour has the pieces that it lacks',
  slow: 'it downloads far more slowly than the others of its site',
  checking: 'it checks the content on its disk',
}

type Row = Straggler & { readonly site: string }

export function Stragglers({ rollout }: { readonly rollout: RolloutDetail }) {
  const rows = rollout.sites.flatMap((site) => site.stragglers.map((each) => ({ ...each, site: site.site })))
  const absent = absentHosts(rollout.sites)
  if (rows.length === 0 && absent.length > 0) return <Absent absent={absent} />
  if (rows.length === 0)
    return (
      <p class="note">
        {rollout.state === 'complete'
          ? 'Every host that was seen has completed.'
          : 'No host is late. A host appears here with its reason once the others of its site are well ahead of it.'}
      </p>
    )
  const total = rollout.sites.reduce((sum, { stragglersTotal }) => sum + stragglersTotal, 0)
  return (
    <>
      <VirtualTable
        label="Stragglers"
        rows={rows}
        columns={COLUMNS}
        keyOf={({ address, port }) => `${address} ${port}`}
      />
      {total > rows.length ? (
        <p class="note">
          The last {rows.length} of {total}. <a href={links.rolloutHosts(rollout.infoHash)}>All hosts</a>
        </p>
      ) : null}
      <Absent absent={absent} />
    </>
  )
}

function Absent({ absent }: { readonly absent: readonly AbsentHosts[] }) {
  return absent.map((each) => (
    <p key={each.place} class="note">
      <strong>{each.place.replace('/', ' / ')}</strong>: {absentSentence(each)}; check that their clients run
      and have this torrent
    </p>
  ))
}

const COLUMNS: readonly Column<Row>[] = [
  endpointColumn('Host'),
  {
    title: 'Reason',
    isWrapped: true,
    cell: ({ reason }) => (
      <span title={REASONS[reason]}>
        <Badge word={reason} tone="warn" /> {REASONS[reason] ?? ''}
      </span>
    ),
    sortKey: byText(({ reason }) => reason),
  },
  {
    title: 'Place',
    width: '10rem',
    from: 'tablet',
    cell: ({ site, bubble }) => (bubble === '-' ? site : `${site} / ${bubble}`),
    sortKey: byText(({ site, bubble }) => `${site} ${bubble}`),
  },
  {
    title: 'Progress',
    width: '11rem',
    from: 'tablet',
    cell: ({ address, percent }) => <Bar percent={percent} label={`Progress of ${address}`} tone="bad" />,
    sortKey: byNumber(({ percent }) => percent),
  },
  clientColumn('wide'),
  lastSeenColumn(),
]
