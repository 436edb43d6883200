/**
 * A map of the sites: those of one region stand together on a circle, and a line is the thicker the cheaper it is. The
 * table of the costs has the same as text.
 */
import type { Link, TopologySite } from '../api/responses.ts'
import { REGION_COLOURS, circlePositions, linesOf } from './map-layout.ts'

const SIZE = 420
const RADIUS = 150

export interface SiteMapProps {
  readonly sites: readonly TopologySite[]
  readonly links: readonly Link[]
}

export function SiteMap({ sites, links }: SiteMapProps) {
  const closed = new Set(
    links
      .filter(({ isOpen, rateBytesPerSecond }) => !isOpen || rateBytesPerSecond === 0)
      .map(({ between }) => between.toSorted().join(' ')),
  )
  const { ordered, positions } = circlePositions(sites, { centre: SIZE / 2, radius: RADIUS })
  const lines = linesOf(sites)
  const regions = [...new Set(ordered.map(({ region }) => region))]
  return (
    <figure class="map">
      <svg
        viewBox={`0 0 ${SIZE} ${SIZE}`}
        role="img"
        aria-label={`Map of ${sites.length} sites; the costs are in the table below`}
      >
        {lines.map(({ from, to, cost, width }) => {
          const [a, b] = [positions.get(from), positions.get(to)]
          if (a === undefined || b === undefined) return null
          return (
            <g key={`${from} ${to}`}>
              <line
                x1={a.x}
                y1={a.y}
                x2={b.x}
                y2={b.y}
                stroke-width={width}
                class={closed.has(`${from} ${to}`) ? 'closed' : ''}
              />
              <text class="cost" x={a.x + (b.x - a.x) * 0.38} y={a.y + (b.y - a.y) * 0.38}>
                {cost}
              </text>
            </g>
          )
        })}
        {ordered.map(({ site, region }) => {
          const at = positions.get(site)
          if (at === undefined) return null
          const isBelow = at.y > SIZE / 2
          return (
            <g key={site}>
              <circle
                cx={at.x}
                cy={at.y}
                r={13}
                class={`region-${regions.indexOf(region) % REGION_COLOURS}`}
              />
              <text x={at.x} y={at.y + (isBelow ? 34 : -22)} class="name">
                {site}
              </text>
            </g>
          )
        })}
      </svg>
      <Legend regions={regions} />
    </figure>
  )
}

function Legend({ regions }: { readonly regions: readonly (string | null)[] }) {
  return (
    <figcaption>
      <ul class="legend">
        {regions.map((region, index) => (
          <li key={region ?? ''}>
            <svg width="14" height="14" aria-hidden="true">
              <circle cx="7" cy="7" r="6" class={`region-${index % REGION_COLOURS}`} />
            </svg>
            {region === null ? 'no region' : `region ${region}`}
          </li>
        ))}
      </ul>
      <p class="note">
        A line has the cost of a byte between two sites; thicker lines are cheaper. A dashed line is closed at
        the moment.
      </p>
    </figcaption>
  )
}
