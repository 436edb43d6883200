/**
 * A gateway's lease has one writer, `src/swarm/leases.ts`. TypeScript rejects an assignment to a readonly property in
 * every file that it checks, tests and benchmarks included, so it is enough that `Gateway` stays readonly and that no
 * other file works around that: with a mapped type that removes `readonly`, or with `Object.assign`, which ignores it.
 */
import { blankComments, lineOf } from './read-imports.ts'

const OWNER = 'swarm/leases.ts'
const DECLARED_IN = 'swarm/gateway.ts'
const WAYS_AROUND = /-readonly\b|\bObject\.(?:assign|definePropert(?:y|ies))\s*\(/g

/** `file` is relative to src/. */
export function checkLeaseOwner(file: string, source: string): string[] {
  if (file === OWNER) return []
  const code = blankComments(source)
  const found = [...code.matchAll(WAYS_AROUND)].map(
    (match) =>
      `src/${file}:${lineOf(code, match.index)}  ${match[0]} writes to readonly properties; only ${OWNER} may`,
  )
  if (file !== DECLARED_IN) return found
  const fields = /export interface Gateway \{\n(.*?)\n\}/s.exec(code)?.[1]?.split('\n') ?? []
  if (fields.length === 0) found.push(`src/${file}: the interface Gateway is not found here`)
  for (const field of fields)
    if (field.trim() !== '' && !/^ {2}readonly \w+: (?!\w+\[\])/.test(field))
      found.push(`src/${file}: Gateway: "${field.trim()}" is not readonly; only ${OWNER} writes a lease`)
  return found
}
