/** Trackers of the laboratory. */
import { InputError } from '../../src/core/errors.ts'
import { opentracker } from './opentracker.ts'
import { siteswarm } from './siteswarm.ts'
import { siteswarmSites } from './siteswarm-sites.ts'
import type { TrackerKind } from './tracker.ts'

export const trackerKinds: readonly TrackerKind[] = [siteswarm, siteswarmSites, opentracker]

export function trackerNamed(name: string): TrackerKind {
  const found = trackerKinds.find((tracker) => tracker.name === name)
  if (found !== undefined) return found
  throw new InputError(
    `unknown tracker "${name}"; known: ${trackerKinds.map(({ name: known }) => known).join(', ')}`,
  )
}
