/** The progress of each site over time as lines. The table of the sites has the same figures as text. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { formatClock, formatPercent } from '../elements/quantities.ts'
import type { ProgressHistory } from './progress-samples.ts'

const HEIGHT = 260
const LEFT = 44
const RIGHT = 12
const TOP = 10
const BOTTOM = 26
const LINES = [0, 25, 50, 75, 100] as const
/** A curve of a few seconds would jump over the whole width. */
const SPAN_MS_MIN = 60_000
/** Dashes tell lines apart without colour; the palette has as many colours. */
const COLOURS = 6
const DOT_RADIUS = 2

interface Scales {
  readonly width: number
  readonly x: (atMs: number) => number
  readonly y: (percent: number) => number
  readonly times: readonly number[]
}

export function ProgressChart({ history }: { readonly history: ProgressHistory }) {
  const frame = useRef<HTMLDivElement>(null)
  const width = useWidth(frame)
  const { samples, sites } = history
  const [first, last] = [samples[0], samples.at(-1)]
  if (first === undefined || last === undefined) return <div ref={frame} />
  const span = Math.max(SPAN_MS_MIN, last.atMs - first.atMs)
  const scales: Scales = {
    width,
    x: (atMs) => LEFT + ((atMs - first.atMs) / span) * (width - LEFT - RIGHT),
    y: (percent) => TOP + (1 - percent / 100) * (HEIGHT - TOP - BOTTOM),
    times: [first.atMs, first.atMs + span / 2, first.atMs + span],
  }
  const shown = (index: number) => formatPercent(last.percents[index] ?? null)
  return (
    <div ref={frame} class="chart">
      <svg
        width={width}
        height={HEIGHT}
        viewBox={`0 0 ${width} ${HEIGHT}`}
        role="img"
        aria-label={`Progress since ${formatClock(first.atMs)}: ${sites
          .map((site, index) => `${site} ${shown(index)}`)
          .join(', ')}`}
      >
        <Grid scales={scales} />
        {sites.map((site, index) => (
          <Line key={site} index={index} history={history} scales={scales} />
        ))}
      </svg>
      <ul class="legend">
        {sites.map((site, index) => (
          <li key={site}>
            <svg width="26" height="10" aria-hidden="true">
              <line x1="0" x2="26" y1="5" y2="5" class={`line line-${index % COLOURS}`} />
            </svg>
            {site} <span class="value">{shown(index)}</span>
          </li>
        ))}
      </ul>
      <p class="note">Since this page first showed the rollout, {formatClock(first.atMs)}.</p>
    </div>
  )
}

function Grid({ scales: { width, x, y, times } }: { readonly scales: Scales }) {
  return (
    <>
      {LINES.map((percent) => (
        <g key={percent} class="grid">
          <line x1={LEFT} x2={width - RIGHT} y1={y(percent)} y2={y(percent)} />
          <text x={LEFT - 8} y={y(percent) + 4} text-anchor="end">
            {percent} %
          </text>
        </g>
      ))}
      {times.map((atMs, index) => (
        <text
          key={atMs}
          class="axis"
          x={x(atMs)}
          y={HEIGHT - 6}
          text-anchor={index === 0 ? 'start' : index === 1 ? 'middle' : 'end'}
        >
          {formatClock(atMs)}
        </text>
      ))}
    </>
  )
}

function Line({
  index,
  history,
  scales: { x, y },
}: {
  readonly index: number
  readonly history: ProgressHistory
  readonly scales: Scales
}) {
  const points = history.samples.flatMap(({ atMs, percents }) => {
    const percent = percents[index]
    return percent === null || percent === undefined ? [] : [[x(atMs).toFixed(1), y(percent).toFixed(1)]]
  })
  const [endX, endY] = points.at(-1) ?? []
  const colour = index % COLOURS
  return (
    <>
      <polyline class={`line line-${colour}`} points={points.map((point) => point.join(',')).join(' ')} />
      {/* A line of one sample is not visible. */}
      {endX === undefined ? null : <circle class={`dot line-${colour}`} cx={endX} cy={endY} r={DOT_RADIUS} />}
    </>
  )
}

/** Text in a scaled picture would be too small on a phone; the picture is drawn in the width that there is. */
function useWidth(frame: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(600)
  useEffect(() => {
    const element = frame.current
    if (element === null) return undefined
    const measure = () => setWidth(Math.max(260, Math.floor(element.clientWidth)))
    measure()
    const resized = new ResizeObserver(measure)
    resized.observe(element)
    return () => resized.disconnect()
  })
  return width
}
