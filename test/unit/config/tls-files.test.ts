/** Certificates and keys of the configuration, made by openssl. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/load-config.ts'
import { checkNode } from '../../../src/config/load-node.ts'
import { readTlsFiles } from '../../../src/config/tls-files.ts'
import { ConfigError, formatProblem } from '../../../src/core/errors.ts'
import { type Authority, anAuthority } from '../../an-authority.ts'
import { needs } from '../../setup/needs.ts'

const messages = (authority: Pick<Authority, 'certPath' | 'keyPath'>) =>
  readTlsFiles({ certificate: authority.certPath, key: authority.keyPath }).problems.map(
    ({ field, message }) => `${field} ${message}`,
  )

/** A file beside those of the authority. */
function beside({ certPath }: Authority, name: string, text: string | Buffer): string {
  const path = join(dirname(certPath), name)
  writeFileSync(path, text)
  return path
}

describe.skipIf(needs('openssl'))('a certificate and its key', () => {
  it('are read when they belong together', () => {
    const { certPath: certificate, keyPath: key, cert } = anAuthority()
    const read = readTlsFiles({ certificate, key })
    expect(read).toMatchObject({ problems: [], warnings: [] })
    expect(read.pair?.certificate).toBe(cert.toString())
  })

  it('are refused when the key belongs to another certificate', () => {
    const [authority, other] = [anAuthority(), anAuthority()]
    expect(messages({ ...authority, keyPath: other.keyPath })).toEqual([
      `key ${other.keyPath}: it is not the key of ${authority.certPath}`,
    ])
  })

  it('are each refused when missing, a directory, or not PEM', () => {
    const authority = anAuthority()
    const folder = dirname(authority.certPath)
    expect(messages({ certPath: '/missing.pem', keyPath: '/missing.key' })).toEqual([
      'certificate /missing.pem: no such file',
      'key /missing.key: no such file',
    ])
    expect(messages({ ...authority, certPath: folder })).toEqual([
      `certificate ${folder}: this is a directory`,
    ])
    expect(messages({ certPath: authority.keyPath, keyPath: authority.certPath })).toEqual([
      `certificate ${authority.keyPath}: the file has no certificate that can be read`,
      `key ${authority.certPath}: the file has no private key that can be read`,
    ])
  })

  it('are refused when the key has a passphrase', () => {
    const authority = anAuthority()
    const keyPath = join(dirname(authority.certPath), 'locked.key')
    const into = ['-out', keyPath, '-aes256', '-passout', 'pass:secret']
    execFileSync('openssl', ['ec', '-in', authority.keyPath, ...into], { stdio: 'pipe' })
    expect(messages({ ...authority, keyPath })).toEqual([`key ${keyPath}: the private key is encrypted`])
  })

  it('are refused when an intermediate certificate is cut off', () => {
    const authority = anAuthority()
    const cut = authority.cert.toString().slice(0, 300)
    const certPath = beside(authority, 'chain.pem', `${authority.cert.toString()}${cut}\n`)
    expect(messages({ ...authority, certPath })[0]).toMatch(/^certificate .*chain\.pem: OpenSSL rejects it/)
  })

  it('are used after the certificate expired, with a warning that has the date', () => {
    const { certPath: certificate, keyPath: key } = anAuthority(undefined, -1)
    const { pair, warnings } = readTlsFiles({ certificate, key })
    expect(pair).toBeDefined()
    expect(warnings.map(({ message }) => message.replace(/\d{4}-\d\d-\d\dT[\d:]{8}Z/, 'DATE'))).toEqual([
      `warning: ${certificate}: the certificate expired at DATE; clients reject it`,
    ])
  })

  it('are named at their keys in the file, relative to it', () => {
    const authority = anAuthority()
    const folder = dirname(authority.certPath)
    beside(authority, 'topology.yaml', 'sites: { fra: { cidrs: [10.1.0.0/16] } }\n')
    const write = (tls: string) =>
      beside(authority, 'siteswarm.yaml', `site: fra\ntopology: topology.yaml\nlisten: { tls: ${tls} }\n`)
    const path = write('{ certificate: server.pem, key: server.key }')
    expect(loadConfig({ path, environment: {} }).listen.tls).toEqual({
      certificate: authority.certPath,
      key: authority.keyPath,
    })
    write('{ certificate: server.pem, key: ca.pem }')
    expect(() => loadConfig({ path, environment: {} })).toThrow(ConfigError)
    const { problems } = checkNode({ path, environment: {} })
    expect(problems.map(({ line, column, message }) => `${line}:${column} ${message}`)).toEqual([
      `3:48 ${folder}/ca.pem: the file has no private key that can be read`,
    ])
  })

  it('are missed by plain URLs of the own site in the topology', () => {
    const authority = anAuthority()
    const text =
      'sites: { fra: { cidrs: [10.1.0.0/16], federation: [https://t1.fra.example:6970],' +
      ' trackers: [http://t1.fra.example:6969/announce, https://t2.fra.example:6969/announce] } }\n'
    beside(authority, 'topology.yaml', text)
    const path = beside(
      authority,
      'siteswarm.yaml',
      'site: fra\ntopology: topology.yaml\nlisten: { tls: { certificate: server.pem, key: server.key } }\n',
    )
    const found = checkNode({ path, environment: {} }).warnings.map(formatProblem).join('\n')
    expect(found).toContain('plain URLs of nodes of fra (http://t1.fra.example:6969/announce)')
  })
})
