/** A row of the savings in the answers of the API. `savings.ts` makes the values; the dashboard shares the type. */
import * as z from 'zod'

export const savingsRowSchema = z.object({
  period: z.string().describe('The month in which the rollouts started, such as 2030-01; or all.'),
  subject: z.string().describe('The site, or the infohash of the torrent.'),
  name: z.string(),
  rollouts: z.int(),
  downloadedBytes: z.number(),
  betweenSitesBytes: z.number(),
  betweenSitesBytesAtMost: z.number(),
  savedBytes: z.number(),
  origin: z.enum(['counted', 'bound']),
})

export type SavingsRow = z.output<typeof savingsRowSchema>
