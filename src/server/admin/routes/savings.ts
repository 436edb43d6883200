/** Bytes between sites and bytes saved, as JSON or CSV. */
import type { FastifyInstance } from 'fastify'
import type { Rollouts } from '../../../rollouts/rollouts.ts'
import { savingsOf, type SavingsRow } from '../../../rollouts/savings.ts'
import { ApiError, type Query, refuseUnknownParameters } from '../requests.ts'

const PARAMETERS = ['by', 'period', 'format']

export function addSavingsRoute(
  routes: FastifyInstance,
  { rollouts }: { readonly rollouts: Rollouts },
): void {
  routes.get<{ Querystring: Query }>('/api/v1/savings', async ({ query }, reply) => {
    refuseUnknownParameters(query, PARAMETERS)
    const by = readOneOf('by', query['by'] ?? 'site', ['site', 'torrent'])
    const period = readOneOf('period', query['period'] ?? 'month', ['month', 'all'])
    const format = readOneOf('format', query['format'] ?? 'json', ['json', 'csv'])
    const rows = savingsOf(
      [...rollouts.all()].map((rollout) => ({ torrent: rollout.torrent, view: rollouts.view(rollout) })),
      by,
      period,
    )
    if (format === 'json') return { by, period, rows }
    const name = `siteswarm-savings-by-${by}.csv`
    return reply
      .type('text/csv; charset=utf-8')
      .header('content-disposition', `attachment; filename="${name}"`)
      .send(toCsv(rows))
  })
}

const COLUMNS: readonly (keyof SavingsRow)[] = [
  'period',
  'subject',
  'name',
  'rollouts',
  'downloadedBytes',
  'betweenSitesBytes',
  'betweenSitesBytesAtMost',
  'savedBytes',
  'origin',
]

/** RFC 4180. */
function toCsv(rows: readonly SavingsRow[]): string {
  const lines = [
    COLUMNS.join(','),
    ...rows.map((row) => COLUMNS.map((column) => cell(row[column])).join(',')),
  ]
  return `${lines.join('\r\n')}\r\n`
}

/** A name that begins as a formula would be computed by a spreadsheet: an apostrophe makes it a text. */
function cell(value: string | number): string {
  if (typeof value === 'number') return String(value)
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function readOneOf<Value extends string>(name: string, text: Query[string], values: readonly Value[]): Value {
  const found = values.find((value) => value === text)
  if (found === undefined)
    throw new ApiError(
      400,
      `${name}-unknown`,
      `${name} must be one of ${values.join(', ')}, not ${JSON.stringify(text)}`,
    )
  return found
}
