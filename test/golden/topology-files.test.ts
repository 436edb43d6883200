/** Messages for a topology file, byte for byte. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { checkTopologyFile } from '../../src/config/load-node.ts'
import { formatProblem } from '../../src/core/errors.ts'
import { readCases } from './a-case.ts'

const folder = mkdtempSync(join(tmpdir(), 'siteswarm-topology-'))
afterAll(() => rmSync(folder, { recursive: true }))

function report(input: string): string {
  const path = join(folder, 'topology.yaml')
  writeFileSync(path, input)
  const { topology, prefixCount, problems, warnings } = checkTopologyFile(path)
  const found = [...problems, ...warnings].map((problem) => formatProblem(problem).replace(`${folder}/`, ''))
  if (topology === undefined) return found.join('\n\n')
  const places = topology.places.map(({ site, bubble }) => `${site.name}/${bubble}`)
  return [...found, `fine: ${places.join(' ')}, ${prefixCount} prefixes`].join('\n\n')
}

describe('a topology file', () => {
  for (const { name, input, expected } of readCases('test/golden/topology')) {
    it(`reports: ${name}`, () => expect(report(input)).toBe(expected))
  }
})
