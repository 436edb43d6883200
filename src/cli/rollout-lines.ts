/** Rollouts as the admin API describes them, in lines for a terminal or a log. */
import type { RolloutAnswer, RolloutInFull, SiteAnswer } from '../rollouts/rollout-answer.ts'
import { absentHosts, absentSentence } from '../rollouts/absent-hosts.ts'
import { formatByteSize } from './byte-size.ts'
import { escapeControl } from './escape-control.ts'
import { formatTime } from './format-time.ts'

const BAR_WIDTH = 20

/** One line for each rollout, in columns. */
export function listLines(rollouts: readonly RolloutAnswer[]): string[] {
  const rows = rollouts.map((rollout) => [
    rollout.infoHash,
    rollout.state,
    percentText(rollout.percent),
    hostsText(rollout.hosts),
    rateText(rollout.rateBytesPerSecond),
    leftText(rollout),
    escapeControl(rollout.name),
  ])
  return columns([['INFOHASH', 'STATE', 'DONE', 'HOSTS', 'RATE', 'LEFT', 'NAME'], ...rows])
}

/** A rollout with its sites, its bubbles and its stragglers. */
export function rolloutLines(rollout: RolloutInFull): string[] {
  const { bytes } = rollout
  const saved = bytes.saved > 0 ? `, ${formatByteSize(bytes.saved)} saved` : ''
  const bound =
    bytes.betweenSitesAtMost > bytes.betweenSites
      ? ` (at most ${formatByteSize(bytes.betweenSitesAtMost)})`
      : ''
  return [
    `${escapeControl(rollout.name)}  ${formatByteSize(rollout.sizeBytes)}`,
    `${rollout.infoHash}  ${rollout.state}: ${escapeControl(rollout.sentence)}`,
    `${barOf(rollout.percent)} ${percentText(rollout.percent)}  ${hostsText(rollout.hosts)} hosts  ${rateText(rollout.rateBytesPerSecond)}  ${leftText(rollout)}`,
    `${formatByteSize(bytes.downloaded)} downloaded, ${formatByteSize(bytes.betweenSites)}${bound} between sites${saved}`,
    '',
    ...columns([
      ['SITE', '', 'DONE', 'HOSTS', 'RATE', 'LEFT', 'COPIES', ''],
      ...rollout.sites.flatMap((site) => [siteRow(site), ...bubbleRows(site)]),
    ]),
    ...stragglerLines(rollout.sites),
  ]
}

/** One line for a log or a status line. */
export function progressLine(rollout: RolloutInFull, siteName: string | undefined): string {
  const site = rollout.sites.find((each) => each.site === siteName)
  const shown = site ?? rollout
  const parts = [
    percentText(shown.percent),
    `${hostsText(shown.hosts)} hosts`,
    rateText(shown.rateBytesPerSecond),
    leftText(shown),
  ]
  return `${barOf(shown.percent)} ${parts.join('  ')}  ${escapeControl(shown.sentence)}`
}

function siteRow(site: SiteAnswer): string[] {
  return [
    site.site,
    barOf(site.percent),
    percentText(site.percent),
    hostsText(site.hosts),
    rateText(site.rateBytesPerSecond),
    leftText(site),
    site.copiesIn === 0 ? '-' : site.copiesIn.toFixed(2),
    escapeControl(site.sentence),
  ]
}

/** A site with one bubble is not divided. */
function bubbleRows({ bubbles }: SiteAnswer): string[][] {
  if (bubbles.length < 2) return []
  return bubbles.map(({ bubble, percent, hosts }) => [
    `  ${bubble}`,
    barOf(percent),
    percentText(percent),
    hostsText(hosts),
    '',
    '',
    '',
    '',
  ])
}

function stragglerLines(sites: readonly SiteAnswer[]): string[] {
  const rows = sites.flatMap(({ site, stragglers }) =>
    stragglers.map(({ address, port, bubble, client, percent, reason, lastSeenAt }) => [
      `${site}${bubble === '-' ? '' : `/${bubble}`}`,
      `${address}:${port}`,
      percentText(percent),
      reason,
      client === null ? '-' : escapeControl(client),
      `last seen ${lastSeenAt.slice(0, 19).replace('T', ' ')}`,
    ]),
  )
  const hidden = sites.reduce(
    (sum, { stragglers, stragglersTotal }) => sum + stragglersTotal - stragglers.length,
    0,
  )
  const absent = absentHosts(sites).map((each) => `${each.place}  ${absentSentence(each)}`)
  if (rows.length + absent.length === 0) return []
  const further = hidden > 0 ? [`and ${hidden} more`] : []
  return ['', 'LATE', ...columns(rows), ...further, ...absent]
}

function percentText(percent: number): string {
  return `${percent.toFixed(percent === 100 ? 0 : 1)} %`
}

function hostsText({ complete, seen, expected }: RolloutAnswer['hosts']): string {
  return `${complete}/${Math.max(seen, expected ?? 0)}`
}

function rateText(bytesPerSecond: number): string {
  return bytesPerSecond === 0 ? '-' : `${formatByteSize(bytesPerSecond)}/s`
}

function leftText({ etaSeconds, percent }: Pick<RolloutAnswer, 'etaSeconds' | 'percent'>): string {
  if (percent === 100) return 'done'
  return etaSeconds === null ? '-' : `${formatTime(etaSeconds)} left`
}

function barOf(percent: number): string {
  const full = Math.floor((percent / 100) * BAR_WIDTH)
  return `[${'#'.repeat(full)}${'-'.repeat(BAR_WIDTH - full)}]`
}

/** The last column is not padded. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const row of rows)
    for (const [index, text] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, text.length)
  return rows.map((row) =>
    row
      .map((text, index) => (index === row.length - 1 ? text : text.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}
