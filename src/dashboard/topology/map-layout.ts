/** Positions and lines of the map of the sites. */
import type { TopologySite } from '../api/responses.ts'

export const REGION_COLOURS = 6

/** With more sites, all lines would cover each other: each site keeps its cheapest ones. */
const SITES_WITH_ALL_LINES_MAX = 8
const CHEAPEST_LINES = 2

export interface Position {
  readonly x: number
  readonly y: number
}

export interface MapLine {
  readonly from: string
  readonly to: string
  readonly cost: number
  readonly width: number
}

export function circlePositions(
  sites: readonly TopologySite[],
  { centre, radius }: { readonly centre: number; readonly radius: number },
): { readonly ordered: readonly TopologySite[]; readonly positions: ReadonlyMap<string, Position> } {
  const ordered = sites.toSorted((a, b) => (a.region ?? '~').localeCompare(b.region ?? '~'))
  const positions = new Map(
    ordered.map(({ site }, index) => {
      // From the left, so that two sites stand side by side.
      const angle = (2 * Math.PI * index) / Math.max(1, ordered.length) - Math.PI
      const length = ordered.length === 1 ? 0 : radius
      return [
        site,
        { x: round(centre + length * Math.cos(angle)), y: round(centre + length * Math.sin(angle)) },
      ]
    }),
  )
  return { ordered, positions }
}

/** Each pair once. */
export function linesOf(sites: readonly TopologySite[]): readonly MapLine[] {
  const wanted = new Map<string, MapLine>()
  const costs = sites.flatMap((site) => Object.values(site.costs))
  const [least, most] = [Math.min(...costs), Math.max(...costs)]
  for (const { site, costs: own } of sites) {
    const cheapest = Object.entries(own).toSorted(([, a], [, b]) => a - b)
    const shown = sites.length <= SITES_WITH_ALL_LINES_MAX ? cheapest : cheapest.slice(0, CHEAPEST_LINES)
    for (const [other, cost] of shown) {
      const [from = '', to = ''] = [site, other].toSorted()
      wanted.set(`${from} ${to}`, { from, to, cost, width: lineWidth(cost, { least, most }) })
    }
  }
  return [...wanted.values()]
}

/** 1 to 6, on a logarithmic scale: costs differ by factors of ten. */
function lineWidth(cost: number, { least, most }: { readonly least: number; readonly most: number }): number {
  if (most <= least) return 3
  return round(6 - (5 * Math.log(cost / least)) / Math.log(most / least))
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
