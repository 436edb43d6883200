/** The registered torrents: publish one by upload, search, copy URLs, remove. */
import { useMemo, useRef, useState } from 'preact/hooks'
import { requestText } from '../api/admin-client.ts'
import { type Live, usePolled } from '../api/live.ts'
import type { Torrent } from '../api/responses.ts'
import { Command } from '../elements/command.tsx'
import { siteswarm } from '../elements/commands.ts'
import { EmptyState, Failure, Loading } from '../elements/notices.tsx'
import { formatBytes, formatCount, formatTime } from '../elements/quantities.ts'
import { type Column, VirtualTable, byNumber, byText } from '../elements/virtual-table.tsx'
import { links } from '../frame/links.ts'
import { Upload } from './upload.tsx'

const PERIOD_MS = 10_000
const PAGE = 1_000

export function TorrentsView() {
  const torrents = useTorrents()
  const [text, setText] = useState('')
  const { value } = torrents
  const shown = useMemo(() => {
    const wanted = text.trim().toLowerCase()
    if (wanted === '') return value ?? []
    return (value ?? []).filter(
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
      {value?.length === 0 ? <NoTorrents /> : null}
      {value === undefined || value.length === 0 ? null : (
        <>
          <div class="filters">
            <label>
              Name or infohash
              <input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} />
            </label>
            <p role="status">
              {formatCount(shown.length)} of {formatCount(value.length)} torrents
            </p>
          </div>
          {shown.length === 0 ? (
            <p class="note">No torrent has this name or infohash.</p>
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

interface Page {
  readonly total: number
  readonly torrents: readonly Torrent[]
  readonly next: string | null
}

interface Pages {
  /** The first and the last page, and the cursor of the last one. */
  readonly first: string
  readonly last: string
  readonly after: string
  readonly torrents: readonly Torrent[]
}

/**
 * All pages, oldest first. The first one has the total, and the last one each new torrent: the others are read again only
 * if one of the two has changed.
 */
function useTorrents(): Live<readonly Torrent[]> {
  const known = useRef<Pages | undefined>(undefined)
  return usePolled('torrents', { periodMs: PERIOD_MS, events: ['torrent'] }, async (signal) => {
    const read = (after: string) =>
      requestText(`/api/v1/torrents?limit=${PAGE}${after === '' ? '' : `&after=${after}`}`, { signal })
    const first = await read('')
    const before = known.current
    const isSame =
      before?.first === first && (before.after === '' || before.last === (await read(before.after)))
    if (!isSame) known.current = await readPages(first, read)
    return known.current?.torrents ?? []
  })
}

async function readPages(first: string, read: (after: string) => Promise<string>): Promise<Pages> {
  const torrents: Torrent[] = []
  let [last, after] = [first, '']
  for (;;) {
    const page = JSON.parse(last) as Page
    torrents.push(...page.torrents)
    // The list shows the newest first.
    if (page.next === null) return { first, last, after, torrents: torrents.toReversed() }
    after = encodeURIComponent(page.next)
    last = await read(after)
  }
}

const COLUMNS: readonly Column<Torrent>[] = [
  {
    title: 'Name',
    cell: ({ name, infoHash }) => (
      <a href={links.torrent(infoHash)} title={name}>
        {name}
      </a>
    ),
    order: byText(({ name }) => name),
  },
  {
    title: 'Size',
    width: '7rem',
    isNumber: true,
    cell: ({ sizeBytes }) => formatBytes(sizeBytes),
    order: byNumber(({ sizeBytes }) => sizeBytes),
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
    order: byText(({ registeredAt }) => registeredAt),
  },
  {
    title: 'Origin',
    width: '22%',
    from: 'tablet',
    cell: ({ origin }) => <span title={origin ?? ''}>{origin ?? '–'}</span>,
    order: byText(({ origin }) => origin),
  },
  {
    title: 'Infohash',
    width: '24rem',
    from: 'wide',
    cell: ({ infoHash }) => <code>{infoHash}</code>,
    order: byText(({ infoHash }) => infoHash),
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
