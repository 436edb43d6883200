/**
 * Proof of a node towards the nodes of other sites: a token, or a certificate that names its site.
 *
 * A certificate names a site as `URI:urn:siteswarm:site:NAME` in its subject alternative names, exactly one. Other names,
 * also the common name, do not count: they are often chosen by the host that requests a certificate.
 */
import { X509Certificate } from 'node:crypto'
import { checkServerIdentity, type SecureContextOptions, TLSSocket } from 'node:tls'
import { secureOptions, type TlsPair } from './tls-pair.ts'

export interface SiteCredentials {
  readonly token: string | undefined
  /** At present; files are read again. undefined: no certificate is presented. */
  readonly pair: TlsPair | undefined
}

const SITE_PREFIX = 'urn:siteswarm:site:'

/*
  subjectAltName of Node => entry *( ", " entry )
  entry => type ":" ( text without commas and quotes | JSON string )
*/
const ENTRY = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/gy

/** The one site that the names contain; undefined for none, for several, and for names that cannot be read. */
export function siteInNames(subjectAltName: string | undefined): string | undefined {
  const text = subjectAltName ?? ''
  const sites: string[] = []
  let end = 0
  for (const entry of text.matchAll(ENTRY)) {
    const [whole, type, value = ''] = entry
    end += whole.length
    if (type === 'URI' && value.startsWith(SITE_PREFIX)) sites.push(value.slice(SITE_PREFIX.length))
  }
  return end === text.length && sites.length === 1 ? sites[0] : undefined
}

/** The site of the first certificate of a PEM file. */
export function siteOfCertificate(pem: string): string | undefined {
  return siteInNames(new X509Certificate(pem).subjectAltName)
}

/** The site of a client whose certificate an authority of the federation has signed. */
export function certifiedSite(stream: unknown): string | undefined {
  if (!(stream instanceof TLSSocket) || !stream.authorized) return undefined
  return siteInNames(stream.getPeerX509Certificate()?.subjectAltName)
}

/** For a request to a node of `site`, whose certificate may not name another one. */
export function siteRequestOptions(
  { token, pair }: SiteCredentials,
  site: string,
): SecureContextOptions & {
  readonly headers: Readonly<Record<string, string>>
  readonly checkServerIdentity?: typeof checkServerIdentity
} {
  const headers: Readonly<Record<string, string>> =
    token === undefined ? {} : { authorization: `Bearer ${token}` }
  if (pair === undefined) return { headers }
  return {
    ...secureOptions(pair),
    headers,
    checkServerIdentity: (host, certificate) => {
      const named = siteInNames(certificate.subjectaltname)
      return named === undefined || named === site
        ? checkServerIdentity(host, certificate)
        : new Error(`its certificate is of site ${named}`)
    },
  }
}
