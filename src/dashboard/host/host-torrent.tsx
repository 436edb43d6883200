/** One torrent of a host: its state, and the peers that its client gets, each with the reason. */
import { useLive } from '../api/live.ts'
import type { Explanation, HostTorrentInformation } from '../api/responses.ts'
import { Badge } from '../elements/badge.tsx'
import { Bar } from '../elements/bar.tsx'
import { SameAsCommand } from '../elements/command.tsx'
import { siteswarm } from '../elements/commands.ts'
import { Failure } from '../elements/notices.tsx'
import { byText } from '../elements/sort-rows.ts'
import { type Column, VirtualTable } from '../elements/virtual-table.tsx'
import { endpointColumn } from '../frame/host-columns.tsx'
import { links } from '../frame/links.ts'

const PERIOD_MS = 5_000

type Peer = Explanation['peers'][number]

export function HostTorrent({
  address,
  torrent: { infoHash, name, port, role, isGateway, percent, progressFrom, reachability },
}: {
  readonly address: string
  readonly torrent: HostTorrentInformation
}) {
  const query = new URLSearchParams({ info_hash: infoHash, ip: address, port: String(port) })
  // With the progress above it, so that both are of one time.
  const explanation = useLive<Explanation>(`/api/v1/explain?${query.toString()}`, {
    periodMs: PERIOD_MS,
    events: ['swarm'],
  })
  const { value, failure } = explanation
  const title = name ?? infoHash
  return (
    <article class="card host-torrent" aria-label={title}>
      <h3>
        {name === null ? title : <a href={links.rollout(infoHash)}>{title}</a>}{' '}
        <Badge word={ROLES[role] ?? role} tone={role === 'seed' ? 'good' : 'active'} />
        {isGateway ? <Badge word="gateway" tone="active" /> : null}
        {reachability === 'unreachable' ? <Badge word="port closed" tone="warn" /> : null}
      </h3>
      <Bar percent={percent} label={`Progress of ${title}`} />
      <p>
        Port {port}; progress {progressFrom}.{' '}
        {value?.observed === null || value === undefined ? '' : `${capital(value.observed)}. `}
        {value === undefined ? '' : `Its site is ${value.state}.`}
      </p>
      <Failure failure={failure} />
      {value === undefined ? null : <Handout explanation={value} title={title} />}
      <SameAsCommand
        text={siteswarm(
          'explain',
          infoHash,
          address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
        )}
      />
    </article>
  )
}

function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`
}

function Handout({
  explanation: { address, role, problem, isDecidedHere, peers },
  title,
}: {
  readonly explanation: Explanation
  readonly title: string
}) {
  return (
    <>
      {problem === null ? null : <p class="problem">{problem}</p>}
      {isDecidedHere ? null : (
        <p class="note">
          The nodes of its own site decide; the peers below are those that it would get from this node.
        </p>
      )}
      <h4>Peers that it gets</h4>
      {peers.length === 0 ? (
        <p class="note">
          {role === 'seed'
            ? 'None: it is complete, and waits for others to connect.'
            : 'None at the moment. It gets peers with a later announce, when there are some that it may have.'}
        </p>
      ) : (
        <VirtualTable
          label={`Peers of ${address} for ${title}`}
          rows={peers}
          columns={COLUMNS}
          keyOf={(peer) => `${peer.address} ${peer.port}`}
        />
      )}
    </>
  )
}

const ROLES: Readonly<Record<string, string>> = {
  leecher: 'downloading',
  seed: 'complete',
  partial: 'partial',
}

const COLUMNS: readonly Column<Peer>[] = [
  endpointColumn('Peer'),
  { title: 'Because', isWrapped: true, cell: ({ because }) => <span title={because}>{because}</span> },
  {
    title: 'Distance',
    width: '8rem',
    from: 'tablet',
    cell: ({ ring }) => (ring === 'bubble' ? 'same bubble' : ring === 'site' ? 'same site' : 'another site'),
    sortKey: byText(({ ring }) => ring),
  },
  {
    title: 'Place',
    width: '10rem',
    from: 'tablet',
    cell: ({ site, bubble }) => (bubble === null || bubble === '-' ? (site ?? '–') : `${site} / ${bubble}`),
    sortKey: byText(({ site, bubble }) => `${site} ${bubble}`),
  },
  {
    title: 'Observed',
    width: '15rem',
    from: 'tablet',
    isWrapped: true,
    cell: ({ observed }) => <span title={observed ?? ''}>{observed ?? '–'}</span>,
  },
]
