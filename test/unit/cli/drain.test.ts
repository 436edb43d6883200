/** `drain` and `doctor` against an admin listener, and the token from a file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { checkClock, checkSites, checkSwarms } from '../../../src/cli/diagnosis.ts'
import { runCommand } from '../../a-command-run.ts'
import { anAdmin } from '../../an-admin.ts'

const folder = mkdtempSync(join(tmpdir(), 'siteswarm-drain-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A node that can be drained. */
async function aNodeToDrain() {
  let drain: { reason: string | undefined; sinceMs: number } | undefined
  return anAdmin(
    { operate: 'sesame-sesame', read: undefined },
    {
      node: { startedAtMs: 0, configuration: {}, drain: () => drain },
      operations: {
        reload: async () => ({ sites: 3 }),
        drain: (reason) => (drain = { reason, sinceMs: Date.UTC(2030, 0, 2, 14, 2) }),
        undoDrain: async () => {
          const wasDraining = drain !== undefined
          drain = undefined
          return wasDraining
        },
      },
    },
  )
}

describe('drain', () => {
  it('drains with a reason, and undoes it', async () => {
    const { url } = await aNodeToDrain()
    const flags = ['--url', url, '--token', 'sesame-sesame']
    expect(await runCommand(['drain', '--reason', 'kernel update', ...flags])).toMatchObject({
      exitCode: 0,
      out: 'the node of site fra is draining since 2030-01-02T14:02:00.000Z: kernel update\n',
    })
    expect((await runCommand(['drain', '--undo', ...flags])).out).toBe(
      'the node of site fra is ready again\n',
    )
    expect(await runCommand(['drain', '--undo', ...flags])).toMatchObject({
      exitCode: 1,
      err: 'siteswarm drain: the node is not draining, or is about to stop\n',
    })
  })

  it('does not take a reason to undo', async () => {
    expect((await runCommand(['drain', '--undo', '--reason', 'x'])).exitCode).toBe(64)
  })
})

describe('the admin token', () => {
  it('comes from a file, given as a flag or in the environment', async () => {
    const { url } = await aNodeToDrain()
    const path = join(folder, 'token')
    writeFileSync(path, 'sesame-sesame\n')
    expect((await runCommand(['drain', '--url', url, '--token-file', path])).exitCode).toBe(0)
    const environment = { SITESWARM_ADMIN_TOKEN_FILE: path }
    expect((await runCommand(['drain', '--url', url], { environment })).exitCode).toBe(0)
  })

  it.each([
    [['--token-file', '/nowhere/token'], 'cannot read /nowhere/token'],
    [['--token-file', '/nowhere/token', '--token', 'x'], '--token and --token-file are both given'],
  ])('is reported if it cannot be read: %j', async (flags, message) => {
    const { exitCode, err } = await runCommand(['drain', ...flags])
    expect(exitCode).toBe(1)
    expect(err).toContain(message)
  })

  it('is not empty', async () => {
    const path = join(folder, 'empty')
    writeFileSync(path, '\n')
    expect((await runCommand(['drain', '--token-file', path])).err).toContain('the file is empty')
  })
})

describe('doctor', () => {
  it('lists each check of the node, and fails for trackers that do not respond', async () => {
    const { url } = await anAdmin()
    const { exitCode, out } = await runCommand(['doctor', '--url', url])
    expect(out).toContain('ok      node: siteswarm 0.0.0 of site fra, ready, running for ')
    expect(out).toContain('ok      serving: announces are answered\n')
    expect(out).toMatch(
      /failed {2}tracker: http:\/\/127\.1\.0\.1:6969\/announce \(fra\): .*\n {8}→ start its node/,
    )
    expect(exitCode).toBe(1)
  })

  it('ends with 69 where no node answers', async () => {
    expect((await runCommand(['doctor', '--url', 'http://127.0.0.1:9'])).exitCode).toBe(69)
  })

  it('finds remote sites that are down, other topologies, wrong clocks and stranded torrents', () => {
    const site = { isOwn: false, since: '2030-01-02T00:00:00.000Z', reason: 'refused' }
    const findings = checkSites([
      { ...site, site: 'fra', isOwn: true, state: 'here', topologyHash: 'aaaaaaaaaaaa' },
      { ...site, site: 'ams', state: 'down', topologyHash: null },
      { ...site, site: 'nyc', state: 'up', topologyHash: 'bbbbbbbbbbbb' },
    ])
    expect(findings.map(({ level, sentence }) => `${level} ${sentence}`)).toEqual([
      'failed site ams is down since 2030-01-02T00:00:00.000Z (refused)',
      'failed site nyc has the topology bbbbbbbbbbbb, this node has aaaaaaaaaaaa',
    ])
    expect(checkClock({ nodeMs: 15_000, hereMs: 10_000 }).level).toBe('ok')
    expect(checkClock({ nodeMs: 15_001, hereMs: 10_000 })).toMatchObject({
      level: 'warn',
      sentence: 'the clock of the node is 5 s ahead of that of this machine',
    })
    expect(checkSwarms([{ infoHash: 'ab', sites: { fra: 'stranded', ams: 'warm' } }])).toMatchObject({
      level: 'warn',
      sentence: 'stranded, since no site has a complete copy: ab in fra',
    })
  })
})
