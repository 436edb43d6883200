import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/load-config.ts'
import { loadNode } from '../../../src/config/load-node.ts'
import { loadTopologyFile } from '../../../src/config/load-topology.ts'
import { sampleFiles } from '../../../src/config/sample-files.ts'
import { ConfigError } from '../../../src/core/errors.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'siteswarm-load-'))
  mkdirSync(join(folder, 'etc'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function aFile(content: string | Buffer, name = 'siteswarm.yaml'): string {
  const path = join(folder, 'etc', name)
  writeFileSync(path, content)
  return path
}

function refusalOf(load: () => unknown): string {
  try {
    load()
  } catch (error) {
    if (error instanceof ConfigError) return error.message.replaceAll(folder, '~')
    throw error
  }
  return 'nothing'
}

describe('paths', () => {
  it('in the file are relative to the file', () => {
    const path = aFile(
      'site: fra\ntopology: ../topology.yaml\ndataDirectory: data\ntorrents: { directory: /srv/t }\n',
    )
    const config = loadConfig({ path, environment: {} })
    expect([config.topologyPath, config.dataDirectory, config.torrents.directory]).toEqual([
      join(folder, 'topology.yaml'),
      join(folder, 'etc/data'),
      '/srv/t',
    ])
  })

  it('in the environment are relative to the working directory', () => {
    const path = aFile('site: fra\ntopology: topology.yaml\n')
    const environment = { SITESWARM_TOPOLOGY: 'x.yaml', SITESWARM_DATA_DIRECTORY: 'd' }
    const config = loadConfig({ path, environment })
    expect([config.topologyPath, config.dataDirectory, config.torrents.directory]).toEqual([
      resolve('x.yaml'),
      resolve('d'),
      resolve('d/torrents'),
    ])
  })

  it('of data directories are relative to the working directory when the sample of the package runs', () => {
    const config = loadConfig({ environment: {} })
    expect([config.topologyPath, config.dataDirectory, config.torrents.directory]).toEqual([
      sampleFiles.topology,
      resolve('data'),
      resolve('data/torrents'),
    ])
  })
})

describe('the sample of the package', () => {
  it('is a node of Frankfurt that announces on port 6969 and has its admin on 6970 of this machine', () => {
    const { config, topology, warnings } = loadNode({ environment: {} })
    expect([config.site, config.listen.http.port, config.listen.admin]).toEqual([
      'fra',
      6969,
      { host: '127.0.0.1', port: 6970 },
    ])
    expect(topology.places.map(({ site, bubble }) => `${site.name}/${bubble}`)).toEqual([
      'fra/-',
      'fra/row-a',
      'fra/row-b',
      'ams/-',
      'ams/row-a',
      'ams/row-b',
      'nyc/-',
      'nyc/row-a',
      'nyc/row-b',
    ])
    expect(warnings).toEqual([])
  })
})

describe('a file that cannot be read', () => {
  const load = (path: string) => () => loadConfig({ path, environment: {} })

  it('is named when it is missing', () => {
    expect(refusalOf(load(join(folder, 'nowhere.yaml')))).toBe(
      '~/nowhere.yaml  no such file\n  name an existing file, or start from config/siteswarm.yaml',
    )
    expect(refusalOf(() => loadTopologyFile(join(folder, 'nowhere.yaml')))).toBe(
      '~/nowhere.yaml  no such file\n  name an existing file, or start from config/topology.yaml',
    )
  })

  it('is named when it is a directory', () => {
    expect(refusalOf(load(folder))).toBe('~  this is a directory\n  name the file in it')
  })

  it('is named when a part of its path is a file', () => {
    expect(refusalOf(load(join(aFile('x'), 'siteswarm.yaml')))).toBe(
      '~/etc/siteswarm.yaml/siteswarm.yaml  a part of this path is not a directory\n  check the path',
    )
  })

  // Root can read every file.
  it.skipIf(process.getuid?.() === 0)('is named when permission is denied', () => {
    const path = aFile('site: fra\n', 'secret.yaml')
    chmodSync(path, 0)
    expect(refusalOf(load(path))).toBe(
      '~/etc/secret.yaml  permission denied\n  let the user that runs siteswarm read it',
    )
  })

  it('is named with the first line that is not UTF-8', () => {
    const latin1 = Buffer.from('site: fra\n# für\ntopology: x\n', 'latin1')
    expect(refusalOf(load(aFile(latin1)))).toBe(
      '~/etc/siteswarm.yaml:2:1  the file is not UTF-8\n  save it as UTF-8',
    )
  })

  it('is named when it is UTF-16', () => {
    expect(refusalOf(load(aFile(Buffer.from('\uFEFFsite: fra', 'utf16le'))))).toBe(
      '~/etc/siteswarm.yaml  the file is UTF-16\n  save it as UTF-8',
    )
  })
})

describe('a file from another operating system', () => {
  it('may have a byte order mark and carriage returns', () => {
    const path = aFile('\uFEFFsite: fra\r\ntopology: t.yaml\r\n')
    expect(loadConfig({ path, environment: {} }).topologyPath).toBe(join(folder, 'etc/t.yaml'))
  })

  it('has excerpts without carriage returns', () => {
    expect(
      refusalOf(() => loadConfig({ path: aFile('site: fra\r\ntopology: t\r\nx: 1\r\n'), environment: {} })),
    ).toBe(
      '~/etc/siteswarm.yaml:3:1  unknown key "x"\n   3 | x: 1\n     | ^ known here: site, topology, listen, observe, carry, store, dataDirectory, interval, torrents, origin, admin, federation, webhooks, announce, limits, trustedProxies, log',
    )
  })
})
