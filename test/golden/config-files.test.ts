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
const topologies = {
  'topology.yaml':
    'sites: { fra: { cidrs: [10.1.0.0/16] }, ams: { cidrs: [10.2.0.0/16] }, nyc: { cidrs: [10.3.0.0/16] } }',
  'federated-sites.yaml': `
sites:
  fra: { cidrs: [10.1.0.0/16], federation: [http://t.fra.example:6970] }
  ams: { cidrs: [10.2.0.0/16], federation: [http://t.ams.example:6970] }
  nyc: { cidrs: [10.3.0.0/16] }`,
  'two-nodes.yaml': `
sites:
  fra:
    cidrs: [10.1.0.0/16]
    trackers: [http://t1.fra.example:6969/announce, udp://t1.fra.example:6969/announce]
    bubbles: { row-a: { cidrs: [10.1.1.0/24], trackers: [http://t2.fra.example:6969/announce] } }
  ams:
    cidrs: [10.2.0.0/16]
    federation: [http://10.2.0.2:6970, http://10.2.0.3:6970]
  lab:
    cidrs: [10.3.0.0/16]
    trackers: [http://127.0.0.1:6969/announce, udp://127.0.0.1:6971/announce]`,
  'both-families.yaml': `
sites:
  fra:
    cidrs: [10.1.0.0/16, "fd00:1::/48"]
    trackers: [http://t1.fra.example:6969/announce, udp://t1.fra.example:6969/announce]`,
  'links.yaml': `
sites:
  fra: { cidrs: [10.1.0.0/16], trackers: [http://t.fra.example:6969/announce] }
  ams: { cidrs: [10.2.0.0/16], trackers: [http://t.fra.example:6969/announce] }
links:
  - { between: [fra, ams], rate: 200Mbit }`,
  'broken-topology.yaml': 'sites: { fra: { cidr: [] } }',
}
for (const [name, text] of Object.entries(topologies)) writeFileSync(join(folder, name), `${text.trim()}\n`)
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
    const { trustedProxies, webhooks, ...rest } = config
    // Without URLs, the other keys have no effect.
    const shown = webhooks.urls.length === 0 ? rest : { ...rest, webhooks }
    found.push(JSON.stringify({ ...shown, trustedProxies: trustedProxies.map(({ text }) => text) }, null, 2))
  }
  return found.join('\n\n').replaceAll(folder, '~')
}

describe('a node configuration', () => {
  for (const { name, input, expected } of readCases('test/golden/config')) {
    it(`reports: ${name}`, () => expect(report(input)).toBe(expected))
  }
})
