/**
 * Bytes between sites and bytes saved, by site or by torrent, for each month in which rollouts started. Of rollouts that
 * are registered, and of the last ones that were removed.
 */
import { savedAt } from './describe-rollout.ts'
import type { RolloutTorrent } from './rollout.ts'
import { startOf } from './rollout-view.ts'
import type { SavingsRow } from './savings-row.ts'
import type { SiteReport } from './site-report.ts'

export interface RolloutBytes {
  readonly torrent: RolloutTorrent
  readonly view: readonly SiteReport[]
}

export function savingsOf(
  rollouts: Iterable<RolloutBytes>,
  by: 'site' | 'torrent',
  period: 'month' | 'all',
): SavingsRow[] {
  const rows = new Map<string, SavingsRow>()
  for (const { torrent, view } of rollouts) {
    const startedAtMs = startOf(view)
    if (startedAtMs === undefined) continue
    const month = period === 'all' ? 'all' : new Date(startedAtMs).toISOString().slice(0, 7)
    const counted = new Set<string>()
    for (const report of view) {
      if (report.startedAtMs === null) continue
      const infoHash = (torrent.infoHashes[0] as Buffer).toString('hex')
      const subject = by === 'site' ? report.site : infoHash
      const key = `${month} ${subject}`
      const before = rows.get(key)
      rows.set(key, {
        period: month,
        subject,
        name: by === 'site' ? report.site : torrent.name,
        rollouts: (before?.rollouts ?? 0) + (counted.has(key) ? 0 : 1),
        downloadedBytes: (before?.downloadedBytes ?? 0) + report.bytes.downloaded,
        betweenSitesBytes: (before?.betweenSitesBytes ?? 0) + report.bytes.betweenSites,
        betweenSitesBytesAtMost: (before?.betweenSitesBytesAtMost ?? 0) + report.bytes.betweenSitesAtMost,
        savedBytes: (before?.savedBytes ?? 0) + savedAt(report, view, torrent.sizeBytes),
        origin: report.bytes.isCounted && (before?.origin ?? 'counted') === 'counted' ? 'counted' : 'bound',
      })
      counted.add(key)
    }
  }
  return [...rows.values()].toSorted((a, b) => compare(b.period, a.period) || b.savedBytes - a.savedBytes)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
