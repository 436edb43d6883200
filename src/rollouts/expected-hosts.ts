/**
 * Numbers of hosts that an operator expects to download a torrent, at a site (`fra`) or in a bubble (`fra/row-a`). Numbers
 * for the torrent precede those of the topology.
 */
import { InputError } from '../core/errors.ts'
import type { Topology } from '../topology/topology.ts'

/** By `site` or `site/bubble`. */
export type ExpectedHosts = Readonly<Record<string, number>>

/** More hosts than one site has. */
export const EXPECTED_MAX = 1_000_000

/** undefined if no number is known. Without a number for a site, the numbers of its bubbles are added. */
export function expectedAt(
  expected: ExpectedHosts,
  topology: Topology,
  siteName: string,
  bubble?: string,
): number | undefined {
  const site = topology.siteNamed(siteName)
  if (bubble !== undefined) {
    const place = site?.places.find((each) => each.bubble === bubble)
    return expected[`${siteName}/${bubble}`] ?? place?.expect
  }
  const given = expected[siteName]
  if (given !== undefined) return given
  const bubbles = (site?.places ?? [])
    .map((place) => expected[`${siteName}/${place.bubble}`])
    .filter((count) => count !== undefined)
  if (bubbles.length > 0) return bubbles.reduce((sum, count) => sum + count, 0)
  if (site?.expect !== undefined) return site.expect
  const inTopology = (site?.places ?? []).map(({ expect }) => expect).filter((count) => count !== undefined)
  return inTopology.length === 0 ? undefined : inTopology.reduce((sum, count) => sum + count, 0)
}

/** `fra=600,ams/row-a=40`. Throws an `InputError` that names the invalid part. */
export function readExpectedHosts(text: string): ExpectedHosts {
  const expected: Record<string, number> = {}
  for (const part of text.split(',')) {
    const [, place, count] = /^([^=\s]+)=(\d{1,7})$/.exec(part.trim()) ?? []
    if (place === undefined || Number(count) > EXPECTED_MAX)
      throw new InputError(
        `${JSON.stringify(part)} is not a number of expected hosts; write SITE=NUMBER or SITE/BUBBLE=NUMBER, such as fra=600,ams=600`,
      )
    if (expected[place] !== undefined) throw new InputError(`${place} is given twice; write each place once`)
    expected[place] = Number(count)
  }
  return expected
}

/** Names the first place that the topology does not have; undefined if it has all of them. */
export function unknownPlace(expected: ExpectedHosts, topology: Topology): string | undefined {
  return Object.keys(expected).find((key) => {
    const [siteName = '', bubble, ...rest] = key.split('/')
    const site = topology.siteNamed(siteName)
    if (site === undefined || rest.length > 0) return true
    return bubble !== undefined && !site.places.some((place) => place.bubble === bubble)
  })
}
