/**
 * Requirements of a test beyond npm. `describe.skipIf(needs('promtool'))(…)` visibly skips a test whose requirement is
 * missing; `npm test` installs it if possible, and otherwise lists each skipped test at the end.
 */
import { inject } from 'vitest'
import requirements from './requirements.json' with { type: 'json' }

export type Requirement = keyof typeof requirements

/** The reason to skip, or false if every requirement is met. */
export function needs(...names: readonly Requirement[]): string | false {
  const missing = inject('missing')
  const lacking = names.filter((name) => missing.includes(name))
  return (
    lacking.length > 0 &&
    `${lacking.join(', ')} missing: ${lacking.map((name) => requirements[name].for).join('; ')}`
  )
}
