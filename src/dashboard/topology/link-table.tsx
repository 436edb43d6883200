/** The links between sites with their rate and hours, and the action that changes a rate. */
import { useState } from 'preact/hooks'
import { requestText } from '../api/admin-client.ts'
import type { Link, LinkList } from '../api/responses.ts'
import { Action } from '../elements/action.tsx'
import { Badge } from '../elements/badge.tsx'
import { curl } from '../elements/commands.ts'
import { formatBitRate, formatCount, formatTime } from '../elements/quantities.ts'
import { byNumber, byText } from '../elements/sort-rows.ts'
import { type Column, VirtualTable } from '../elements/virtual-table.tsx'

export function LinkTable({ list: { total, links } }: { readonly list: LinkList }) {
  if (links.length === 0) return <p class="note">One site has no links.</p>
  return (
    <>
      <VirtualTable label="Links" rows={links} columns={COLUMNS} keyOf={nameOf} />
      {total > links.length ? (
        <p class="note">
          The first {formatCount(links.length)} of {formatCount(total)} links.
        </p>
      ) : null}
    </>
  )
}

function nameOf({ between: [a, b] }: Link): string {
  return `${a} – ${b}`
}

const COLUMNS: readonly Column<Link>[] = [
  { title: 'Link', cell: nameOf, sortKey: byText(nameOf) },
  {
    title: 'Now',
    width: '9rem',
    isSymbol: true,
    cell: (link) => <Badge word={wordOf(link)} tone={link.isOpen && !isStopped(link) ? 'good' : 'warn'} />,
    sortKey: byText(wordOf),
  },
  { title: 'Rate', width: '36%', isWrapped: true, cell: describeRate, sortKey: byNumber(rateOf) },
  {
    title: 'Hours',
    width: '15rem',
    from: 'tablet',
    isWrapped: true,
    cell: describeHours,
    sortKey: byText(({ hours }) => hours),
  },
  {
    title: 'Carried by',
    width: '7.5rem',
    from: 'tablet',
    cell: ({ carry }) => (carry === 'nodes' ? 'nodes' : 'hosts'),
    sortKey: byText(({ carry }) => carry),
  },
  {
    title: 'Cost',
    width: '5rem',
    isNumber: true,
    cell: ({ cost }) => cost,
    sortKey: byNumber(({ cost }) => cost),
  },
]

function isStopped({ rateBytesPerSecond }: Link): boolean {
  return rateBytesPerSecond === 0
}

function wordOf(link: Link): string {
  if (!link.isOpen) return 'closed'
  return isStopped(link) ? 'stopped' : 'open'
}

function rateOf({ rateBytesPerSecond }: Link): number {
  return rateBytesPerSecond ?? Number.MAX_VALUE
}

function describeRate({ rateBytesPerSecond, rateFrom, rateSetAt }: Link) {
  if (rateBytesPerSecond === null) return 'not limited'
  return (
    <>
      {formatBitRate(rateBytesPerSecond)}{' '}
      <small>{rateFrom === 'override' ? `set ${formatTime(rateSetAt)}` : 'by the topology'}</small>
    </>
  )
}

function describeHours({ hours, isOpen, nextChangeAt }: Link) {
  if (hours === null) return 'all hours'
  return (
    <>
      {hours} <small>{`${isOpen ? 'closes' : 'opens'} ${formatTime(nextChangeAt)}`}</small>
    </>
  )
}

export function LinkRate({
  links,
  onDone,
}: {
  readonly links: readonly Link[]
  readonly onDone: () => void
}) {
  const limited = links.filter(({ carry }) => carry === 'nodes')
  const [chosen, setChosen] = useState('')
  const [text, setText] = useState('')
  const link = limited.find((each) => nameOf(each) === chosen) ?? limited[0]
  if (link === undefined) return null
  const rate = text.trim() === '' ? null : text.trim()
  const path = `/api/v1/links/${link.between.map(encodeURIComponent).join('/')}`
  return (
    <Action
      title="Rate of a link"
      verb="Set rate"
      consequence={
        <p>
          The nodes of both sites follow within seconds, each direction on its own. The rate replaces the one
          of the topology until it is set again, also after a restart.
        </p>
      }
      command={curl('POST', path, { rate })}
      run={async () => {
        await requestText(path, {
          method: 'POST',
          body: JSON.stringify({ rate }),
          contentType: 'application/json',
        })
        onDone()
        return rate === null ? `${nameOf(link)}: rate of the topology` : `${nameOf(link)}: ${rate}`
      }}
    >
      <label class="field">
        Link
        <select value={nameOf(link)} onChange={(event) => setChosen(event.currentTarget.value)}>
          {limited.map((each) => (
            <option key={nameOf(each)} value={nameOf(each)}>
              {nameOf(each)}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        Rate, such as 200Mbit; 0Mbit stops it; empty for the rate of the topology
        <input
          type="text"
          value={text}
          autoComplete="off"
          spellcheck={false}
          placeholder="200Mbit"
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
    </Action>
  )
}
