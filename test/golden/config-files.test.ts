/** Messages for a node configuration, byte for byte. Lines `# with NAME=value` above the input are its environment. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { checkNode } from '../../src/config/load-node.ts'
import { formatProblem } from '../../src/core/errors.ts'
import { readCases } from './a-case.ts'

const folder = mkdtempSync(join(tmpdir(), 'siteswarm-config-'))
afterAll(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'topology.yaml'), 'sites: { fra: {}, ams: {}, nyc: {} }\n')
writeFileSync(
  join(folder, 'federated-sites.yaml'),
  'sites: { fra: { federation: ["http://t.fra:6970"] }, ams: { federation: ["http://t.ams:6970"] }, nyc: {} }\n',
)
writeFileSync(join(folder, 'broken-topology.yaml'), 'sites: { fra: { cidr: [] } }\n')
writeFileSync(join(folder, 'token'), 'a-token-from-a-file\n')
writeFileSync(join(folder, 'short-token'), 'short\n')

function report(input: string): string {
  const path = join(folder, 'siteswarm.yaml')
  writeFileSync(path, input)
  const lines = input.matchAll(/^# with ([A-Z_]+)=(.*)$/gm)
  const environment = Object.fromEntries([...lines].map(([, name = '', value = '']) => [name, value]))
  const { config, problems, warnings } = checkNode({ path, environment })
  const found = [...problems, ...warnings].map(formatProblem)
  if (problems.length === 0 && config !== undefined) {
    const { trustedProxies, ...rest } = config
    found.push(JSON.stringify({ ...rest, trustedProxies: trustedProxies.map(({ text }) => text) }, null, 2))
  }
  return found.join('\n\n').replaceAll(folder, '~')
}

describe('a node configuration', () => {
  for (const { name, input, expected } of readCases('test/golden/config')) {
    it(`reports: ${name}`, () => expect(report(input)).toBe(expected))
  }
})
