import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommand } from '../../a-command-run.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'siteswarm-simulate-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const SMALL = ['simulate', '--hosts', '3', '--size', '8MiB', '--seed', '1']

describe('simulate', () => {
  it('reports the cost of each policy, per site and side by side', async () => {
    const run = await runCommand([...SMALL, '--sites', '2', '--client', 'aria2'])
    expect(run.exitCode).toBe(0)
    expect(run.out).toContain('2 sites, 6 hosts, 8 MiB, NIC 200 Mbit/s, WAN 80 Mbit/s, aria2, seed 1')
    expect(run.out).toContain('Lower bound 0.8 s')
    expect(run.out).toMatch(/^siteswarm +1\.00 +1\.00 +8 MiB/m)
    expect(run.out).toMatch(/^blind +\d\.\d\d/m)
    expect(run.out).toMatch(/^biased +\d\.\d\d/m)
  })

  it('reproduces a run with the printed seed', async () => {
    const first = await runCommand(['simulate', '--hosts', '3', '--size', '8MiB', '--json'])
    const { seed } = JSON.parse(first.out) as { seed: number }
    const again = await runCommand([
      'simulate',
      '--hosts',
      '3',
      '--size',
      '8MiB',
      '--json',
      '--seed',
      `${seed}`,
    ])
    expect(again.out).toBe(first.out)
    expect(first.err).toContain(`seed ${seed}`)
  })

  it('accepts the sites of a topology file, and values per site', async () => {
    const run = await runCommand([
      'simulate',
      '--topology',
      'config/topology.yaml',
      '--hosts',
      '2,nyc=5',
      '--wan',
      '80mbit,nyc=8mbit',
      '--source',
      'ams',
      '--size',
      '8MiB',
      '--seed',
      '1',
      '--policy',
      'siteswarm',
      '--json',
    ])
    const document = JSON.parse(run.out) as {
      sourceSite: string
      boundSeconds: number
      wanBitsPerSecond: Record<string, number>
      policies: { policy: string; sites: { site: string; hosts: number }[] }[]
    }
    expect(document.sourceSite).toBe('ams')
    expect(document.boundSeconds).toBeCloseTo(8.39, 2)
    expect(document.wanBitsPerSecond).toEqual({ fra: 80e6, ams: 80e6, nyc: 8e6 })
    expect(document.policies.map(({ policy }) => policy)).toEqual(['siteswarm'])
    expect(document.policies[0]?.sites.map(({ site, hosts }) => `${site} ${hosts}`)).toEqual([
      'fra 2',
      'ams 1',
      'nyc 5',
    ])
  })

  it('writes a picture', async () => {
    const path = join(folder, 'rollout.svg')
    const run = await runCommand([...SMALL, '--policy', 'siteswarm', '--svg', path])
    expect(run.exitCode).toBe(0)
    expect(readFileSync(path, 'utf8')).toMatch(/^<svg [^]*<\/svg>\n$/)
  })

  it('reports that the picture cannot be written', async () => {
    const path = join(folder, 'nowhere', 'rollout.svg')
    const run = await runCommand([...SMALL, '--policy', 'siteswarm', '--svg', path])
    expect(run.exitCode).toBe(1)
    expect(run.err).toContain('(ENOENT); name another file with --svg')
    expect(existsSync(path)).toBe(false)
  })

  it.each([
    [['--hosts', 'some'], '--hosts some: expected a whole number'],
    [['--hosts', '4,nowhere=2'], 'unknown site "nowhere"; the topology has site-1, site-2, site-3'],
    [['--hosts', '0'], 'the site of the source has no host'],
    [['--hosts', '0,site-1=1'], 'at least two hosts'],
    [['--hosts', '30000'], 'at most 60000 can be simulated'],
    [['--size', '4'], '--size 4: expected a size such as 4GiB or 700MB'],
    [['--wan', '80'], '--wan 80: expected a rate such as 80mbit or 10gbit'],
    [['--wan', '80mbit,70mbit'], 'more than one value for all sites'],
    [['--nic', '0gbit'], '--nic 0gbit: expected a rate'],
    [['--client', 'azureus'], 'expected libtorrent, aria2, transmission, mixed'],
    [['--policy', 'fair'], 'expected some of carriers, siteswarm, blind, biased'],
    [['--seed', '4294967296'], 'expected a number from 0 to 4294967295'],
    [['--sites', '0'], 'expected a number from 1 to 1000'],
    [['--sites', '2', '--topology', 'config/topology.yaml'], 'give only one of them'],
  ])('refuses %j', async (flags, message) => {
    const run = await runCommand(['simulate', ...flags])
    expect(run.err).toContain(message)
    expect(run.exitCode).toBe(64)
  })

  it('reports the problems of a topology file', async () => {
    const run = await runCommand(['simulate', '--topology', join(folder, 'missing.yaml')])
    expect(run.exitCode).toBe(78)
  })
})
