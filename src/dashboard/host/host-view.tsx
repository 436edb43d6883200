/** One host: its place, the torrents that it has or downloads, and the peers that it gets, each with the reason. */
import { useState } from 'preact/hooks'
import { useLive } from '../api/live.ts'
import type { HostInformation, SiteList } from '../api/responses.ts'
import { Command } from '../elements/command.tsx'
import { Figures } from '../elements/figures.tsx'
import { EmptyState, Failure, Loading } from '../elements/notices.tsx'
import { formatCount } from '../elements/quantities.ts'
import { links } from '../frame/links.ts'
import { HostTorrent } from './host-torrent.tsx'

const PERIOD_MS = 3_000
const SITES_PERIOD_MS = 15_000

export function HostView({ ip }: { readonly ip: string }) {
  return (
    <>
      <h1>{ip === '' ? 'Host' : `Host ${ip}`}</h1>
      <HostSearch ip={ip} />
      {ip === '' ? <NoHost /> : <Host ip={ip} />}
    </>
  )
}

function HostSearch({ ip }: { readonly ip: string }) {
  const [text, setText] = useState(ip)
  return (
    <form
      class="filters"
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        window.location.hash = links.host(text.trim())
      }}
    >
      <label>
        IPv4 or IPv6 address
        <input
          type="text"
          value={text}
          autoComplete="off"
          spellcheck={false}
          placeholder="10.1.1.17"
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary">
        Show
      </button>
    </form>
  )
}

function NoHost() {
  return (
    <EmptyState title="Which host?">
      <p>
        Enter the address of a host to see its site, its torrents and its peers, each with the reason. The
        lists of stragglers and hosts of a rollout lead here too.
      </p>
    </EmptyState>
  )
}

function Host({ ip }: { readonly ip: string }) {
  const host = useLive<HostInformation>(`/api/v1/hosts/${encodeURIComponent(ip)}`, {
    periodMs: PERIOD_MS,
    events: ['swarm'],
  })
  const { value, failure } = host
  if (value === undefined)
    return (
      <>
        <Failure failure={failure} />
        {failure === undefined ? <Loading of="its place" /> : null}
      </>
    )
  const { site, bubble, prefix } = value
  return (
    <>
      <Failure failure={failure} />
      <Figures
        figures={[
          { name: 'Site', value: site ?? 'none', note: prefix === null ? undefined : `by ${prefix}` },
          { name: 'Bubble', value: bubble === null || bubble === '-' ? 'none' : bubble },
          { name: 'Torrents', value: formatCount(value.total), note: 'that this node knows' },
        ]}
      />
      {site === null ? (
        <p class="problem">
          No prefix of the topology contains this address: its announces are rejected. Add a prefix to its
          site.
        </p>
      ) : null}
      <HostTorrents host={value} />
    </>
  )
}

function HostTorrents({ host }: { readonly host: HostInformation }) {
  const sites = useLive<SiteList>('/api/v1/sites', {
    periodMs: SITES_PERIOD_MS,
  }).value
  const status = sites?.sites.find(({ site }) => site === host.site)
  const isRemote = status !== undefined && !status.isOwn && status.state !== 'here'
  return (
    <section aria-labelledby="has">
      <h2 id="has">Torrents</h2>
      {isRemote ? (
        <p class="note">
          This host is at {host.site}, whose nodes know all of its torrents: open the{' '}
          <a href={links.nodes}>dashboard</a> of one of them. This node has the clients that {host.site}{' '}
          advertises.
        </p>
      ) : null}
      {host.torrents.length === 0 && isRemote ? <p class="note">Of this host it has none.</p> : null}
      {host.torrents.length === 0 && !isRemote ? (
        <EmptyState title="No client of this host has announced a torrent here">
          <p>
            Check that its client runs, and that its torrent has the trackers of its site: the page of each
            torrent has the URL. From the host, this announces to a tracker and prints the answer:
          </p>
          <Command text="siteswarm announce http://TRACKER:6969/announce INFOHASH" />
        </EmptyState>
      ) : null}
      {host.torrents.map((torrent) => (
        <HostTorrent key={`${torrent.infoHash} ${torrent.port}`} address={host.address} torrent={torrent} />
      ))}
      {host.total > host.torrents.length ? (
        <p class="note">
          The last {host.torrents.length} seen of {formatCount(host.total)}.
        </p>
      ) : null}
    </section>
  )
}
