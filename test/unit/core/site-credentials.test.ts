import { describe, expect, it } from 'vitest'
import { commonCredentials, credentialRequest, siteInNames } from '../../../src/core/site-credentials.ts'

describe('the names of a certificate', () => {
  it.each([
    ['URI:urn:siteswarm:site:fra', 'fra'],
    ['DNS:t1.fra.example, IP Address:10.1.0.2, URI:urn:siteswarm:site:fra-1.eu', 'fra-1.eu'],
    ['URI:https://fra.example/, URI:urn:siteswarm:site:fra', 'fra'],
  ])('name the site in %s', (names, site) => expect(siteInNames(names)).toBe(site))

  it.each([
    [undefined],
    [''],
    ['DNS:urn:siteswarm:site:fra'],
    ['URI:urn:siteswarm:site:fra, URI:urn:siteswarm:site:ams'],
    // One name with a comma, which Node writes as a JSON string.
    ['DNS:"t1.example, URI:urn:siteswarm:site:fra, x"'],
    ['URI:"urn:siteswarm:site:fra, x"'],
    ['URI:urn:siteswarm:site:fra, DNS:"open'],
  ])('name no site in %j', (names) => expect(siteInNames(names)).toBeUndefined())
})

describe('messages about credentials', () => {
  it.each([
    [{ token: 'a' }, 'the same federation.token', 'send the federation token as'],
    [
      { pair: {} },
      'certificates of a common authority in federation.tls',
      'present the certificate of a site',
    ],
    [
      { token: 'a', pair: {} },
      'the same federation.token, or certificates of a common authority in federation.tls',
      'present the certificate of a site',
    ],
  ])('name what is configured: %j', (credentials, common, request) => {
    expect(commonCredentials(credentials)).toBe(common)
    expect(credentialRequest(credentials)).toContain(request)
    expect(credentialRequest(credentials).includes('Bearer')).toBe('token' in credentials)
    expect(JSON.stringify([common, request])).not.toContain('"a"')
  })

  it('name both where there is none', () => {
    expect(commonCredentials({})).toContain('federation.token, or certificates')
  })
})
