/** One registered torrent: its URLs for each site, warnings, and its removal. */
import { useState } from 'preact/hooks'
import { requestText } from '../api/admin-client.ts'
import { useLive } from '../api/live.ts'
import type { TorrentDetail } from '../api/responses.ts'
import { Action } from '../elements/action.tsx'
import { Command, CopyButton, SameAsCommand } from '../elements/command.tsx'
import { quote, siteswarm } from '../elements/commands.ts'
import { Figures } from '../elements/figures.tsx'
import { EmptyState, Failure, Loading } from '../elements/notices.tsx'
import { formatBytes, formatTime } from '../elements/quantities.ts'
import { links } from '../frame/links.ts'

const PERIOD_MS = 15_000

export function TorrentView({ infoHash }: { readonly infoHash: string }) {
  const [isRemoved, setRemoved] = useState(false)
  const torrent = useLive<TorrentDetail>(isRemoved ? undefined : `/api/v1/torrents/${infoHash}`, {
    periodMs: PERIOD_MS,
    events: ['torrent'],
  })
  const { value, failure } = torrent
  if (isRemoved)
    return (
      <>
        <h1>Removed</h1>
        <p role="status">
          The torrent is not registered any more. <a href={links.torrents}>Registered torrents</a>
        </p>
      </>
    )
  if (value === undefined)
    return (
      <>
        <h1>Torrent</h1>
        {failure === undefined ? <Loading of="the torrent" /> : null}
        {failure?.status === 404 ? (
          <EmptyState title="This torrent is not registered">
            <p>
              {failure.message}. <a href={links.torrents}>Registered torrents</a>
            </p>
          </EmptyState>
        ) : (
          <Failure failure={failure} />
        )}
      </>
    )
  return (
    <>
      <div class="heading">
        <p class="crumbs">
          <a href={links.torrents}>Torrents</a>
        </p>
        <h1>{value.name}</h1>
        <p class="hash">{infoHash}</p>
      </div>
      <Failure failure={failure} />
      {value.warnings.map(({ code, message }) => (
        <p key={`${code} ${message}`} class="warning">
          {message} <code>{code}</code>
        </p>
      ))}
      <TorrentFigures torrent={value} />
      <div class="actions">
        <a class="button" href={links.rollout(infoHash)}>
          Progress
        </a>
        <Removal torrent={value} onDone={() => setRemoved(true)} />
      </div>
      <SiteUrls torrent={value} />
    </>
  )
}

function TorrentFigures({ torrent }: { readonly torrent: TorrentDetail }) {
  const { infoHashV1, infoHashV2, origin } = torrent
  return (
    <Figures
      figures={[
        { name: 'Size', value: formatBytes(torrent.sizeBytes) },
        {
          name: 'Kind',
          value: infoHashV1 === null ? 'v2' : infoHashV2 === null ? 'v1' : 'hybrid',
          note: torrent.isPrivate
            ? 'private: peers from trackers only'
            : 'not private: clients may find peers elsewhere',
        },
        { name: 'Registered', value: formatTime(torrent.registeredAt) },
        {
          name: 'Origin',
          value: origin ?? 'none',
          note: origin === null ? 'a client has to bring the content' : undefined,
        },
      ]}
    />
  )
}

function SiteUrls({ torrent }: { readonly torrent: TorrentDetail }) {
  const [first] = torrent.sites
  if (first === undefined)
    return (
      <EmptyState title="There are no URLs">
        <p>
          No site has an HTTP tracker in the topology. Write the torrents with the trackers of each site
          instead:
        </p>
        <Command text="siteswarm rewrite FILE.torrent --all -d out --topology topology.yaml" />
      </EmptyState>
    )
  return (
    <section aria-labelledby="urls">
      <h2 id="urls">URLs for clients</h2>
      <p class="note">A client gets the torrent with the trackers of its site from the URL of its site.</p>
      <ul class="urls">
        {torrent.sites.map(({ site, bubble, torrentUrl, magnetUrl }) => (
          <li key={`${site} ${bubble}`} class="card">
            <h3>{bubble === '-' ? site : `${site} / ${bubble}`}</h3>
            <div class="command">
              <code tabIndex={0}>{torrentUrl}</code>
              <CopyButton text={torrentUrl} label="Copy torrent URL" />
              <CopyButton text={magnetUrl} label="Copy magnet URL" />
            </div>
          </li>
        ))}
      </ul>
      {torrent.origin === null ? (
        <>
          <h3>First a client that has the content, for example</h3>
          <Command
            text={`aria2c --follow-torrent=mem --seed-ratio=0 --check-integrity=true ${quote(first.torrentUrl)}`}
          />
        </>
      ) : null}
      <h3>
        {torrent.origin === null
          ? 'Then a client of each host, for example'
          : 'A client of each host, for example'}
      </h3>
      <Command text={`aria2c --follow-torrent=mem --seed-ratio=0 ${quote(first.torrentUrl)}`} />
      <SameAsCommand text={siteswarm('torrents', 'show', torrent.infoHash)} />
    </section>
  )
}

function Removal({ torrent, onDone }: { readonly torrent: TorrentDetail; readonly onDone: () => void }) {
  const { infoHash, name } = torrent
  return (
    <Action
      title="Remove"
      isDangerous
      consequence={
        <p>
          The nodes of all sites do not serve {name} any more. Files on hosts are not deleted. Register the
          torrent again to undo it.
        </p>
      }
      command={siteswarm('torrents', 'remove', infoHash)}
      run={async () => {
        await requestText(`/api/v1/torrents/${infoHash}`, { method: 'DELETE' })
        onDone()
        return 'Removed'
      }}
    />
  )
}
