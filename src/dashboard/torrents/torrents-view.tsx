/** The registered torrents: publish one by upload, search, copy URLs, remove. */
import { useMemo, useRef, useState } from 'preact/hooks'
import { requestText } from '../api/admin-client.ts'
import { type Live, usePolled } from '../api/live.ts'
import type { Torrent, TorrentPage } from '../api/responses.ts'
import { Command } from '../elements/command.tsx'
import { siteswarm } from '../elements/commands.ts'
import { EmptyState, Failure, Loading } from '../elements/notices.tsx'
import { formatBytes, formatCount, formatTime } from '../elements/quantities.ts'
import { byNumber, byText } from '../elements/sort-rows.ts'
import { type Column, VirtualTable } from '../elements/virtual-table.tsx'
import { links } from '../frame/links.ts'
import { readPages, type TorrentList } from './torrent-pages.ts'
import { Upload } from './upload.tsx'

const PERIOD_MS = 10_000
/** Fills the frame of the table. */
const FIRST_PAGE = 100
const PAGE = 1_000

export function TorrentsView() {
  const torrents = useTorrents()
  const [text, setText] = useState('')
  const { value } = torrents
  const shown = useMemo(() => {
    const wanted = text.trim().toLowerCase()
    const all = value?.torrents ?? []
    if (wanted === '') return all
    return all.filter(
      ({ name, infoHash, infoHashV2 }) =>
        name.toLowerCase().includes(wanted) ||
        infoHash.startsWith(wanted) ||
        infoHashV2?.startsWith(wanted) === true,
    )
  }, [value, text])
  return (
    <>
      <h1>Torrents</h1>
      <Upload onDone={torrents.refresh} />
      <Failure failure={torrents.failure} />
      {value === undefined && torrents.failure === undefined ? <Loading of="the torrents" /> : null}
      {value?.total === 0 ? <NoTorrents /> : null}
      {value === undefined || value.total === 0 ? null : (
        <>
          <div class="filters">
            <label>
              Name or infohash
              <input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} />
            </label>
            <p role="status">
              {formatCount(shown.length)} of {formatCount(value.total)} torrents
              {value.isComplete ? '' : ', the others are loading'}
            </p>
          </div>
          {shown.length === 0 ? (
            <p class="note">
              {value.isComplete
                ? 'No torrent has this name or infohash.'
                : 'No torrent so far has this name or infohash.'}
            </p>
          ) : (
            <VirtualTable
              label="Torrents"
              rows={shown}
              columns={COLUMNS}
              keyOf={({ infoHash }) => infoHash}
            />
          )}
        </>
      )}
    </>
  )
}

/**
 * All torrents, newest first. The first page is shown at once, and the others while they arrive. A new torrent changes the
 * first page, and a removed one its total: the others are read again only then.
 */
function useTorrents(): Live<TorrentList> {
  const known = useRef<{ readonly first: string; readonly list: TorrentList } | undefined>(undefined)
  return usePolled('torrents', { periodMs: PERIOD_MS, events: ['torrent'] }, async (signal, show) => {
    const read = (query: Readonly<Record<string, string>>) =>
      requestText(`/api/v1/torrents?${new URLSearchParams({ order: 'newest', ...query }).toString()}`, {
        signal,
      })
    const first = await read({ limit: String(FIRST_PAGE) })
    if (known.current?.first === first) return known.current.list
    const list = await readPages(
      JSON.parse(first) as TorrentPage,
      async (after) => JSON.parse(await read({ limit: String(PAGE), after })) as TorrentPage,
      known.current === undefined ? show : () => {},
    )
    known.current = { first, list }
    return list
  })
}

const COLUMNS: readonly Column<Torrent>[] = [
  {
    title: 'Name',
    cell: ({ name, infoHash }) => (
      <a href={links.torrent(infoHash)} title={name}>
        {name}
      </a>
    ),
    sortKey: byText(({ name }) => name),
  },
  {
    title: 'Size',
    width: '7rem',
    isNumber: true,
    cell: ({ sizeBytes }) => formatBytes(sizeBytes),
    sortKey: byNumber(({ sizeBytes }) => sizeBytes),
  },
  {
    title: 'Rollout',
    width: '6.5rem',
    cell: ({ infoHash, name }) => (
      <a href={links.rollout(infoHash)} aria-label={`progress of ${name}`}>
        progress
      </a>
    ),
  },
  {
    title: 'Registered',
    width: '11rem',
    from: 'tablet',
    cell: ({ registeredAt }) => formatTime(registeredAt),
    sortKey: byText(({ registeredAt }) => registeredAt),
  },
  {
    title: 'Origin',
    width: '22%',
    from: 'tablet',
    cell: ({ origin }) => <span title={origin ?? ''}>{origin ?? '–'}</span>,
    sortKey: byText(({ origin }) => origin),
  },
  {
    title: 'Infohash',
    width: '24rem',
    from: 'wide',
    cell: ({ infoHash }) => <code>{infoHash}</code>,
    sortKey: byText(({ infoHash }) => infoHash),
  },
]

function NoTorrents() {
  return (
    <EmptyState title="No torrents are registered">
      <p>
        Upload a .torrent above, or let the command make one from a file, a folder, an HTTP URL or S3. It
        hashes the content, registers the torrent at this node, and prints the URL for each site:
      </p>
      <Command text={siteswarm('publish', 'FILE')} />
    </EmptyState>
  )
}
