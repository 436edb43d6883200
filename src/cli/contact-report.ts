/** Report of `check --online`: one line per URL, failures first if there are more than a page. */
import { type Contact, type Target } from './contact-nodes.ts'
import { escapeControl } from './escape-control.ts'

/** A page of a terminal, less the lines of the files. */
const LINES_MAX = 40

export function describeContacts(contacts: readonly Contact[]): string[] {
  const failed = contacts.filter(({ isOk }) => !isOk)
  const shown = contacts.length <= LINES_MAX ? contacts : failed.slice(0, LINES_MAX)
  const rows = shown.map(({ url, isOk, addresses, result, elapsedMs, ...target }) => [
    isOk ? 'ok' : 'failed',
    url,
    usedBy(target),
    addresses.length > 3 ? `${addresses.slice(0, 3).join(' ')} …` : addresses.join(' ') || '-',
    escapeControl(isOk ? `${result}, in ${elapsedMs.toFixed(0)} ms` : result),
  ])
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
  const hidden = failed.length - shown.length
  if (contacts.length > LINES_MAX && hidden > 0) lines.push(`and ${hidden} more that failed`)
  lines.push(
    contacts.length === 0
      ? 'the topology has no trackers and no federation URLs: nothing was contacted'
      : `${contacts.length - failed.length} of ${contacts.length} URLs are ok`,
  )
  return lines
}

function usedBy({ kind, sites }: Pick<Target, 'kind' | 'sites'>): string {
  if (sites.length === 0) return 'fallback'
  const names = sites.length > 3 ? `${sites.slice(0, 3).join(', ')}, …` : sites.join(', ')
  return `${kind} of ${names}`
}
