/** Creates a certificate authority and a certificate for 127.0.0.1 that it signed, with openssl. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

export interface Authority {
  /** The certificate of the authority, as NODE_EXTRA_CA_CERTS takes it. */
  readonly caPath: string
  /** For a server on 127.0.0.1. */
  readonly key: Buffer
  readonly cert: Buffer
  /** The same in files. */
  readonly keyPath: string
  readonly certPath: string
  /** Another pair of this authority, in place of that in the files. */
  renew(names?: string): void
}

/** The files are removed when the test ends. `daysValid`: negative for a certificate that has expired. */
export function anAuthority(names = 'IP:127.0.0.1,DNS:localhost', daysValid = 2): Authority {
  const directory = mkdtempSync(join(tmpdir(), 'siteswarm-authority-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const at = (name: string) => join(directory, name)
  const openssl = (...args: readonly string[]) =>
    execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' })
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl(
    'req',
    '-x509',
    ...ec,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '2',
    '-subj',
    '/CN=An authority',
  )
  const renew = (of = names) => {
    openssl('req', ...ec, '-keyout', 'new.key', '-out', 'server.csr', '-subj', '/CN=a server')
    writeFileSync(at('extensions'), `subjectAltName=${of}\n`)
    const authority = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'extensions']
    const signed = ['-in', 'server.csr', '-out', 'new.pem', '-days', String(daysValid)]
    openssl('x509', '-req', ...signed, ...authority)
    renameSync(at('new.key'), at('server.key'))
    renameSync(at('new.pem'), at('server.pem'))
  }
  renew()
  return {
    caPath: at('ca.pem'),
    key: readFileSync(at('server.key')),
    cert: readFileSync(at('server.pem')),
    keyPath: at('server.key'),
    certPath: at('server.pem'),
    renew,
  }
}
