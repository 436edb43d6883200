import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommand } from '../../a-command-run.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'siteswarm-locate-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function aTopology(unmapped: string): string {
  const path = join(folder, 'topology.yaml')
  writeFileSync(path, `sites: { lab: { cidrs: ["fd00::/8"] } }\nunmapped: ${unmapped}\n`)
  return path
}

describe('locate', () => {
  it('prints site, bubble and prefix, by default with the sample', async () => {
    const run = await runCommand(['locate', '127.1.1.5', '127.2.9.9', '::1', '::ffff:127.3.2.1'])
    expect([run.exitCode, run.err]).toEqual([0, ''])
    expect(run.out).toBe(
      [
        '127.1.1.5  site fra  bubble row-a  prefix 127.1.1.0/24',
        '127.2.9.9  site ams  bubble -  prefix 127.2.0.0/16',
        '::1        site fra  bubble -  prefix ::1/128',
        '127.3.2.1  site nyc  bubble row-b  prefix 127.3.2.0/24',
        '',
      ].join('\n'),
    )
  })

  it('reports a refused address and exits with 1', async () => {
    const run = await runCommand(['locate', '127.1.1.5', '10.0.0.1'])
    expect([run.exitCode, run.out.split('\n')[1]]).toEqual([
      1,
      '10.0.0.1   unmapped: outside all prefixes, refused',
    ])
  })

  it.each([
    ['isolate', '10.0.0.1  site unmapped  bubble -  outside all prefixes (unmapped: isolate)\n'],
    ['lab', '10.0.0.1  site lab  bubble -  outside all prefixes (unmapped: lab)\n'],
  ])('prints the rule that decided: %s', async (unmapped, out) => {
    const run = await runCommand(['locate', '10.0.0.1', '--topology', aTopology(unmapped)])
    expect([run.exitCode, run.out]).toEqual([0, out])
  })

  it('takes the topology from the environment', async () => {
    const environment = { SITESWARM_TOPOLOGY: aTopology('refuse') }
    const run = await runCommand(['locate', 'fd00::7'], { environment })
    expect(run.out).toBe('fd00::7  site lab  bubble -  prefix fd00::/8\n')
  })

  it('prints one JSON document', async () => {
    const topology = aTopology('refuse')
    const run = await runCommand(['locate', 'fd00::7', '10.0.0.1', '-t', topology, '--json'])
    expect(run.exitCode).toBe(1)
    expect(JSON.parse(run.out)).toEqual({
      topology,
      unmapped: 'refuse',
      located: [
        { address: 'fd00::7', site: 'lab', bubble: '-', prefix: 'fd00::/8' },
        { address: '10.0.0.1', site: null, bubble: null, prefix: null },
      ],
    })
  })

  it('rejects arguments that are not addresses, each by name', async () => {
    const run = await runCommand(['locate', 'fra.example', '10.0.0.1', '10.0.0.0/8'])
    expect([run.exitCode, run.out]).toEqual([64, ''])
    expect(run.err).toBe(
      'locate: "fra.example" is not an IP address; write 10.1.2.3 or fd00::7\n' +
        'locate: "10.0.0.0/8" is not an IP address; write 10.1.2.3 or fd00::7\n',
    )
  })

  it('exits with 78 if the topology has a problem', async () => {
    const run = await runCommand(['locate', '10.0.0.1', '-t', aTopology('mars')])
    expect([run.exitCode, run.out]).toEqual([78, ''])
    expect(run.err).toContain(
      'topology.yaml:2:11  unknown site "mars": unmapped is refuse, isolate or the name of a site',
    )
  })
})
