/**
 * Draws completed hosts over time as SVG: one panel per policy, one line per site. The panels share the time axis,
 * so that policies can be compared by eye; a dashed line marks the lower bound.
 */
import type { Outcome, SiteOutcome } from './outcome.ts'

const WIDTH = 860
const PLOT = { left: 56, right: 150, top: 56, height: 180, gap: 54 } as const
/** Palette that is distinguishable with red-green colour blindness (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'] as const
/** Further sites have a line, but no name. */
const NAMES_MAX = 11
/** A line of 860 pixels shows no more steps. */
const POINTS_MAX = 400

export function drawOutcomes(outcomes: readonly Outcome[], title: string): string {
  const untilSeconds = 1.03 * Math.max(1, ...outcomes.map(latest))
  const x = (seconds: number) => PLOT.left + (seconds / untilSeconds) * (WIDTH - PLOT.left - PLOT.right)
  const height = PLOT.top + outcomes.length * (PLOT.height + PLOT.gap)
  const panels = outcomes.map((outcome, index) => {
    const top = PLOT.top + index * (PLOT.height + PLOT.gap)
    return drawPanel(outcome, top, untilSeconds, x)
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif">
<rect width="100%" height="100%" fill="white"/>
${text(PLOT.left, 24, title, 14)}
${panels.join('\n')}
</svg>
`
}

function drawPanel(
  outcome: Outcome,
  top: number,
  untilSeconds: number,
  x: (seconds: number) => number,
): string {
  const bottom = top + PLOT.height
  const y = (share: number) => bottom - share * PLOT.height
  const parts = [text(PLOT.left, top - 8, heading(outcome), 12)]
  for (const share of [0, 0.5, 1]) {
    parts.push(line(x(0), y(share), x(untilSeconds), y(share), '#ddd'))
    parts.push(text(PLOT.left - 8, y(share) + 4, `${share * 100} %`, 11, 'end'))
  }
  for (const seconds of roundSteps(untilSeconds))
    parts.push(text(x(seconds), bottom + 16, `${seconds} s`, 11, 'middle'))
  parts.push(line(x(outcome.boundSeconds), top, x(outcome.boundSeconds), bottom, '#555', '6 4'))
  const sites = outcome.sites.filter((site) => site.hosts > 0)
  for (const [index, site] of sites.entries()) {
    const colour = COLOURS[index % COLOURS.length] ?? '#000000'
    parts.push(staircase(site, untilSeconds, colour, x, y))
    if (index < NAMES_MAX)
      parts.push(text(WIDTH - PLOT.right + 12, top + 10 + index * 16, label(site), 11, 'start', colour))
  }
  return parts.join('\n')
}

function heading({ policy, copiesMean, lastSeconds, unfinished }: Outcome): string {
  const end =
    lastSeconds === undefined
      ? `${unfinished} hosts did not complete`
      : `last host ${lastSeconds.toFixed(0)} s`
  return `${policy}: ${copiesMean.toFixed(2)} copies into a site, ${end}`
}

const label = (site: SiteOutcome) => `${site.site}: ${site.copies.toFixed(2)} in`

const latest = (outcome: Outcome) =>
  Math.max(outcome.boundSeconds, ...outcome.sites.map((site) => site.doneSeconds.at(-1) ?? 0))

/** The share of completed hosts is constant between two completions. */
function staircase(
  site: SiteOutcome,
  untilSeconds: number,
  colour: string,
  x: (seconds: number) => number,
  y: (share: number) => number,
): string {
  const stride = Math.max(1, Math.ceil(site.doneSeconds.length / POINTS_MAX))
  const points = [[x(0), y(0)]]
  let share = 0
  for (const [index, seconds] of site.doneSeconds.entries()) {
    if ((index + 1) % stride !== 0 && index + 1 < site.doneSeconds.length) continue
    points.push([x(seconds), y(share)])
    share = (index + 1) / site.hosts
    points.push([x(seconds), y(share)])
  }
  points.push([x(untilSeconds), y(share)])
  const path = points.map(([px, py]) => `${(px ?? 0).toFixed(1)},${(py ?? 0).toFixed(1)}`).join(' ')
  return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`
}

/** Ticks: 0 and at most eight round numbers up to a limit. */
function roundSteps(limit: number): number[] {
  const power = 10 ** Math.floor(Math.log10(limit / 4))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => limit / size <= 8) ?? 10 * power
  return Array.from({ length: Math.floor(limit / step) + 1 }, (_, index) =>
    Number((index * step).toPrecision(6)),
  )
}

function text(
  x: number,
  y: number,
  content: string,
  size: number,
  anchor = 'start',
  colour = '#222',
): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}" text-anchor="${anchor}" fill="${colour}">${escaped}</text>`
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string, dashes = 'none'): string {
  return `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="${colour}" stroke-dasharray="${dashes}"/>`
}
