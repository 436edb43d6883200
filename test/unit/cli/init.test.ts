/** `init`: a first set-up that `check` accepts, and that replaces nothing. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadNode } from '../../../src/config/load-node.ts'
import { networksOf } from '../../../src/cli/first-files.ts'
import { runCommand } from '../../a-command-run.ts'

const folder = mkdtempSync(join(tmpdir(), 'siteswarm-init-'))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string) => join(folder, name)

const SITES = ['--site', 'fra=10.1.0.0/16,fd00:1::/48', '--site', 'ams=10.2.0.0/16']

describe('init', () => {
  it('writes files that a node starts with, and tokens that only their owner reads', async () => {
    const run = await runCommand(['init', at('two'), ...SITES, '--host', 't1.fra.example'])
    expect(run.exitCode).toBe(0)
    const config = at('two/siteswarm.yaml')
    const { config: loaded, topology } = loadNode({ path: config, environment: {} })
    expect(loaded.site).toBe('fra')
    expect(topology.siteNamed('fra')?.trackers).toEqual(['http://t1.fra.example:6969/announce'])
    expect(topology.siteNamed('fra')?.federation).toEqual(['http://t1.fra.example:6970'])
    const tokens = ['admin-token', 'admin-read-token', 'federation-token'].map((name) => at(`two/${name}`))
    for (const path of tokens) {
      expect(statSync(path).mode & 0o777).toBe(0o600)
      expect(readFileSync(path, 'utf8')).toMatch(/^[0-9a-f]{32}\n$/)
    }
    expect(new Set(tokens.map((path) => readFileSync(path, 'utf8'))).size).toBe(3)
    expect(loaded.admin).toEqual({
      token: readFileSync(tokens[0]!, 'utf8').trim(),
      readToken: readFileSync(tokens[1]!, 'utf8').trim(),
    })
    for (const name of ['siteswarm.schema.json', 'topology.schema.json'])
      expect(existsSync(at(`two/${name}`))).toBe(true)
    expect((await runCommand(['check', '--config', config])).exitCode).toBe(0)
  })

  it('uses the networks of the machine without a site', async () => {
    const network = (address: string, cidr: string, internal = false) =>
      ({ address, cidr, internal }) as never
    expect(
      networksOf({
        lo: [network('127.0.0.1', '127.0.0.1/8', true)],
        eth0: [network('10.1.2.3', '10.1.2.3/16'), network('fe80::1', 'fe80::1/64')],
        eth1: [network('fd00:1::7', 'fd00:1::7/64'), network('10.1.9.9', '10.1.9.9/16')],
      }),
    ).toEqual(['10.1.0.0/16', 'fd00:1::/64'])
  })

  it('replaces no file, and then writes none', async () => {
    await runCommand(['init', at('mine'), ...SITES])
    rmSync(at('mine/siteswarm.yaml'))
    writeFileSync(at('mine/topology.yaml'), 'mine')
    const { exitCode, err } = await runCommand(['init', at('mine'), ...SITES])
    expect(exitCode).toBe(1)
    expect(err).toContain(`${at('mine/topology.yaml')}, `)
    expect(err).toContain('exists already')
    expect(readFileSync(at('mine/topology.yaml'), 'utf8')).toBe('mine')
    expect(existsSync(at('mine/siteswarm.yaml'))).toBe(false)
  })

  it.each([
    [['--site', 'fra'], 'write the name and the prefixes, such as fra=10.1.0.0/16'],
    [['--site', 'fra=10.1.0.1/16'], '--site fra: '],
    [['--site', 'fra=10.1.0.0/16', '--site', 'ams=10.1.0.0/16'], '10.1.0.0/16 is listed twice'],
  ])('rejects %j, and writes nothing', async (sites, message) => {
    const { exitCode, err } = await runCommand(['init', at('wrong'), ...sites])
    expect(exitCode).toBe(1)
    expect(err).toContain(message)
    expect(existsSync(at('wrong'))).toBe(false)
  })
})
