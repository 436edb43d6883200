/** Formats results as text tables: one line for each run, and one line for each site of a run. */
import type { Calibration } from './calibrate.ts'
import type { ScenarioResult } from './result.ts'

export function formatResults(results: readonly ScenarioResult[]): string {
  const runs = [
    [
      'scenario',
      'tracker',
      'clients',
      'copies',
      'last',
      'bound',
      'ratio',
      'done',
      'late',
      'uplink',
      'cpu',
      'others',
      '',
    ],
    ...results.map((result) => [
      result.options.scenario,
      result.options.tracker,
      `${result.options.client}/${result.options.settings}`,
      result.copiesInWorst.toFixed(2),
      seconds(result.lastSeconds),
      seconds(result.boundSeconds),
      result.ratioToBound?.toFixed(2) ?? '-',
      doneOf(result),
      String(result.stragglers.length),
      percent(result.uplinkShareMax),
      percent(result.cpu.busyShareMean),
      percent(result.cpu.othersShareMean),
      remarks(result),
    ]),
  ]
  return alignColumns(runs)
}

export function formatSites(result: ScenarioResult): string {
  const rows = [
    [
      'site',
      'copies in',
      'floor',
      'copies out',
      'first',
      'median',
      'last',
      'done',
      'hosts with remote peers',
    ],
    ...result.sites.map((site) => [
      site.site,
      site.copiesIn.toFixed(2),
      String(site.copiesInFloor),
      site.copiesOut.toFixed(2),
      seconds(site.firstSeconds),
      seconds(site.medianSeconds),
      seconds(site.lastSeconds),
      `${site.done}/${site.leechers}`,
      String(site.hostsWithRemotePeers),
    ]),
  ]
  const events = result.events.map((event) => `  ${event.seconds.toFixed(1)} s  ${event.text}`)
  return [alignColumns(rows), ...events].join('\n')
}

export function formatCalibration(calibration: Calibration): string {
  const mbit = (bits: number) => (bits / 1e6).toFixed(1)
  return alignColumns([
    ['link', 'nominal Mbit/s', 'goodput Mbit/s', 'share'],
    ...calibration.rows.map((row) => [
      row.name,
      mbit(row.nominalBitsPerSecond),
      row.goodputBitsPerSecond.map(mbit).join(' + '),
      percent(row.share, 1),
    ]),
  ])
}

/** Reasons to read the line with care. */
function remarks(result: ScenarioResult): string {
  return [
    result.outcome === 'finished' ? '' : result.outcome.toUpperCase(),
    result.unfinished.length === 0 ? '' : `unfinished: ${result.unfinished.join(' ')}`,
    result.damaged.length === 0 ? '' : `DAMAGED: ${result.damaged.join(' ')}`,
    result.stragglers.length === 0 ? '' : `late: ${result.stragglers.join(' ')}`,
    result.isSaturated ? 'PROCESSORS SATURATED: times are not valid' : '',
  ]
    .filter((remark) => remark !== '')
    .join('; ')
}

function doneOf(result: ScenarioResult): string {
  const leechers = result.sites.reduce((sum, site) => sum + site.leechers, 0)
  const done = result.sites.reduce((sum, site) => sum + site.done, 0)
  return `${done}/${leechers}`
}

const seconds = (value: number | null) => (value === null ? '-' : `${value.toFixed(1)} s`)
const percent = (share: number, digits = 0) => `${(share * 100).toFixed(digits)} %`

export function alignColumns(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
