/** Formats results as text tables: one line for each run, one for each group of runs, and one for each site of a run. */
import type { Calibration } from './calibrate.ts'
import { type ScenarioResult, trackerLabel } from './result.ts'
import { type Comparison, sumUp } from './sum-up.ts'

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
      'detected',
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
      result.copiesInWorst.toFixed(3),
      seconds(result.lastSeconds),
      seconds(result.boundSeconds),
      result.ratioToBound?.toFixed(2) ?? '-',
      doneOf(result),
      String(result.stragglers.length),
      seconds(result.detectedSeconds),
      percent(result.uplinkShareMax),
      percent(result.cpu.busyShareMean),
      percent(result.cpu.othersShareMean),
      result.nodeCpu === null ? '-' : percent(result.nodeCpu.share),
      result.nodeCpu?.secondsPerGigabyte?.toFixed(1) ?? '-',
      remarks(result),
    ]),
  ]
  const sums = formatSumUp(results)
  return [alignColumns(runs), ...(sums === '' ? [] : ['', sums])].join('\n')
}

/** Empty if there is nothing to compare: one scenario and one tracker, each measured once. */
function formatSumUp(results: readonly ScenarioResult[]): string {
  const lines = sumUp(results)
  if (lines.length < 2 && lines.every(({ runs }) => runs < 2)) return ''
  const first = results[0]?.options.scenario ?? ''
  const hasFirst = lines.some(({ thanFirst }) => thanFirst !== undefined)
  const trackers = [...new Set(lines.flatMap(({ thanTrackers }) => [...thanTrackers.keys()]))]
  return alignColumns([
    [
      'scenario',
      'tracker',
      'clients',
      'shape',
      'runs',
      'complete',
      'copies max',
      'last median',
      'min',
      'max',
      'ratio',
      'late',
      ...(hasFirst ? [`× ${first}`, 'later', 'later max'] : []),
      ...trackers.map((tracker) => `× ${tracker}`),
    ],
    ...lines.map((line) => [
      line.scenario,
      line.tracker,
      line.clients,
      line.shape,
      String(line.runs),
      String(line.complete),
      line.copiesMax.toFixed(3),
      seconds(line.medianSeconds),
      seconds(line.minSeconds),
      seconds(line.maxSeconds),
      figure(line.ratioToBound),
      String(line.stragglers),
      ...(hasFirst ? comparisonCells(line.thanFirst) : []),
      ...trackers.map((tracker) => figure(line.thanTrackers.get(tracker)?.ratio ?? null)),
    ]),
  ])
}

function comparisonCells(comparison: Comparison | undefined): string[] {
  if (comparison === undefined) return ['-', '-', '-']
  return [figure(comparison.ratio), seconds(comparison.secondsLater), seconds(comparison.secondsLaterMax)]
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
      site.copiesIn.toFixed(3),
      String(site.copiesInFloor),
      site.copiesOut.toFixed(3),
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
  const report = result.report.map((line) => `  ${line}`)
  return [alignColumns(rows), ...events, ...(affected === '' ? [] : [affected]), ...report].join('\n')
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

const seconds = (value: number | null) =>
  value === null || !Number.isFinite(value) ? '-' : `${value.toFixed(1)} s`
const figure = (value: number | null) => (value === null || !Number.isFinite(value) ? '-' : value.toFixed(2))
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
