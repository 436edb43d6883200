/** Formats results as text tables: one line for each run, and one line for each site of a run. */
import type { Calibration } from './calibrate.ts'
import { type ScenarioResult, isPassed, trackerLabel } from './result.ts'

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
      'nodes',
      's/GB',
      '',
    ],
    ...results.map((result) => [
      result.options.scenario,
      trackerLabel(result.options),
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
      result.nodeCpu === null ? '-' : percent(result.nodeCpu.share),
      result.nodeCpu?.secondsPerGigabyte?.toFixed(1) ?? '-',
      remarks(result),
    ]),
  ]
  const repeated = formatRepeated(results)
  return [alignColumns(runs), ...(repeated === '' ? [] : ['', repeated])].join('\n')
}

/**
 * One line for each scenario, tracker and client that has several runs: the worst copies, and the last host's time as
 * median, minimum and maximum. Empty if there is only one run of each.
 */
function formatRepeated(results: readonly ScenarioResult[]): string {
  const groups = new Map<string, ScenarioResult[]>()
  for (const result of results) {
    const { scenario, client, settings } = result.options
    const key = [scenario, trackerLabel(result.options), `${client}/${settings}`].join('\t')
    groups.set(key, [...(groups.get(key) ?? []), result])
  }
  if ([...groups.values()].every(({ length }) => length < 2)) return ''
  return alignColumns([
    ['scenario', 'tracker', 'clients', 'runs', 'complete', 'copies max', 'last median', 'min', 'max'],
    ...[...groups].map(([key, runs]) => {
      const lasts = runs
        .map(({ lastSeconds }) => lastSeconds ?? Infinity)
        .toSorted((left, right) => left - right)
      const time = (index: number) => seconds(Number.isFinite(lasts[index]) ? (lasts[index] ?? null) : null)
      return [
        ...key.split('\t'),
        String(runs.length),
        String(runs.filter(isPassed).length),
        Math.max(...runs.map(({ copiesInWorst }) => copiesInWorst)).toFixed(2),
        time(Math.floor((lasts.length - 1) / 2)),
        time(0),
        time(lasts.length - 1),
      ]
    }),
  ])
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
  const affected = alignColumns(
    result.affected.map(({ host, fault, outcome }) => [`  ${host}`, fault, outcome]),
  )
  return [alignColumns(rows), ...events, ...(affected === '' ? [] : [affected])].join('\n')
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
