/**
 * The laboratory at its smallest size: real clients in network namespaces behind shaped links, against the built program.
 * Measurements of larger swarms are in docs/measurements.md.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { repositoryPath } from '../../lab/repository.ts'
import { missingPrograms, namespaceProblem } from '../../lab/requirements.ts'
import type { RunOptions } from '../../lab/result.ts'
import { runScenario } from '../../lab/run-scenario.ts'
import { needs } from '../setup/needs.ts'

const smoke: RunOptions = {
  scenario: 'smoke',
  tracker: 'siteswarm',
  client: 'aria2',
  settings: 'stock',
  sites: 2,
  hosts: 2,
  hostsOfSite: {},
  bubbles: 1,
  sizeBytes: 8 * 1024 * 1024,
  wanBitsPerSecond: 80_000_000,
  nicBitsPerSecond: 200_000_000,
  congestion: 'reno',
  carry: 'nodes',
  nodes: 1,
  nodeEnvironment: {},
  isIsolated: false,
  comparesProgress: false,
  keepsAllLogs: false,
  seed: 1,
  timeoutSeconds: 90,
}

const closed: RunOptions = {
  ...smoke,
  scenario: 'closed-ports',
  closed: { share: 0, hosts: ['s2-b1-h1'], mode: 'reject', includesFirstHosts: false },
}
const impostor: RunOptions = { ...smoke, scenario: 'false-seed', tracker: 'opentracker' }

const problem = await namespaceProblem(smoke.congestion)
const missing = await missingPrograms(smoke)
const whyNot = [...(problem === undefined ? [] : [problem]), ...missing].join('; ')
if (whyNot !== '') process.stderr.write(`the laboratory is skipped: ${whyNot}\n`)

describe.skipIf(whyNot !== '')('the laboratory', () => {
  beforeAll(async () => {
    const compiler = repositoryPath('node_modules/typescript/bin/tsc')
    await promisify(execFile)(process.execPath, [compiler, '-p', repositoryPath('tsconfig.lab.json')])
  })

  test('a file crosses to the other site once, through one host, and every host has it intact', async () => {
    // With a node in the core that carries, the hosts of the source's site receive the file over their link, too.
    const result = await runScenario({ ...smoke, carry: 'direct' })

    expect(result.outcome).toBe('finished')
    expect(result.hosts.map(({ name, role, intact }) => ({ name, role, intact }))).toEqual([
      { name: 's1-b1-h1', role: 'source', intact: null },
      { name: 's1-b1-h2', role: 'leecher', intact: true },
      { name: 's2-b1-h1', role: 'leecher', intact: true },
      { name: 's2-b1-h2', role: 'leecher', intact: true },
    ])
    const [first, second] = result.sites
    expect(first?.copiesIn).toBeLessThan(0.1)
    expect(second?.copiesIn).toBeGreaterThan(0.99)
    expect(second?.copiesIn).toBeLessThan(1.1)
    expect(second?.hostsWithRemotePeers).toBe(1)
  }, 240_000)

  test.skipIf(needs('nft'))(
    'a host with a closed port completes over its own connections, and the report names it',
    async () => {
      const result = await runScenario(closed)

      expect(result.outcome).toBe('finished')
      expect(result.unfinished).toEqual([])
      expect(result.affected).toEqual([
        {
          host: 's2-b1-h1',
          fault: 'port closed (reject)',
          outcome: expect.stringMatching(/^complete after \d+\.\d s, connected to \d hosts of other sites$/),
        },
      ])
    },
    240_000,
  )

  const noOpentracker = needs('opentracker') || process.getuid?.() !== 0
  test.skipIf(noOpentracker)(
    'a false seed is connected to and does not count among the hosts that must complete',
    async () => {
      const result = await runScenario(impostor)

      expect(result.outcome).toBe('finished')
      expect(result.sites.map(({ done, leechers }) => `${done}/${leechers}`)).toEqual(['1/1', '2/2'])
      expect(result.affected).toEqual([
        {
          host: 's2-x1',
          fault: 'false-seed: announces left=0 without content',
          outcome: expect.stringMatching(/^\d+ announces, [1-9]\d* connections from [1-9] hosts, /),
        },
      ])
    },
    240_000,
  )

  test('an interrupted run stops and reports its partial result', async () => {
    const stop = new AbortController()
    const slow = { ...smoke, wanBitsPerSecond: 1_000_000, nicBitsPerSecond: 1_000_000 }

    const result = await runScenario(slow, {
      signal: stop.signal,
      log: (line) => {
        if (line.includes('hosts left')) stop.abort()
      },
    })

    expect(result.outcome).toBe('interrupted')
    expect(result.unfinished).toEqual(['s1-b1-h2', 's2-b1-h1', 's2-b1-h2'])
  }, 240_000)
})
