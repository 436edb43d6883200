/**
 * A table of any length. A short one is a plain table in the page; a long one scrolls inside its frame and renders the
 * visible rows only, so that 10,000 rows cost as much as 40. Rows have one height, and cells do not wrap.
 */
import type { ComponentChildren } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { type SortKey, sortRows } from './sort-rows.ts'

export interface Column<Row> {
  readonly title: string
  /** CSS width; the columns without one share the rest. */
  readonly width?: string
  readonly isNumber?: boolean
  /** Hidden on a narrower page. */
  readonly from?: 'tablet' | 'wide'
  /** On a phone, a badge of the column is its symbol alone. */
  readonly isSymbol?: boolean
  /** Wraps in a short table; a long one cuts it off, because its rows have one height. */
  readonly isWrapped?: boolean
  readonly cell: (row: Row) => ComponentChildren
  /** Rows are sorted by this value; a table cannot be sorted by a column without one. */
  readonly sortKey?: (row: Row) => SortKey
}

export interface VirtualTableProps<Row> {
  readonly label: string
  readonly rows: readonly Row[]
  readonly columns: readonly Column<Row>[]
  readonly keyOf: (row: Row) => string
}

const ROW_HEIGHT = 44
/** A table up to this length is part of the page. */
const PLAIN_ROWS_MAX = 60
/** Rows beyond the visible ones, for fast scrolling. */
const MARGIN_ROWS = 10
/** The window moves in steps, so that most scroll events render nothing. */
const STEP_ROWS = 5

export function VirtualTable<Row>({ label, rows, columns, keyOf }: VirtualTableProps<Row>) {
  const [sort, setSort] = useState<{ readonly column: number; readonly isDown: boolean } | undefined>()
  const sorted = useMemo(() => {
    const sortKey = sort === undefined ? undefined : columns[sort.column]?.sortKey
    return sortKey === undefined ? rows : sortRows(rows, sortKey, sort?.isDown === true)
  }, [rows, sort, columns])
  const isPlain = rows.length <= PLAIN_ROWS_MAX
  const frame = useRef<HTMLDivElement>(null)
  const view = useVisibleRows(frame, isPlain ? 0 : rows.length)
  const first = isPlain ? 0 : view.first
  const end = isPlain ? rows.length : Math.min(rows.length, view.end)

  return (
    <div
      ref={frame}
      class={isPlain ? 'table' : 'table long'}
      {...(isPlain ? {} : { tabIndex: 0, role: 'region', 'aria-label': `${label}, ${rows.length} rows` })}
    >
      <table aria-label={label} aria-rowcount={rows.length + 1}>
        <colgroup>
          {columns.map((column) => (
            <col
              key={column.title}
              class={classOf(column)}
              style={column.width === undefined ? {} : { width: column.width }}
            />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((column, index) => (
              <Heading
                key={column.title}
                column={column}
                direction={sort?.column === index ? (sort.isDown ? 'descending' : 'ascending') : 'none'}
                onSort={() =>
                  setSort((before) => ({
                    column: index,
                    isDown: before?.column === index ? !before.isDown : column.isNumber === true,
                  }))
                }
              />
            ))}
          </tr>
        </thead>
        <tbody>
          <Spacer rows={first} columns={columns.length} />
          {sorted.slice(first, end).map((row, index) => (
            <tr key={keyOf(row)} aria-rowindex={first + index + 2}>
              {columns.map((column) => (
                <td key={column.title} class={classOf(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
          <Spacer rows={rows.length - end} columns={columns.length} />
        </tbody>
      </table>
    </div>
  )
}

function Heading<Row>({
  column,
  direction,
  onSort,
}: {
  readonly column: Column<Row>
  readonly direction: 'ascending' | 'descending' | 'none'
  readonly onSort: () => void
}) {
  return (
    <th
      scope="col"
      class={classOf(column)}
      {...(column.sortKey === undefined ? {} : { 'aria-sort': direction })}
    >
      {column.sortKey === undefined ? (
        column.title
      ) : (
        <button type="button" class="sort" onClick={onSort}>
          {column.title}
          <span aria-hidden="true">
            {direction === 'none' ? '' : direction === 'ascending' ? ' ▲' : ' ▼'}
          </span>
        </button>
      )}
    </th>
  )
}

function Spacer({ rows, columns }: { readonly rows: number; readonly columns: number }) {
  if (rows <= 0) return null
  return (
    <tr aria-hidden="true" class="spacer">
      <td colSpan={columns} style={{ height: `${rows * ROW_HEIGHT}px` }} />
    </tr>
  )
}

function classOf<Row>({ isNumber, isSymbol, isWrapped, from }: Column<Row>): string {
  return [
    isNumber === true ? 'number' : '',
    isSymbol === true ? 'symbol' : '',
    isWrapped === true ? 'wrapped' : '',
    from === undefined ? '' : `from-${from}`,
  ]
    .join(' ')
    .trim()
}

function useVisibleRows(frame: { readonly current: HTMLElement | null }, count: number) {
  const [view, setView] = useState({ first: 0, end: 2 * MARGIN_ROWS })
  useEffect(() => {
    const element = frame.current
    if (element === null || count === 0) return undefined
    const measure = () => {
      const top = Math.floor(element.scrollTop / ROW_HEIGHT / STEP_ROWS) * STEP_ROWS
      const visible = Math.ceil(element.clientHeight / ROW_HEIGHT) + STEP_ROWS
      const first = Math.max(0, top - MARGIN_ROWS)
      const end = top + visible + MARGIN_ROWS
      setView((before) => (before.first === first && before.end === end ? before : { first, end }))
    }
    measure()
    const resized = new ResizeObserver(measure)
    resized.observe(element)
    element.addEventListener('scroll', measure, { passive: true })
    return () => {
      resized.disconnect()
      element.removeEventListener('scroll', measure)
    }
  }, [count])
  return view
}
