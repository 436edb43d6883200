/** One torrent of a host: its state, and the peers that its client gets, each with the reason. */
import { useLive } from '../api/live.ts'
import type { Explanation, TorrentDetail } from '../api/responses.ts'
import { Badge } from '../elements/badge.tsx'
import { SameAsCommand } from '../elements/command.tsx'
import { siteswarm } from '../elements/commands.ts'
import { type Column, VirtualTable, byText } from '../elements/virtual-table.tsx'
import { links } from '../frame/links.ts'

const NAME_PERIOD_MS = 60_000

type Peer = Explanation['peers'][number]

export function HostTorrent({ explanation }: { readonly explanation: Explanation }) {
  const { infoHash, address, role, state, observed, problem, isGateway, isDecidedHere, peers } = explanation
  const torrent = useLive<TorrentDetail>(`/api/v1/torrents/${infoHash}`, NAME_PERIOD_MS).value
  const name = torrent?.name ?? infoHash
  return (
    <article class="card host-torrent" aria-label={name}>
      <h3>
        <a href={links.rollout(infoHash)}>{name}</a>{' '}
        <Badge word={ROLES[role] ?? role} tone={role === 'seed' ? 'good' : 'active'} />
        {isGateway ? <Badge word="gateway" tone="active" /> : null}
      </h3>
      <p>
        {observed === null ? 'Not observed: its announces count.' : `Observation: ${observed}.`} Its site is{' '}
        {state}.
      </p>
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
          label={`Peers of ${address} for ${name}`}
          rows={peers}
          columns={COLUMNS}
          keyOf={(peer) => `${peer.address} ${peer.port}`}
        />
      )}
      <SameAsCommand text={siteswarm('explain', infoHash, address)} />
    </article>
  )
}

const ROLES: Readonly<Record<string, string>> = {
  leecher: 'downloading',
  seed: 'complete',
  partial: 'partial',
}

const COLUMNS: readonly Column<Peer>[] = [
  {
    title: 'Peer',
    width: 'var(--address-width)',
    cell: ({ address, port }) => (
      <a href={links.host(address)}>
        {address}:{port}
      </a>
    ),
    order: byText(({ address }) => address),
  },
  { title: 'Because', cell: ({ because }) => <span title={because}>{because}</span> },
  {
    title: 'Distance',
    width: '8rem',
    from: 'tablet',
    cell: ({ ring }) => (ring === 'bubble' ? 'same bubble' : ring === 'site' ? 'same site' : 'another site'),
    order: byText(({ ring }) => ring),
  },
  {
    title: 'Place',
    width: '10rem',
    from: 'tablet',
    cell: ({ site, bubble }) => (bubble === null || bubble === '-' ? (site ?? '–') : `${site} / ${bubble}`),
    order: byText(({ site, bubble }) => `${site} ${bubble}`),
  },
  {
    title: 'Observed',
    width: '16rem',
    from: 'tablet',
    cell: ({ observed }) => <span title={observed ?? ''}>{observed ?? '–'}</span>,
  },
]
