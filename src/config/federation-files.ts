/**
 * Reads the certificate that a node presents to the nodes of other sites. They admit it as the site that it names, so a
 * certificate of another site, or of none, is a problem, also when it replaces a valid one while the node runs.
 */
import { X509Certificate } from 'node:crypto'
import { siteOfCertificate } from '../core/site-credentials.ts'
import type { TlsPair } from '../core/tls-pair.ts'
import {
  certificatesOf,
  readTlsFiles,
  type ReadTlsFiles,
  type TlsFiles,
  type TlsProblem,
} from './tls-files.ts'

/** TLS client, of the extended key usage (RFC 5280, 4.2.1.12). */
const CLIENT_USAGE = '1.3.6.1.5.5.7.3.2'

export function readFederationFiles(files: TlsFiles, site: string): ReadTlsFiles {
  const { pair, problems, warnings } = readTlsFiles(files)
  if (pair === undefined) return { pair, problems, warnings }
  const named = siteOfCertificate(pair.certificate)
  if (named === site)
    return { pair, problems, warnings: [...warnings, ...admissionWarnings(pair, files, site)] }
  const problem: TlsProblem = {
    field: 'certificate',
    message: `${files.certificate}: the certificate names ${named === undefined ? 'no site' : `site ${named}`}, and this is a node of ${site}`,
    hint: `make one whose subjectAltName has URI:urn:siteswarm:site:${site}, and no other site`,
  }
  return { pair: undefined, problems: [problem], warnings: [] }
}

/** Reasons for which the nodes of other sites would reject the certificate. They may trust other authorities than this node. */
function admissionWarnings(pair: TlsPair, files: TlsFiles, site: string): TlsProblem[] {
  const certificate = new X509Certificate(pair.certificate)
  const warn = (message: string, hint: string): TlsProblem[] => [
    { field: 'certificate', message: `warning: ${files.certificate}: ${message}`, hint },
  ]
  // Without the extension, which Node then leaves out although its types have it, any usage is allowed.
  const usage = certificate.keyUsage as readonly string[] | undefined
  return [
    ...(usage === undefined || usage.includes(CLIENT_USAGE)
      ? []
      : warn(
          'its extended key usage excludes TLS clients; nodes of other sites reject it',
          'make one with extendedKeyUsage = clientAuth, and serverAuth if it is also that of listen.tls',
        )),
    ...(isSigned(pair)
      ? []
      : warn(
          `no authority in ${files.authority ?? ''} has signed it; nodes with the same authorities reject it`,
          `sign a certificate of site ${site} with one of them, and write those in between after it`,
        )),
  ]
}

/** True if the certificates of the file lead to an authority, each signed by the next one. */
function isSigned({ certificate, authority = '' }: TlsPair): boolean {
  const isReadable = (each: X509Certificate | undefined) => each !== undefined
  const chain = certificatesOf(certificate).filter(isReadable)
  const authorities = certificatesOf(authority).filter(isReadable)
  const isIssued = (each: X509Certificate, by: X509Certificate) =>
    each.checkIssued(by) && each.verify(by.publicKey)
  let [current] = chain
  for (let steps = 0; current !== undefined && steps <= chain.length; steps++) {
    const last = current
    if (authorities.some((each) => isIssued(last, each) || last.fingerprint256 === each.fingerprint256))
      return true
    current = chain.find((each) => each !== last && isIssued(last, each))
  }
  return false
}
