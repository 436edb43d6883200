/** The configuration as `/api/v1/node` shows it: complete, and without a secret. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../../src/config/load-config.ts'

const folder = mkdtempSync(join(tmpdir(), 'siteswarm-public-'))
afterAll(() => rmSync(folder, { recursive: true }))

function shown(text: string, environment: Record<string, string> = {}) {
  const path = join(folder, 'siteswarm.yaml')
  writeFileSync(path, `site: fra\ntopology: ./topology.yaml\n${text}`)
  return readConfig({ path, environment }).publicConfiguration
}

describe('the configuration in effect', () => {
  it('has the values of file and environment, and the defaults, as they are written', () => {
    expect(shown('interval: { min: 30s }\n', { SITESWARM_LOG_LEVEL: 'debug' })).toMatchObject({
      site: 'fra',
      listen: { http: '[::]:6969', admin: '127.0.0.1:6970' },
      interval: { min: '30s', max: '30m' },
      store: 'memory',
      log: { level: 'debug' },
      torrents: { admit: 'any', directory: null },
    })
  })

  it('shows only that a token is set, and no password of a store', () => {
    const configuration = shown(
      'admin: { token: operate-secret, readToken: read-secret }\nstore: "redis://me:redis-secret@redis:6379"\n',
      { SITESWARM_FEDERATION_TOKEN: 'federation-secret' },
    )
    expect(configuration).toMatchObject({
      admin: { token: 'set', readToken: 'set', tokenFile: null },
      federation: { token: 'set' },
      store: 'redis://redis:6379',
    })
    expect(JSON.stringify(configuration)).not.toContain('-secret')
  })
})

describe('the token to read', () => {
  const problemsOf = (text: string) => {
    const path = join(folder, 'siteswarm.yaml')
    writeFileSync(path, `site: fra\ntopology: ./topology.yaml\n${text}`)
    return readConfig({ path, environment: {} }).problems.map(({ message }) => message)
  }

  it('requires a token to operate, and is another one', () => {
    expect(problemsOf('admin: { readToken: read-secret }\n')).toEqual([
      'admin has a token to read, and none to operate',
    ])
    expect(problemsOf('admin: { token: same-secret, readToken: same-secret }\n')).toEqual([
      'admin.readToken is the same as admin.token',
    ])
    expect(problemsOf('admin: { token: one-secret, readToken: other-secret }\n')).toEqual([])
  })

  it('comes from a file', () => {
    writeFileSync(join(folder, 'read-token'), 'read-from-file\n')
    const path = join(folder, 'siteswarm.yaml')
    writeFileSync(
      path,
      'site: fra\ntopology: ./topology.yaml\nadmin: { token: operate-secret, readTokenFile: ./read-token }\n',
    )
    expect(readConfig({ path, environment: {} }).config?.admin).toEqual({
      token: 'operate-secret',
      readToken: 'read-from-file',
    })
    expect(
      problemsOf('admin: { token: operate-secret, readToken: read-secret, readTokenFile: ./read-token }\n'),
    ).toEqual(['admin has both readToken and readTokenFile'])
  })
})
