/** Bytes between sites and bytes saved, as JSON or CSV. */
import * as z from 'zod'
import type { Rollouts } from '../../../rollouts/rollouts.ts'
import { savingsOf } from '../../../rollouts/savings.ts'
import type { SavingsRow } from '../../../rollouts/savings-row.ts'
import { SAVINGS_BY, SAVINGS_PERIODS, savingsSchema } from '../answers/rollouts.ts'
import type { ApiRoutes } from '../api-routes.ts'
import { oneOf } from '../parameters.ts'

const by = () => oneOf('by', SAVINGS_BY)
const period = () => oneOf('period', SAVINGS_PERIODS)

export function addSavingsRoute(routes: ApiRoutes, { rollouts }: { readonly rollouts: Rollouts }): void {
  routes.get(
    '/api/v1/savings',
    {
      schema: {
        summary: 'Bytes between sites and bytes saved',
        querystring: z.strictObject({
          by: by().default('site'),
          period: period().default('month'),
          format: oneOf('format', ['json', 'csv']).default('json'),
        }),
        response: {
          200: {
            description: 'A row for each site or torrent, and month.',
            content: { 'application/json': { schema: savingsSchema }, 'text/csv': { schema: z.string() } },
          },
        },
      },
    },
    async ({ query }, reply) => {
      const rows = savingsOf(
        [...rollouts.all()].map((rollout) => ({ torrent: rollout.torrent, view: rollouts.view(rollout) })),
        query.by,
        query.period,
      )
      if (query.format === 'json') return { by: query.by, period: query.period, rows }
      const name = `siteswarm-savings-by-${query.by}.csv`
      return reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', `attachment; filename="${name}"`)
        .send(toCsv(rows))
    },
  )
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
