/**
 * Reads a certificate and its private key from PEM files, and checks that they work together: a node that starts with a
 * wrong pair would reject every client, each with another message.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { systemClock } from '../core/clock.ts'
import { ConfigError } from '../core/errors.ts'
import type { TlsPair } from '../core/tls-pair.ts'
import { readText } from './yaml-file.ts'

/** Absolute paths. */
export interface TlsFiles {
  readonly certificate: string
  readonly key: string
  /** Certificates of the authorities that sign the certificates of the other side. */
  readonly authority?: string | undefined
}

export interface TlsProblem {
  readonly field: keyof TlsFiles
  /** Names the file. */
  readonly message: string
  readonly hint: string
}

export interface ReadTlsFiles {
  /** undefined if there is a problem. */
  readonly pair: TlsPair | undefined
  readonly problems: readonly TlsProblem[]
  /** The pair is used nevertheless. */
  readonly warnings: readonly TlsProblem[]
}

const MAKE_PEM = 'write it in PEM format; the first certificate of the file is that of the node'

export function readTlsFiles(files: TlsFiles): ReadTlsFiles {
  const problems: TlsProblem[] = []
  const fail = (field: keyof TlsFiles, reason: string, hint: string) =>
    problems.push({ field, message: `${files[field] ?? ''}: ${reason}`, hint })
  const text = (field: keyof TlsFiles): string | undefined => {
    try {
      return readText(files[field] ?? '', 'name an existing file')
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      for (const { message, hint } of error.problems) fail(field, message, hint ?? 'name a PEM file')
      return undefined
    }
  }
  const [certificateText, keyText] = [text('certificate'), text('key')]
  const authority = files.authority === undefined ? undefined : text('authority')
  const certificate = certificateText === undefined ? undefined : certificateOf(certificateText)
  if (certificateText !== undefined && certificate === undefined)
    fail('certificate', 'the file has no certificate that can be read', MAKE_PEM)
  const key = keyText === undefined ? undefined : privateKeyOf(keyText)
  if (typeof key === 'string') fail('key', key, 'write the private key in PEM format, without a passphrase')
  if (authority !== undefined) {
    const unreadable = certificatesOf(authority).findIndex((each) => each === undefined)
    if (unreadable > 0)
      fail('authority', `certificate ${unreadable + 1} of the file cannot be read`, 'copy the file again')
    else if (unreadable === 0 || certificatesOf(authority).length === 0)
      fail(
        'authority',
        'the file has no certificate that can be read',
        'write the certificates in PEM format',
      )
  }
  if (certificate === undefined || typeof key !== 'object' || problems.length > 0)
    return { pair: undefined, problems, warnings: [] }
  if (!certificate.checkPrivateKey(key)) {
    fail(
      'key',
      `it is not the key of ${files.certificate}`,
      'name the key that the certificate was made with',
    )
    return { pair: undefined, problems, warnings: [] }
  }
  const pair = { certificate: certificateText ?? '', key: keyText ?? '', authority }
  try {
    createSecureContext({ cert: pair.certificate, key: pair.key, ca: authority })
  } catch (error) {
    // For example an intermediate certificate that is cut off, or a key that is too short.
    fail('certificate', `OpenSSL rejects it: ${(error as Error).message}`, MAKE_PEM)
    return { pair: undefined, problems, warnings: [] }
  }
  return { pair, problems, warnings: validityWarnings(certificate, files) }
}

function validityWarnings(
  certificate: X509Certificate,
  { certificate: path, authority }: TlsFiles,
): TlsProblem[] {
  const nowMs = systemClock.nowMs()
  // Only the certificate of a federation comes with an authority.
  const readers = authority === undefined ? 'clients' : 'nodes of other sites'
  const warn = (message: string, hint: string): TlsProblem[] => [
    { field: 'certificate', message: `warning: ${path}: ${message}`, hint },
  ]
  if (Date.parse(certificate.validTo) <= nowMs)
    return warn(
      `the certificate expired at ${isoOf(certificate.validTo)}; ${readers} reject it`,
      'renew it; the node reads the new files while it runs',
    )
  if (Date.parse(certificate.validFrom) > nowMs)
    return warn(
      `the certificate is not valid before ${isoOf(certificate.validFrom)}; ${readers} reject it until then`,
      'check the clock of this machine',
    )
  return []
}

/** `Nov 28 22:00:00 2026 GMT` becomes `2026-11-28T22:00:00Z`. */
function isoOf(text: string): string {
  return new Date(Date.parse(text)).toISOString().replace('.000Z', 'Z')
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^]*?(?:-----END CERTIFICATE-----|$)/g

/** All certificates of a PEM file; undefined for each one that cannot be read, such as one that is cut off. */
export function certificatesOf(text: string): (X509Certificate | undefined)[] {
  return (text.match(PEM_CERTIFICATE) ?? []).map(certificateOf)
}

function certificateOf(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(text)
  } catch {
    return undefined
  }
}

/** The key, or the reason why it cannot be used. */
function privateKeyOf(text: string): KeyObject | string {
  try {
    return createPrivateKey(text)
  } catch {
    // OpenSSL reports a passphrase that it was not given in several ways.
    return /ENCRYPTED/.test(text)
      ? 'the private key is encrypted'
      : 'the file has no private key that can be read'
  }
}
