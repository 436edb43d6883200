import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sampleFiles } from '../../../src/config/sample-files.ts'
import { runCommand } from '../../a-command-run.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'siteswarm-check-'))
  aFile('siteswarm.yaml', 'site: lab\ntopology: topology.yaml\n')
  aFile(
    'topology.yaml',
    'sites: { lab: { cidrs: [10.0.0.0/8], bubbles: { a: { cidrs: [10.1.0.0/16] } } } }\n',
  )
  aFile('broken.yaml', 'sites: { fra: { cidrs: [10.0.0.1/8] } }\n')
  aFile(
    'two-ports.yaml',
    'sites: { lab: { cidrs: [10.0.0.0/8], trackers: [http://t:1/announce, http://t:2/announce] } }\n',
  )
})
afterAll(() => rmSync(folder, { recursive: true }))

function aFile(name: string, content: string): void {
  writeFileSync(join(folder, name), content)
}

async function check(...flags: string[]) {
  const run = await runCommand(['check', ...flags.map((flag) => flag.replace('~', folder))])
  return { ...run, out: run.out.replaceAll(folder, '~') }
}

describe('check', () => {
  it('finds no problem in the samples', async () => {
    const run = await check()
    expect([run.exitCode, run.err]).toEqual([0, ''])
    expect(run.out).toBe(
      `${sampleFiles.config}: fine, a node of site fra\n${sampleFiles.topology}: fine, 3 sites, 6 bubbles, 11 prefixes, hash dc0b179736f1\n`,
    )
  })

  it('checks a configuration and the topology that it names', async () => {
    const run = await check('--config', '~/siteswarm.yaml')
    expect([run.exitCode, run.out]).toEqual([
      0,
      '~/siteswarm.yaml: fine, a node of site lab\n~/topology.yaml: fine, 1 site, 1 bubble, 2 prefixes, hash f99289768db4\n',
    ])
  })

  it('checks a configuration with another topology', async () => {
    const run = await check('--config', '~/siteswarm.yaml', '--topology', '~/broken.yaml')
    expect([run.exitCode, run.err]).toEqual([78, ''])
    expect(run.out).toBe(
      '~/broken.yaml:1:25  10.0.0.1/8 has host bits set\n' +
        '   1 | sites: { fra: { cidrs: [10.0.0.1/8] } }\n' +
        '     |                         ^^^^^^^^^^ the prefix is 10.0.0.0/8; this single address is 10.0.0.1/32\n\n' +
        '1 problem, 0 warnings\n',
    )
  })

  it('checks a topology alone', async () => {
    const run = await check('--topology', '~/topology.yaml')
    expect([run.exitCode, run.out]).toEqual([
      0,
      '~/topology.yaml: fine, 1 site, 1 bubble, 2 prefixes, hash f99289768db4\n',
    ])
  })

  it('prints warnings and exits with 0', async () => {
    const run = await check('--topology', '~/two-ports.yaml')
    expect(run.exitCode).toBe(0)
    expect(run.out).toContain('warning: t is a tracker of site "lab" on the ports 1 and 2\n')
    expect(run.out).toContain(
      '~/two-ports.yaml: fine, 1 site, 0 bubbles, 1 prefix, hash d32ec40f969d\n1 warning\n',
    )
  })

  it('reads the environment of the node', async () => {
    const run = await runCommand(['check'], { environment: { SITESWARM_SITE: 'mars' } })
    expect([run.exitCode, run.out]).toEqual([
      78,
      'SITESWARM_SITE  the topology has no site "mars"\n  known here: fra, ams, nyc\n\n1 problem, 0 warnings\n',
    ])
  })

  it('prints one JSON document', async () => {
    const run = await check('--topology', '~/broken.yaml', '--json')
    expect(run.exitCode).toBe(78)
    expect(JSON.parse(run.out)).toEqual({
      isValid: false,
      config: null,
      topology: '~/broken.yaml',
      sites: null,
      bubbles: null,
      prefixes: null,
      topologyHash: null,
      problems: [
        {
          kind: 'prefix-host-bits',
          file: '~/broken.yaml',
          line: 1,
          column: 25,
          message: '10.0.0.1/8 has host bits set',
          hint: 'the prefix is 10.0.0.0/8; this single address is 10.0.0.1/32',
          excerpt:
            '   1 | sites: { fra: { cidrs: [10.0.0.1/8] } }\n     |                         ^^^^^^^^^^',
        },
      ],
      warnings: [],
    })
  })
})
