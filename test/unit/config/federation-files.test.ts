/** Certificates between sites in the configuration: each error states the file, the problem and the remedy. */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkNode } from '../../../src/config/load-node.ts'
import { type Authority, anAuthority } from '../../an-authority.ts'
import { needs } from '../../setup/needs.ts'

const OF_FRA = 'URI:urn:siteswarm:site:fra'

/** Problems and warnings as `line:column message | hint`, without the folder of the files. */
function checked(
  authority: Authority,
  tls: string,
  more = 'listen: { tls: { certificate: server.pem, key: server.key } }',
) {
  const folder = dirname(authority.certPath)
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  write(
    'topology.yaml',
    'sites: { fra: { cidrs: [10.1.0.0/16], federation: [https://t.fra.example:6970] },' +
      ' ams: { cidrs: [10.2.0.0/16], federation: [https://t.ams.example:6970] } }\n',
  )
  write('siteswarm.yaml', `site: fra\ntopology: topology.yaml\nfederation: { ${tls} }\n${more}\n`)
  const { problems, warnings } = checkNode({ path: join(folder, 'siteswarm.yaml'), environment: {} })
  return [...problems, ...warnings]
    .filter(({ message }) => !message.includes('listen.admin'))
    .map(({ line, column, message, hint }) =>
      `${line}:${column} ${message} | ${hint ?? ''}`.replaceAll(`${folder}/`, ''),
    )
}

const TLS = 'tls: { certificate: server.pem, key: server.key, authority: ca.pem }'

describe.skipIf(needs('openssl'))('a certificate between sites', () => {
  it('of the own site and of the authority is valid', () => {
    expect(checked(anAuthority(OF_FRA), TLS)).toEqual([])
  })

  it('needs its key', () => {
    const missing = 'tls: { certificate: server.pem, key: missing.key, authority: ca.pem }'
    expect(checked(anAuthority(OF_FRA), missing)).toEqual([
      '3:52 missing.key: no such file | name an existing file',
    ])
    const other = 'tls: { certificate: server.pem, key: ca.key, authority: ca.pem }'
    expect(checked(anAuthority(OF_FRA), other)).toEqual([
      '3:52 ca.key: it is not the key of server.pem | name the key that the certificate was made with',
    ])
  })

  it('needs an authority that can be read, each certificate of its file', () => {
    const authority = anAuthority(OF_FRA)
    const write = (text: string) => writeFileSync(join(dirname(authority.certPath), 'authority.pem'), text)
    const tls = TLS.replace('ca.pem', 'authority.pem')
    expect(checked(authority, tls)).toEqual(['3:75 authority.pem: no such file | name an existing file'])
    write('not a certificate\n')
    expect(checked(authority, tls)).toEqual([
      '3:75 authority.pem: the file has no certificate that can be read | write the certificates in PEM format',
    ])
    const whole = readFileSync(authority.caPath, 'utf8')
    write(`${whole}${whole.slice(0, 300)}`)
    expect(checked(authority, tls)).toEqual([
      '3:75 authority.pem: certificate 2 of the file cannot be read | copy the file again',
    ])
    write(`${readFileSync(anAuthority().caPath, 'utf8')}${whole}`)
    expect(checked(authority, tls)).toEqual([])
  })

  it.each([
    ['URI:urn:siteswarm:site:ams', 'site ams'],
    ['DNS:t.fra.example', 'no site'],
    [`${OF_FRA},URI:urn:siteswarm:site:ams`, 'no site'],
  ])('with the names %s is rejected', (names, named) => {
    expect(checked(anAuthority(names), TLS)).toEqual([
      `3:35 server.pem: the certificate names ${named}, and this is a node of fra` +
        ' | make one whose subjectAltName has URI:urn:siteswarm:site:fra, and no other site',
    ])
  })

  it('of another authority is reported, since nodes with the same file reject it', () => {
    const authority = anAuthority(OF_FRA)
    writeFileSync(authority.caPath, readFileSync(anAuthority().caPath))
    expect(checked(authority, TLS)).toEqual([
      '3:35 warning: server.pem: no authority in ca.pem has signed it; nodes with the same authorities reject it' +
        ' | sign a certificate of site fra with one of them, and write those in between after it',
    ])
  })

  it('for servers only is reported', () => {
    const [found] = checked(anAuthority(`${OF_FRA}\nextendedKeyUsage=serverAuth`), TLS)
    expect(found).toContain('server.pem: its extended key usage excludes TLS clients')
    expect(checked(anAuthority(`${OF_FRA}\nextendedKeyUsage=serverAuth,clientAuth`), TLS)).toEqual([])
  })

  it('needs listen.tls', () => {
    expect(checked(anAuthority(OF_FRA), TLS, '')).toEqual([
      '3:20 federation.tls needs listen.tls: nodes of other sites present their certificates to the admin listener' +
        ' | set listen.tls, or use federation.token',
    ])
  })
})

describe.skipIf(needs('openssl'))('a topology for certificates between sites', () => {
  it('with plain URLs of other sites is reported, unless there is a token for them', () => {
    const authority = anAuthority(OF_FRA)
    const check = (tls: string) => {
      checked(authority, tls)
      const folder = dirname(authority.certPath)
      const path = join(folder, 'topology.yaml')
      writeFileSync(path, readFileSync(path, 'utf8').replace('https://t.ams', 'http://t.ams'))
      const { problems, warnings } = checkNode({ path: join(folder, 'siteswarm.yaml'), environment: {} })
      return [...problems, ...warnings].filter(({ message }) => message.includes('plain federation URLs'))
    }
    expect(check(TLS).map(({ message }) => message)).toEqual([
      'warning: the topology has plain federation URLs of other sites (http://t.ams.example:6970), over which this node cannot present its certificate',
    ])
    expect(check(`token: a-token-of-all-sites, ${TLS}`)).toEqual([])
  })

  it('without URLs of other sites is reported with the key that is set', () => {
    const authority = anAuthority(OF_FRA)
    checked(authority, TLS)
    const folder = dirname(authority.certPath)
    writeFileSync(join(folder, 'topology.yaml'), 'sites: { fra: { cidrs: [10.1.0.0/16] } }\n')
    const { warnings } = checkNode({ path: join(folder, 'siteswarm.yaml'), environment: {} })
    expect(warnings.map(({ message }) => message)).toEqual([
      'warning: federation.tls is set, but no other site has federation URLs in the topology',
    ])
  })
})
