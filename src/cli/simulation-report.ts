/** Report of `simulate`: tables for a terminal, and the document of `--json`. */
import type { Outcome, SiteOutcome } from '../simulation/outcome.ts'
import { boundSeconds, hostCount, pieceCount, type Scenario } from '../simulation/scenario.ts'
import { formatByteSize } from './byte-size.ts'

export function describeScenario(scenario: Scenario): string {
  const sites = scenario.hostsOfSite.filter((hosts) => hosts > 0).length
  const size = formatByteSize(scenario.sizeBytes)
  const client = [...new Set(scenario.clients.map(({ name }) => name))].join(', ')
  const hosts = count(hostCount(scenario), 'host')
  return `${count(sites, 'site')}, ${hosts}, ${size}, NIC ${formatRate(scenario.nicBitsPerSecond)}, WAN ${rateRange(scenario.wanBitsPerSecond)}, ${client}, seed ${scenario.seed}`
}

/** Site by site for each policy, then the policies side by side. */
export function describeOutcomes(scenario: Scenario, outcomes: readonly Outcome[]): string[] {
  const lines = [
    describeScenario(scenario),
    `Lower bound ${formatSeconds(boundSeconds(scenario))}: the file leaves its site once, and enters each site and host once.`,
  ]
  for (const outcome of outcomes) {
    const rows = outcome.sites.map((site) => [
      site.site,
      String(site.hosts),
      site.copies.toFixed(2),
      formatSeconds(site.firstSeconds),
      formatSeconds(site.medianSeconds),
      site.unfinished > 0 ? `${site.unfinished} never` : formatSeconds(site.lastSeconds),
    ])
    lines.push('', outcome.policy, ...table(['site', 'hosts', 'copies in', 'first', 'median', 'last'], rows))
  }
  const rows = outcomes.map((outcome) => [
    outcome.policy,
    outcome.copiesMean.toFixed(2),
    outcome.copiesMax.toFixed(2),
    formatByteSize(Math.round(outcome.remoteBytes)),
    outcome.unfinished > 0 ? `${outcome.unfinished} never` : formatSeconds(outcome.lastSeconds),
    formatRatio(outcome),
  ])
  const heads = ['policy', 'copies into a site', 'most', 'between sites', 'last host', '× bound']
  return [...lines, '', ...table(heads, rows)]
}

/** Units last, as in all documents of the program. */
export function outcomeDocument(scenario: Scenario, outcomes: readonly Outcome[]) {
  return {
    seed: scenario.seed,
    sizeBytes: scenario.sizeBytes,
    pieces: pieceCount(scenario),
    hosts: hostCount(scenario),
    nicBitsPerSecond: scenario.nicBitsPerSecond,
    wanBitsPerSecond: Object.fromEntries(
      scenario.topology.sites.map((site) => [site.name, scenario.wanBitsPerSecond[site.index]]),
    ),
    sourceSite: scenario.topology.sites[scenario.sourceSite]?.name,
    boundSeconds: boundSeconds(scenario),
    policies: outcomes.map((outcome) => ({
      policy: outcome.policy,
      copiesMean: outcome.copiesMean,
      copiesMax: outcome.copiesMax,
      copiesOutOfSource: outcome.copiesOutOfSource,
      remoteBytes: Math.round(outcome.remoteBytes),
      medianSeconds: outcome.medianSeconds ?? null,
      lastSeconds: outcome.lastSeconds ?? null,
      ratioToBound: outcome.lastSeconds === undefined ? null : outcome.lastSeconds / outcome.boundSeconds,
      unfinished: outcome.unfinished,
      sites: outcome.sites.map(siteDocument),
    })),
  }
}

function siteDocument(site: SiteOutcome) {
  return {
    site: site.site,
    hosts: site.hosts,
    copiesIn: site.copies,
    firstSeconds: site.firstSeconds ?? null,
    medianSeconds: site.medianSeconds ?? null,
    lastSeconds: site.lastSeconds ?? null,
    unfinished: site.unfinished,
  }
}

/** Left-aligns the first column, right-aligns numbers. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => (row[column] ?? '').length)),
  )
  return [heads, ...rows].map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  )
}

/** `83.2 s` up to ten minutes, then `23 min 12 s`, `2 h 3 min`. */
export function formatSeconds(seconds: number | undefined): string {
  if (seconds === undefined) return '-'
  if (seconds < 600) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 2 * 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

function formatRatio({ lastSeconds, boundSeconds: bound }: Outcome): string {
  return lastSeconds === undefined ? '-' : (lastSeconds / bound).toFixed(2)
}

function rateRange(rates: readonly number[]): string {
  const least = Math.min(...rates)
  const most = Math.max(...rates)
  return least === most ? formatRate(least) : `${formatRate(least)} to ${formatRate(most)}`
}

function formatRate(bitsPerSecond: number): string {
  const megabits = bitsPerSecond / 1e6
  return megabits >= 1000
    ? `${Number((megabits / 1000).toPrecision(4))} Gbit/s`
    : `${Number(megabits.toPrecision(4))} Mbit/s`
}

const count = (number: number, one: string) => `${number} ${number === 1 ? one : `${one}s`}`
