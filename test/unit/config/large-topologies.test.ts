/** Topologies that programs export: their size must not matter, and what `check` prints must fit on a page. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { checkTopologyFile } from '../../../src/config/load-node.ts'
import { YamlFile } from '../../../src/config/yaml-file.ts'
import { runCommand } from '../../a-command-run.ts'
import { anAddressExport } from '../../an-address-export.ts'
import { executedCalls } from '../../executed-calls.ts'

const folder = mkdtempSync(join(tmpdir(), 'siteswarm-export-'))
afterAll(() => rmSync(folder, { recursive: true }))

function aFile(text: string): string {
  const path = join(folder, 'topology.yaml')
  writeFileSync(path, text)
  return path
}

async function check(text: string) {
  const run = await runCommand(['check', '--topology', aFile(text)])
  return { ...run, out: run.out.replaceAll(folder, '~'), lines: run.out.split('\n').length - 1 }
}

const callsFor = (text: string) => {
  const path = aFile(text)
  return executedCalls(() => checkTopologyFile(path))
}

describe('an export of 13,000 prefixes in 41 sites', () => {
  const exported = anAddressExport()

  it('is accepted with its duplicates, in one sentence', async () => {
    const { exitCode, out } = await check(exported.text)
    expect(exitCode).toBe(0)
    expect(exported.repeated).toBeGreaterThan(4_000)
    const sentences = out.split('\n').filter((line) => line.includes('listed again'))
    expect(sentences).toEqual([
      expect.stringContaining(`warning: ${exported.repeated} prefixes are listed again in the same site`),
    ])
    expect(out).toContain(`41 sites, 0 bubbles, ${13_000 - exported.repeated} prefixes`)
  })

  it('is answered on a page, with the others of a kind counted', async () => {
    const { out, lines } = await check(exported.text)
    expect(lines).toBeLessThanOrEqual(50)
    const nested = out.split('\n').filter((line) => line.includes('is inside site'))
    expect(nested).toHaveLength(3)
    expect(out).toContain('  and 29 more of this kind\n')
  })

  it('with a mistake in each line is answered on a page', async () => {
    const netmasks = exported.text.replaceAll('/28"', '/255.255.255.240"')
    const { exitCode, out, lines } = await check(netmasks)
    expect(exitCode).toBe(78)
    expect(lines).toBeLessThanOrEqual(50)
    expect(out).toMatch(
      /255\.255\.255\.240 is a netmask, not a prefix length\n.*\n.* write 16\.\d+\.\d+\.\d+\/28\n/,
    )
    expect(out).toMatch(/and \d{5} more of this kind\n/)
  })

  it('with each prefix in two sites is answered on a page', async () => {
    const sites = exported.text.replace('sites:\n', '')
    const { exitCode, lines } = await check(`sites:\n${sites}${sites.replaceAll('region-', 'copy-')}`)
    expect([exitCode, lines <= 50]).toEqual([78, true])
  })

  it('in a single line is answered on a page', async () => {
    const cidrs = exported.text.match(/"[^"]+"/g)?.join(', ')
    const { lines, out } = await check(
      `sites: { all: { cidrs: [${cidrs}] }, other: { cidrs: [${cidrs}] } }\n`,
    )
    expect([lines <= 50, out.length < 20_000]).toEqual([true, true])
  })
})

describe('the work of a check', () => {
  const text = (prefixes: number) => anAddressExport({ prefixes, sites: 41 }).text
  const broken = (prefixes: number) => text(prefixes).replaceAll('/28"', '/255.255.255.240"')
  const twice = (prefixes: number) =>
    `${text(prefixes)}${text(prefixes).replace('sites:\n', '').replaceAll('region-', 'copy-')}`
  const inOneLine = (prefixes: number) => {
    const cidrs = text(prefixes)
      .match(/"[^"]+"/g)
      ?.join(', ')
    return `sites: { all: { cidrs: [${cidrs}] }, other: { cidrs: [${cidrs}] } }\n`
  }
  const bubbles = (count: number) => {
    const lines = Array.from({ length: count }, (_, index) => `      b${index}: { cidr: [] }\n`)
    return `sites:\n  fra:\n    bubbles:\n${lines.join('')}`
  }

  it.each([
    ['prefixes', text, 2_000],
    ['mistakes', broken, 2_000],
    ['contradictions', twice, 1_000],
    ['mistakes in one line', inOneLine, 1_000],
    ['bubbles with a mistake', bubbles, 1_000],
  ])('grows with the number of %s, not with its square', async (_what, make, size) => {
    const small = await callsFor(make(size))
    const large = await callsFor(make(size * 4))
    // Sorting adds a little more than a factor of four, and what is done once a little less; a square gives sixteen.
    expect(large / small).toBeGreaterThan(2)
    expect(large / small).toBeLessThan(5)
  })
})

it('a file with thousands of syntax errors has a thousand problems, the first ones', () => {
  const { problems, value } = new YamlFile('topology.yaml', '- : ]\n'.repeat(2_000))
  expect(value).toBeUndefined()
  expect(problems).toHaveLength(1_000)
  expect(problems[0]).toMatchObject({ line: 1, column: 5 })
})
