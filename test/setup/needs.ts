/**
 * What a test needs beyond npm. `describe.skipIf(needs('promtool'))(…)` skips it, visibly, where that is missing;
 * `npm test` installs it where it can, and names each skipped test at the end where it cannot.
 */
import { inject } from 'vitest'
import requirements from './requirements.json' with { type: 'json' }

export type Requirement = keyof typeof requirements

/** The reason to skip, or false if everything is there. */
export function needs(...names: readonly Requirement[]): string | false {
  const missing = inject('missing')
  const lacking = names.filter((name) => missing.includes(name))
  return (
    lacking.length > 0 &&
    `${lacking.join(', ')} missing: ${lacking.map((name) => requirements[name].for).join('; ')}`
  )
}
