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

/** Present or not; also of a configuration, where the pair is still the paths of its files. */
interface Configured {
  readonly token?: unknown
  readonly pair?: unknown
}

const COMMON_TOKEN = 'the same federation.token'
const COMMON_AUTHORITY = 'certificates of a common authority in federation.tls'

/** Completes "all sites need …"; with both where this node has both or none. */
export function commonCredentials({ token, pair }: Configured): string {
  if (pair === undefined && token !== undefined) return COMMON_TOKEN
  if (pair !== undefined && token === undefined) return COMMON_AUTHORITY
  return `${COMMON_TOKEN}, or ${COMMON_AUTHORITY}`
}

const SEND_TOKEN = 'send the federation token as "Authorization: Bearer <token>"'
const PRESENT_CERTIFICATE =
  'present the certificate of a site, signed by an authority in federation.tls of this node'

/** Remedy for a request that neither the token nor a certificate admits. */
export function credentialRequest({ token, pair }: Configured): string {
  if (pair === undefined) return SEND_TOKEN
  return token === undefined ? PRESENT_CERTIFICATE : `${PRESENT_CERTIFICATE}, or ${SEND_TOKEN}`
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

/** The site of the other side of a connection, where an authority of the federation has signed its certificate. */
export function certifiedSite(stream: unknown): string | undefined {
  if (!(stream instanceof TLSSocket) || !stream.authorized) return undefined
  return siteInNames(stream.getPeerX509Certificate()?.subjectAltName)
}

/** For a request to a node of `site`, whose certificate may not name another one. undefined: a node of any site. */
export function siteRequestOptions(
  { token, pair }: SiteCredentials,
  site: string | undefined,
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
      return site === undefined || named === undefined || named === site
        ? checkServerIdentity(host, certificate)
        : new Error(`its certificate is of site ${named}`)
    },
  }
}
