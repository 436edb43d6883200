/**
 * Another built checkout whose program the tests run instead of this one: `npm run bench -- attacks --against DIR` measures
 * the attacks of `test/hostile` before a defence. An older program rejects keys of the configuration that it does not
 * know, so that their lines are left out; it then has no such limit.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const directory = process.env['HOSTILE_AGAINST']

/** undefined: this checkout is tested. */
export const attackedProgram = directory === undefined ? undefined : join(directory, 'dist/main.js')

const keys = directory === undefined ? undefined : keysOf(join(directory, 'config/siteswarm.schema.json'))

function keysOf(path: string): readonly string[] {
  const { properties } = JSON.parse(readFileSync(path, 'utf8')) as { properties: object }
  return Object.keys(properties)
}

export function isKnownKey(key: string): boolean {
  return keys?.includes(key) ?? true
}

/** The lines of a configuration, each with one key, that the program knows. */
export function knownLines(configuration: string): string {
  if (keys === undefined) return configuration
  return configuration
    .split('\n')
    .filter((line) => isKnownKey(/^\w+/.exec(line)?.[0] ?? 'site'))
    .join('\n')
}
