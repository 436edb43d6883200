/** Columns that all tables of hosts have. */
import { formatAge } from '../elements/quantities.ts'
import { byText } from '../elements/sort-rows.ts'
import { type Column } from '../elements/virtual-table.tsx'
import { links } from './links.ts'
import { nowMs } from './now.ts'

/** Address and port, with a link to the page of the host. */
export function endpointColumn<Row extends { readonly address: string; readonly port: number }>(
  title: string,
): Column<Row> {
  return {
    title,
    width: 'var(--address-width)',
    cell: ({ address, port }) => (
      <a href={links.host(address)}>
        {address}:{port}
      </a>
    ),
    sortKey: byText(({ address }) => address),
  }
}

export function clientColumn<Row extends { readonly client: string | null }>(
  from: NonNullable<Column<Row>['from']>,
): Column<Row> {
  return {
    title: 'Client',
    width: '11rem',
    from,
    cell: ({ client }) => client ?? '–',
    sortKey: byText(({ client }) => client),
  }
}

export function lastSeenColumn<Row extends { readonly lastSeenAt: string }>(): Column<Row> {
  return {
    title: 'Last seen',
    width: '9rem',
    isNumber: true,
    from: 'tablet',
    cell: ({ lastSeenAt }) => formatAge(lastSeenAt, nowMs.value),
    sortKey: byText(({ lastSeenAt }) => lastSeenAt),
  }
}
