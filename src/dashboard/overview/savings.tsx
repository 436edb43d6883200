/** Bytes between sites and bytes saved by month, by site or by torrent, and the same as CSV. */
import { useState } from 'preact/hooks'
import { asFailure, requestText } from '../api/admin-client.ts'
import { useLive } from '../api/live.ts'
import type { Savings as SavingsAnswer, SavingsRow } from '../api/responses.ts'
import { SameAsCommand } from '../elements/command.tsx'
import { curl } from '../elements/commands.ts'
import { Failure, Loading } from '../elements/notices.tsx'
import { formatBytes, formatCount } from '../elements/quantities.ts'
import { byNumber, byText } from '../elements/sort-rows.ts'
import { type Column, VirtualTable } from '../elements/virtual-table.tsx'
import { links } from '../frame/links.ts'

const PERIOD_MS = 15_000

type By = 'site' | 'torrent'

export function Savings() {
  const [by, setBy] = useState<By>('site')
  const [problem, setProblem] = useState<string | undefined>()
  const path = `/api/v1/savings?by=${by}&period=month`
  const { value, failure } = useLive<SavingsAnswer>(path, { periodMs: PERIOD_MS })
  const download = async () => {
    setProblem(undefined)
    try {
      saveFile(`siteswarm-savings-by-${by}.csv`, await requestText(`${path}&format=csv`))
    } catch (error) {
      setProblem(asFailure(error).message)
    }
  }
  return (
    <section aria-labelledby="savings">
      <h2 id="savings">Savings by month</h2>
      <p class="note">
        Saved: the bytes that would have crossed between sites if every host had fetched from the first site,
        less those that did. A rollout counts in the month in which it started.
      </p>
      <div class="filters">
        <label>
          For each
          <select value={by} onChange={(event) => setBy(event.currentTarget.value as By)}>
            <option value="site">site</option>
            <option value="torrent">torrent</option>
          </select>
        </label>
        <button
          type="button"
          disabled={value === undefined || value.rows.length === 0}
          onClick={() => void download()}
        >
          Download CSV
        </button>
      </div>
      <Failure failure={failure} />
      {problem === undefined ? null : (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {value === undefined ? (
        failure === undefined ? (
          <Loading of="the savings" />
        ) : null
      ) : value.rows.length === 0 ? (
        <p class="note">The first rollout that starts adds a row for each of its sites.</p>
      ) : (
        <VirtualTable
          label="Savings by month"
          rows={value.rows}
          columns={by === 'site' ? SITE_COLUMNS : TORRENT_COLUMNS}
          keyOf={({ period, subject }) => `${period} ${subject}`}
        />
      )}
      <SameAsCommand text={curl('GET', `${path}&format=csv`)} />
    </section>
  )
}

/** A request of the page carries the token; a link could not. */
function saveFile(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}

const COUNTS: readonly Column<SavingsRow>[] = [
  {
    title: 'Downloaded',
    width: '9rem',
    isNumber: true,
    from: 'tablet',
    cell: ({ downloadedBytes }) => formatBytes(downloadedBytes),
    sortKey: byNumber(({ downloadedBytes }) => downloadedBytes),
  },
  {
    title: 'Between sites',
    width: '9rem',
    isNumber: true,
    from: 'tablet',
    cell: ({ betweenSitesBytes }) => formatBytes(betweenSitesBytes),
    sortKey: byNumber(({ betweenSitesBytes }) => betweenSitesBytes),
  },
  {
    title: 'Saved',
    width: '7rem',
    isNumber: true,
    cell: ({ savedBytes }) => formatBytes(savedBytes),
    sortKey: byNumber(({ savedBytes }) => savedBytes),
  },
  {
    title: 'Known',
    width: '18rem',
    from: 'wide',
    cell: ({ origin, betweenSitesBytesAtMost }) =>
      origin === 'counted'
        ? 'counted by carriers'
        : `at most ${formatBytes(betweenSitesBytesAtMost)} between sites`,
    sortKey: byText(({ origin }) => origin),
  },
]

const MONTH: Column<SavingsRow> = {
  title: 'Month',
  width: '6.5rem',
  cell: ({ period }) => period,
  sortKey: byText(({ period }) => period),
}

const SITE_COLUMNS: readonly Column<SavingsRow>[] = [
  MONTH,
  { title: 'Site', cell: ({ subject }) => subject, sortKey: byText(({ subject }) => subject) },
  {
    title: 'Rollouts',
    width: '7rem',
    isNumber: true,
    from: 'tablet',
    cell: ({ rollouts }) => formatCount(rollouts),
    sortKey: byNumber(({ rollouts }) => rollouts),
  },
  ...COUNTS,
]

const TORRENT_COLUMNS: readonly Column<SavingsRow>[] = [
  MONTH,
  {
    title: 'Torrent',
    cell: ({ subject, name }) => <a href={links.rollout(subject)}>{name}</a>,
    sortKey: byText(({ name }) => name),
  },
  ...COUNTS,
]
