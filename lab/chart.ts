/**
 * Chart of a run as SVG. Upper panel: share of each site's hosts that have completed, over time. Lower panel: copies into
 * each site. A dashed line marks the bound, dotted lines mark the injected faults.
 */
import { type ScenarioResult, trackerLabel } from './result.ts'

const WIDTH = 860
const PANEL = { left: 60, right: 150, heightDone: 220, heightCopies: 150, gap: 50, top: 50 } as const
/** Okabe and Ito's palette, which is distinguishable with colour blindness. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'] as const

export function drawChart(result: ScenarioResult): string {
  const lastSample = result.samples.at(-1)?.seconds ?? 0
  const untilSeconds = Math.max(lastSample, result.boundSeconds) * 1.03
  const copiesMax = Math.max(1, ...result.sites.map(({ copiesIn }) => copiesIn)) * 1.1
  const x = (seconds: number) => PANEL.left + (seconds / untilSeconds) * (WIDTH - PANEL.left - PANEL.right)
  const doneBottom = PANEL.top + PANEL.heightDone
  const yDone = (share: number) => doneBottom - share * PANEL.heightDone
  const copiesBottom = doneBottom + PANEL.gap + PANEL.heightCopies
  const yCopies = (copies: number) => copiesBottom - (copies / copiesMax) * PANEL.heightCopies
  const height = copiesBottom + 50

  const parts: string[] = [text(PANEL.left, 24, title(result), { size: 15 })]
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    parts.push(gridLine(x(0), x(untilSeconds), yDone(share)), axisText(yDone(share), `${share * 100} %`))
  }
  for (const copies of niceSteps(copiesMax)) {
    parts.push(gridLine(x(0), x(untilSeconds), yCopies(copies)), axisText(yCopies(copies), String(copies)))
  }
  for (const seconds of niceSteps(untilSeconds)) {
    parts.push(text(x(seconds), copiesBottom + 18, `${seconds} s`, { anchor: 'middle' }))
  }
  parts.push(
    text(PANEL.left, PANEL.top - 8, 'hosts done'),
    text(PANEL.left, doneBottom + PANEL.gap - 8, 'copies in'),
  )
  parts.push(mark(x(result.boundSeconds), PANEL.top, copiesBottom, '#555', '6 4'))
  parts.push(text(x(result.boundSeconds) + 4, PANEL.top + 12, `bound ${result.boundSeconds.toFixed(1)} s`))
  for (const [index, event] of result.events.entries()) {
    parts.push(mark(x(event.seconds), PANEL.top, copiesBottom, '#999', '2 3'))
    parts.push(text(x(event.seconds) + 4, PANEL.top + 28 + index * 14, event.text))
  }

  const fileBytes = result.options.sizeBytes
  for (const [index, site] of result.sites.entries()) {
    const colour = COLOURS[index % COLOURS.length] ?? '#000000'
    const times = result.hosts
      .filter((host) => host.site === site.site && host.role === 'leecher' && host.doneSeconds !== null)
      .map((host) => host.doneSeconds ?? 0)
      .toSorted((left, right) => left - right)
    parts.push(path(steps(times, site.leechers, untilSeconds, x, yDone), colour))
    parts.push(
      path(
        result.samples.map((sample) => [
          x(sample.seconds),
          yCopies((sample.bytesIn[site.site] ?? 0) / fileBytes),
        ]),
        colour,
      ),
    )
    const labelY = PANEL.top + 10 + index * 18
    parts.push(
      `<rect x="${WIDTH - PANEL.right + 16}" y="${labelY - 9}" width="12" height="12" fill="${colour}"/>`,
    )
    parts.push(text(WIDTH - PANEL.right + 34, labelY + 1, `${site.site}: ${site.copiesIn.toFixed(2)} in`))
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif">
<rect width="100%" height="100%" fill="white"/>
${parts.join('\n')}
</svg>
`
}

function title({ options, outcome }: ScenarioResult): string {
  const mbit = (bits: number) => `${bits / 1e6} Mbit/s`
  const mib = options.sizeBytes / 1024 ** 2
  const others = Object.entries(options.wanBitsPerSecondOfSite ?? {})
  const wan = [
    mbit(options.wanBitsPerSecond),
    ...others.map(([site, bits]) => `${mbit(bits)} of site ${site}`),
  ].join(' and ')
  const how = `${options.sites} × ${options.hosts} hosts, ${mib} MiB, WAN ${wan}, NIC ${mbit(options.nicBitsPerSecond)}`
  const end = outcome === 'finished' ? '' : ` (${outcome})`
  return `${options.scenario}, ${trackerLabel(options)}, ${options.client}/${options.settings}: ${how}${end}`
}

/** Step function: the share of completed hosts is constant until the next completion. */
function steps(
  times: readonly number[],
  hosts: number,
  untilSeconds: number,
  x: (seconds: number) => number,
  y: (share: number) => number,
): [number, number][] {
  const points: [number, number][] = [[x(0), y(0)]]
  for (const [index, seconds] of times.entries()) {
    points.push([x(seconds), y(index / hosts)], [x(seconds), y((index + 1) / hosts)])
  }
  points.push([x(untilSeconds), y(hosts === 0 ? 0 : times.length / hosts)])
  return points
}

/** 0 and at most eight round numbers up to a limit. */
function niceSteps(limit: number): number[] {
  const power = 10 ** Math.floor(Math.log10(limit / 4))
  const step =
    [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => limit / candidate <= 8) ?? power * 10
  return Array.from({ length: Math.floor(limit / step) + 1 }, (_, index) =>
    Number((index * step).toPrecision(6)),
  )
}

const number = (value: number) => value.toFixed(1)

function path(points: readonly (readonly [number, number] | number[])[], colour: string): string {
  const line = points.map(([x, y]) => `${number(x ?? 0)},${number(y ?? 0)}`).join(' ')
  return `<polyline points="${line}" fill="none" stroke="${colour}" stroke-width="2"/>`
}

function text(x: number, y: number, content: string, style: { size?: number; anchor?: string } = {}): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  const { size = 11, anchor = 'start' } = style
  return `<text x="${number(x)}" y="${number(y)}" font-size="${size}" text-anchor="${anchor}" fill="#222">${escaped}</text>`
}

const axisText = (y: number, content: string) => text(PANEL.left - 8, y + 4, content, { anchor: 'end' })

const gridLine = (fromX: number, toX: number, y: number) =>
  `<line x1="${number(fromX)}" y1="${number(y)}" x2="${number(toX)}" y2="${number(y)}" stroke="#ddd"/>`

const mark = (x: number, fromY: number, toY: number, colour: string, dashes: string) =>
  `<line x1="${number(x)}" y1="${number(fromY)}" x2="${number(x)}" y2="${number(toY)}" stroke="${colour}" stroke-dasharray="${dashes}"/>`
